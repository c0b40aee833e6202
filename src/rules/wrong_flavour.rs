//! LB030 wrong-flavour-release: a lock is taken one way and released another.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;
use crate::lock::state::LockKey;
use crate::profile::{Context, LockMode, Sharing};

/// LB030.
pub static META: RuleMeta = RuleMeta {
    id: "LB030",
    name: "wrong-flavour-release",
    summary: "a lock is taken one way and released another",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
Shared against exclusive, and interrupts, bottom halves or saved flags: `spin_lock_irqsave` released by `spin_unlock`,
`down_read` by `up_write`, saved state restored from another variable.

## Why it matters
The lock itself may come free, but interrupts stay off (or come on too early), or the reader count is wrong for ever.

## Example
```c bad
void push(struct queue *q)
{
	spin_lock_irq(&q->lock);
	q->len++;
	spin_unlock(&q->lock);
}
```
```c good
void push(struct queue *q)
{
	spin_lock_irq(&q->lock);
	q->len++;
	spin_unlock_irq(&q->lock);
}
```

## Not reported
Split bookkeeping that adds up: `spin_lock_irqsave(a, f); spin_lock(b); spin_unlock(a); spin_unlock_irqrestore(b, f)`, and a lock released
plainly before `local_irq_restore(f)`.
"#,
};

/// Looks for sharing mismatches at releases, and for contexts that are still owed at an exit.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::WrongFlavour { .. })) {
        let EventKind::WrongFlavour { held, released } = event.kind.clone() else { continue };
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: format!("released {}", described(released)),
            message: format!("`{lock}` is taken {} and released {}", described(held), described(released)),
            help: vec!["release it the way it was taken".to_owned()],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
    check_debts(cx);
    check_kinds(cx);
}

/// One kind of lock is kept, and another kind of the same object (or a kind that goes by nearly the same name) released untaken, on the
/// same ways out.
fn check_kinds(cx: &mut RuleCx<'_, '_>) {
    let open = cx.open_imbalances();
    for (held, imbalance) in &open {
        let (Imbalance::HandsOver { exits, .. } | Imbalance::Missing { exits, .. }) = imbalance else {
            continue;
        };
        let other = open.iter().find(|(key, imbalance)| {
            let (Imbalance::TakesOver { exits: others, .. } | Imbalance::NotRetaken { exits: others }) =
                imbalance
            else {
                return false;
            };
            let profile = cx.analysis.profile();
            let (mine, theirs) = (profile.family(held.family), profile.family(key.family));
            let kin = mine.kin.is_some() && mine.kin == theirs.kin;
            key.family != held.family && (key.address == held.address || kin) && others == exits
        });
        let Some((released, _)) = other else { continue };
        let (lock, wrong) =
            (cx.analysis.spelled(*held).to_owned(), cx.analysis.spelled(*released).to_owned());
        let families = (family_name(cx, *held), family_name(cx, *released));
        let place = cx.released_at(*released).unwrap_or(cx.exit_span(exits[0]));
        let report = Report {
            rule: &META,
            key: *held,
            confidence: Confidence::Medium,
            place,
            label: format!("releases `{wrong}` of kind {}", families.1),
            message: format!("`{lock}` is taken as {} and released as {}", families.0, families.1),
            exit: "",
            help: vec!["release it the way it was taken".to_owned()],
        };
        if cx.report_exits(exits, 1, report) {
            cx.settled.extend([*held, *released]);
            cx.refuted.push(*released);
        }
    }
}

fn family_name(cx: &RuleCx<'_, '_>, key: LockKey) -> String {
    cx.analysis.profile().family(key.family).name.to_string()
}

fn check_debts(cx: &mut RuleCx<'_, '_>) {
    let mut seen = Vec::new();
    for at in 0..cx.analysis.exits.len() {
        let exit = &cx.analysis.exits[at];
        if exit.state.doubtful {
            continue;
        }
        for debt in exit.state.debts.clone() {
            // A pair of debts at one release is one mismatch.
            if seen.contains(&(debt.at, debt.key)) || !cx.analysis.profile().family(debt.key.family).reported
            {
                continue;
            }
            seen.push((debt.at, debt.key));
            if debt.saved.is_some_and(|saved| cx.analysis.hands_on(&cx.analysis.exits[at], saved)) {
                continue;
            }
            let lock = cx.analysis.spelled(debt.key).to_owned();
            let what = match (debt.context, debt.open) {
                (Context::Bh, true) => "bottom halves stay off",
                (Context::Bh, false) => "bottom halves are switched on that were not switched off",
                (_, true) => "interrupts stay off",
                (_, false) => "interrupts are switched on that were not switched off",
            };
            let place = cx.body().cfg.span(debt.at);
            let report = Report {
                rule: &META,
                key: debt.key,
                confidence: Confidence::High,
                place,
                label: format!("{what} after this"),
                message: format!("`{lock}` is released another way than it was taken: {what}"),
                exit: "",
                help: vec!["release it the way it was taken".to_owned()],
            };
            cx.report_place(at, debt.key, debt.at, report);
        }
    }
}

fn described(mode: LockMode) -> &'static str {
    match (mode.sharing, mode.context) {
        (Sharing::Shared, _) => "for reading",
        (_, Context::IrqSave) => "with saved interrupt state",
        (_, Context::Irq) => "with interrupts off",
        (_, Context::Bh) => "with bottom halves off",
        (Sharing::Exclusive, _) => "exclusively",
        (Sharing::Any, _) => "another way",
    }
}
