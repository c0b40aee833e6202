//! LB001 missing-release: a path leaves the function still holding a lock that it took.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;
use crate::lock::state::LockKey;

/// LB001.
pub static META: RuleMeta = RuleMeta {
    id: "LB001",
    name: "missing-release",
    summary: "a path leaves the function still holding a lock that it took",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
A path from an acquisition reaches an exit still holding, although other exits of the same kind release, or although neither name, contract nor
callers say that the function hands the lock over.

## Why it matters
The lock stays taken: the next one who wants it waits for ever.

## Example
```c bad
void update(struct dev *dev, int value)
{
	spin_lock(&dev->lock);
	if (dev->value == value)
		return;
	dev->value = value;
	spin_unlock(&dev->lock);
}
```
```c good
void update(struct dev *dev, int value)
{
	spin_lock(&dev->lock);
	if (dev->value != value)
		dev->value = value;
	spin_unlock(&dev->lock);
}
```

Also reported: a lock that is held when it is destroyed, or when the thread ends that holds it, or that lies in a local variable. A function that threads are
started with hands nothing to anybody, whatever its name says.

## Not reported
Functions that hand the lock to their caller: always, or told by what they return; locks that somebody else may release (page locks by I/O
completion). Where another function of the folder releases such a lock without taking it, as `stop` does what `start` took, the confidence is low.
"#,
};

/// Looks for exits that hold what their siblings release, and for hand-overs that nobody takes.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    ends(cx);
    for (key, imbalance) in cx.open_imbalances() {
        match imbalance {
            Imbalance::Missing { exits, on_error: false, same_kind } => {
                let exits: Vec<usize> = exits.into_iter().filter(|&at| !cx.says_locked(at)).collect();
                if exits.is_empty() {
                    cx.settled.push(key);
                    continue;
                }
                // Who takes a semaphore and releases it, and not only on failure, uses it as a lock rather than as a signal.
                let as_lock = same_kind && cx.is_used_as_lock(key);
                let signal = cx.is_anyones(key) && !as_lock;
                let away = signal || cx.is_scattered(key) || cx.is_lent(key, &exits);
                let excused = away || cx.locks_for_callers() || cx.has_partner(key, true);
                let confidence = match (same_kind, excused) {
                    (true, false) => Confidence::High,
                    (false, false) => Confidence::Medium,
                    (_, true) => Confidence::Low,
                };
                report(cx, &META, key, &exits, confidence);
            }
            Imbalance::HandsOver { exits, .. } => hand_over(cx, key, &exits),
            _ => {}
        }
    }
}

/// Locks that are held when they are destroyed, or when the thread ends that holds them.
fn ends(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::DestroyedHeld | EventKind::ThreadEnds)) {
        if cx.settled.contains(&event.key) || cx.is_anyones(event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let end = match event.kind {
            EventKind::DestroyedHeld => "it is destroyed",
            _ => "the thread ends",
        };
        let report = Report {
            label: "still held here".to_owned(),
            message: format!("`{lock}` is still held when {end}"),
            help: vec![format!("release `{lock}` before")],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}

fn hand_over(cx: &mut RuleCx<'_, '_>, key: LockKey, exits: &[usize]) {
    let evidence = cx.evidence.clone().unwrap_or_default();
    if evidence.thread || cx.analysis.roots_in_local(key.address) {
        let excused = cx.may_be_released(key, exits) || cx.is_often_left(key);
        return report(cx, &META, key, exits, if excused { Confidence::Low } else { Confidence::High });
    }
    let says_so = exits.iter().all(|&at| cx.says_locked(at));
    let declared = says_so || cx.has_contract() || convention::promises_to_take(&cx.body().name);
    if declared || evidence.consumed || evidence.conforms {
        cx.settled.push(key);
        return;
    }
    // Somebody calls it and does not give the lock back, or it is called through a pointer: whoever does so can hardly know of a
    // hand-over that neither name nor contract tells of.
    let unconsumed = evidence.is_called();
    let private = cx.is_lonely(key) || cx.analysis.is_own_static(key);
    let excused = cx.may_be_released(key, exits) || cx.is_often_left(key) || cx.has_partner(key, true);
    let confidence = match (unconsumed || private, excused) {
        (true, false) => Confidence::Medium,
        _ => Confidence::Low,
    };
    report(cx, &META, key, exits, confidence);
}

/// Reports each place at which `exits` leave with `key` held.
pub(super) fn report(
    cx: &mut RuleCx<'_, '_>,
    rule: &'static RuleMeta,
    key: LockKey,
    exits: &[usize],
    confidence: Confidence,
) {
    let function = cx.body().name.clone();
    for group in cx.by_place(exits) {
        let lock = cx.analysis.spelled(key).to_owned();
        let first = group[0];
        let report = Report {
            rule,
            key,
            confidence,
            place: cx.exit_span(first),
            label: "returns still holding".to_owned(),
            message: format!("`{lock}` is still held when `{function}` {}", cx.returning(first)),
            exit: cx.analysis.exits[first].kind.as_str(),
            help: vec![format!("release `{lock}` on this path too, or leave through the label that does")],
        };
        if cx.report_exits(&group, 1, report) {
            cx.settled.push(key);
        }
    }
}
