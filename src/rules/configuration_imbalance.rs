//! LB070 configuration-imbalance: some choice of preprocessor conditions unbalances the function.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::ir::Name;
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;
use crate::lock::state::LockKey;

/// LB070.
pub static META: RuleMeta = RuleMeta {
    id: "LB070",
    name: "configuration-imbalance",
    summary: "some choice of preprocessor conditions unbalances the function",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
An imbalance that needs a preprocessor condition to hold (or not to hold), consistently along the path.

## Why it matters
The function is right in the configuration that everybody builds and wrong in the one that nobody tests.

## Example
```c bad
void publish(struct dev *dev)
{
	spin_lock(&dev->lock);
	dev->ready = 1;
#ifdef CONFIG_SMP
	spin_unlock(&dev->lock);
#endif
}
```
```c good
void publish(struct dev *dev)
{
#ifdef CONFIG_SMP
	spin_lock(&dev->lock);
#endif
	dev->ready = 1;
#ifdef CONFIG_SMP
	spin_unlock(&dev->lock);
#endif
}
```

## Not reported
Halves under the same condition, and halves under conditions that exclude each other. Where nothing is done to the lock without the choice, and with it some ways
out are right, the other ways are wrong rather than the choice (LB001, LB006). Halves that callers or partners answer are of low confidence.
"#,
};

/// Looks for imbalances that all share a choice which balanced exits do not all make.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let (exits, sign) = match &imbalance {
            Imbalance::Missing { exits, .. } | Imbalance::HandsOver { exits, .. } => (exits.clone(), 1),
            Imbalance::TakesOver { exits, .. } | Imbalance::NotRetaken { exits } => (exits.clone(), -1),
            Imbalance::Mismatch { held, released } if held.is_empty() => (released.clone(), -1),
            Imbalance::Mismatch { held, .. } => (held.clone(), 1),
            Imbalance::Even => continue,
        };
        let weighed = cx.analysis.balance(key, false);
        let balanced = weighed.even;
        // Out of balance under either choice: the configuration is not to blame.
        if balanced.is_empty() {
            continue;
        }
        let Some((condition, holds)) = cx.analysis.shared_configuration(&exits, &balanced) else { continue };
        if matches!(imbalance, Imbalance::Missing { .. })
            && is_only_used_so(cx, key, &balanced, &(condition.clone(), holds))
        {
            continue;
        }
        let function = cx.body().name.clone();
        let lock = cx.analysis.spelled(key).to_owned();
        let choice = if holds { format!("`{condition}`") } else { format!("not `{condition}`") };
        let what = if sign > 0 { "still held when it returns" } else { "released without having been taken" };
        let report = Report {
            rule: &META,
            key,
            confidence: if is_excused(cx, key, &imbalance) { Confidence::Low } else { Confidence::Medium },
            place: cx.exit_span(exits[0]),
            label: format!("out of balance here with {choice}"),
            message: format!("with {choice}, `{lock}` is {what} from `{function}`"),
            exit: cx.analysis.exits[exits[0]].kind.as_str(),
            help: vec!["put both halves under the same condition".to_owned()],
        };
        if cx.report_exits(&exits, sign, report) {
            cx.settled.push(key);
        }
    }
}

/// Whether nothing is done to the lock without that choice, and with it some ways out are right: then it is the other ways that are wrong.
fn is_only_used_so(cx: &RuleCx<'_, '_>, key: LockKey, balanced: &[usize], choice: &(Name, bool)) -> bool {
    let (mut right, mut used_without) = (false, false);
    for &at in balanced {
        let so =
            cx.analysis.choices(at).find(|(name, _)| *name == choice.0).map(|(_, holds)| holds == choice.1);
        right |= so == Some(true);
        used_without |= so != Some(true) && cx.analysis.exits[at].state.locks.get(key).is_some();
    }
    right && !used_without
}

/// Whether it would be no finding of medium confidence either if there were no choice: who deals in locks for callers or partners may
/// leave them held in one configuration and not need them in another.
fn is_excused(cx: &RuleCx<'_, '_>, key: LockKey, imbalance: &Imbalance) -> bool {
    if cx.locks_for_callers() || cx.is_anyones(key) {
        return true;
    }
    let held = matches!(imbalance, Imbalance::HandsOver { .. });
    let other_half = cx.analysis.events.iter().any(|event| {
        let taken = matches!(event.kind, EventKind::Acquired { .. });
        event.key == key && (taken || matches!(event.kind, EventKind::Released { .. })) && taken != held
    });
    if other_half || !matches!(imbalance, Imbalance::HandsOver { .. } | Imbalance::TakesOver { .. }) {
        return false;
    }
    let name = &cx.body().name;
    let evidence = cx.evidence.clone().unwrap_or_default();
    let (meant, answered) = if held {
        (convention::promises_to_take(name), evidence.consumed)
    } else {
        (convention::promises_to_release(name), evidence.supplied)
    };
    let unmet = evidence.is_called() || cx.is_lonely(key);
    let shared = cx.is_often_left(key) || cx.has_partner(key, held);
    meant || answered || evidence.conforms || shared || !unmet
}
