//! LB004 double-acquire: a lock that does not nest is taken while the same path holds it.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB004.
pub static META: RuleMeta = RuleMeta {
    id: "LB004",
    name: "double-acquire",
    summary: "a lock that does not nest is taken while the same path holds it",
    severity: Severity::Error,
    cwe: &[764, 833],
    docs: r#"
## What it checks
A second acquisition of a lock on a path that has not released it, directly or in a callee of the same file that takes it.

## Why it matters
The path waits for itself: a deadlock, every time it is run.

## Example
```c bad
void reset(struct dev *dev)
{
	mutex_lock(&dev->lock);
	if (dev->busy)
		mutex_lock(&dev->lock);
	clear(dev);
	mutex_unlock(&dev->lock);
}
```
```c good
void reset(struct dev *dev)
{
	mutex_lock(&dev->lock);
	if (dev->busy)
		quiesce(dev);
	clear(dev);
	mutex_unlock(&dev->lock);
}
```

## Not reported
Families that count (`rcu_read_lock`, `preempt_disable`), locks that are made recursive (`PTHREAD_MUTEX_RECURSIVE`, `mtx_recursive`), shared sides that may
nest, trylocks, and locks whose names may denote different objects. Readers of Rust's `RwLock`s do not nest: a writer that waits in between makes
the second wait for the first; that is of medium confidence.
"#,
};

/// Looks for acquisitions of what the path already holds.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    // Guards are taken in one place each: none excuses another. Of calls that say nothing of each other, the first is enough.
    let mut explained = Vec::new();
    for event in cx.events(|kind| matches!(kind, EventKind::DoubleAcquire { .. })) {
        let EventKind::DoubleAcquire { by } = event.kind.clone() else { continue };
        if cx.analysis.is_one_of_many(event.key) || cx.settled.contains(&event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let first = cx.analysis.events.iter().any(|other| {
            other.key == event.key && other.at != event.at && matches!(other.kind, EventKind::Acquired { .. })
        });
        // The very same acquisition again: the loop comes round with the lock held.
        let again = !first && by.is_none();
        let (rule, label): (&'static RuleMeta, String) = if again {
            (&super::loop_imbalance::META, "taken again in the next round, still held".to_owned())
        } else {
            (
                &META,
                by.as_ref().map_or("taken again here".to_owned(), |name| format!("`{name}` takes it again")),
            )
        };
        let message = match (&by, again) {
            (_, true) => format!("`{lock}` is still held when the loop takes it again"),
            (Some(name), _) => format!("`{name}` takes `{lock}`, which is held here already"),
            (None, _) => format!("`{lock}` is taken while it is held already"),
        };
        let report = Report {
            rule,
            key: event.key,
            confidence: if event.lent || cx.is_anyones(event.key) {
                Confidence::Low
            } else if cx.analysis.is_only_read(event.key) {
                // It takes a writer that waits in between.
                Confidence::Medium
            } else {
                Confidence::High
            },
            place: cx.body().cfg.span(event.at),
            label,
            message,
            exit: "",
            help: vec!["release it on this path first, or do not take it again".to_owned()],
        };
        if cx.report_event(&event, report) {
            let apart = cx.analysis.profile().family(event.key.family).guarded;
            if apart { &mut explained } else { &mut cx.settled }.push(event.key);
        }
    }
    cx.settled.append(&mut explained);
}
