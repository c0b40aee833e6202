//! LB070 configuration-imbalance: some choice of preprocessor conditions unbalances the function.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::exits::Imbalance;

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
Halves under the same condition, and halves under conditions that exclude each other.
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
        let function = cx.body().name.clone();
        let lock = cx.analysis.spelled(key).to_owned();
        let choice = if holds { format!("`{condition}`") } else { format!("not `{condition}`") };
        let what = if sign > 0 { "still held when it returns" } else { "released without having been taken" };
        let report = Report {
            rule: &META,
            key,
            // Who deals in locks for callers may leave them held in one configuration and not need them in another.
            confidence: if cx.locks_for_callers() || cx.is_anyones(key) {
                Confidence::Low
            } else {
                Confidence::Medium
            },
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
