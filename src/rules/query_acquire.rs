//! LB012 query-acquire: a lock is taken only if it says that nobody holds it.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB012.
pub static META: RuleMeta = RuleMeta {
    id: "LB012",
    name: "query-acquire",
    summary: "a lock is taken only if it says that nobody holds it",
    severity: Severity::Warning,
    cwe: &[414, 667],
    docs: r#"
## What it checks
`if (!is_locked(x)) lock(x)`: an acquisition that is only reached with the answer "not held".

## Why it matters
Between the question and the acquisition somebody else may take the lock, so the question decides nothing about others;
and if it is meant to find out whether *this* path holds it, it cannot tell.

## Example
```c bad
void touch(struct dev *dev)
{
	if (!mutex_is_locked(&dev->lock))
		mutex_lock(&dev->lock);
	update(dev);
	mutex_unlock(&dev->lock);
}
```
```c good
void touch(struct dev *dev)
{
	mutex_lock(&dev->lock);
	update(dev);
	mutex_unlock(&dev->lock);
}
```

## Not reported
`trylock`, which asks and takes in one step.
"#,
};

/// Looks for acquisitions that are only ever reached with the answer "not held".
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::QueryAcquire)) {
        let asked = cx.nodes_of(&event);
        let elsewhere = cx.analysis.events.iter().any(|other| {
            other.at == event.at
                && other.key == event.key
                && matches!(other.kind, EventKind::Acquired { .. })
                && !asked.contains(&other.node)
        });
        if elsewhere {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            confidence: Confidence::Medium,
            label: "taken only because the lock says that nobody holds it".to_owned(),
            message: format!("`{lock}` is taken only if it is not held by anybody"),
            help: vec!["take the lock unconditionally, or use a trylock and test its result".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
