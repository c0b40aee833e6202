//! LB002 double-release: a lock is released twice on one path.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB002.
pub static META: RuleMeta = RuleMeta {
    id: "LB002",
    name: "double-release",
    summary: "a lock is released twice on one path",
    severity: Severity::Error,
    cwe: &[765],
    docs: r#"
## What it checks
A second release on a path with no acquisition in between.

## Why it matters
The second release frees a lock that somebody else may have taken in the meantime, or corrupts the lock.

## Example
```c bad
int send(struct dev *dev)
{
	int err;

	mutex_lock(&dev->lock);
	err = xmit(dev);
	if (err) {
		mutex_unlock(&dev->lock);
		goto out;
	}
	account(dev);
out:
	mutex_unlock(&dev->lock);
	return err;
}
```
```c good
int send(struct dev *dev)
{
	int err;

	mutex_lock(&dev->lock);
	err = xmit(dev);
	if (err)
		goto out;
	account(dev);
out:
	mutex_unlock(&dev->lock);
	return err;
}
```

## Not reported
Locks that nest and were taken as often, or that the caller holds, and retry loops that take the lock again.
"#,
};

/// Looks for releases of what the path has already released.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::DoubleRelease { lent: false })) {
        if cx.blamed.contains(&(event.key, event.at)) || cx.analysis.is_one_of_many(event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let anyones = cx.is_anyones(event.key);
        let confidence = match (anyones, cx.analysis.terms.is_rigid(event.key.address)) {
            _ if cx.is_released_in_rounds(event.key, event.at) => Confidence::Low,
            (false, _) => Confidence::High,
            (true, true) => Confidence::Medium,
            (true, false) => Confidence::Low,
        };
        let report = Report {
            confidence,
            label: "released again here".to_owned(),
            message: format!("`{lock}` is released twice"),
            help: vec!["on this path the lock is already free: skip the second release".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
