//! LB013 acquire-unchecked: the result that tells whether the lock was taken is ignored or tested the wrong way.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB013.
pub static META: RuleMeta = RuleMeta {
    id: "LB013",
    name: "acquire-unchecked",
    summary: "the result that tells whether the lock was taken is ignored or tested the wrong way",
    severity: Severity::Error,
    cwe: &[414, 667],
    docs: r#"
## What it checks
A trylock, interruptible or killable acquisition whose result is thrown away; and one whose result is tested with the wrong
polarity, so that the path on which it failed releases and the path on which it succeeded returns still holding.

## Why it matters
`trylock` functions mostly say "taken" with nonzero, `*_interruptible` with zero: the wrong sense turns every use around. A thrown-away
result means that the code behind runs unlocked whenever a signal arrives.

## Example
```c bad
int show(struct dev *dev)
{
	mutex_lock_interruptible(&dev->lock);
	report(dev);
	mutex_unlock(&dev->lock);
	return 0;
}
```
```c good
int show(struct dev *dev)
{
	if (mutex_lock_interruptible(&dev->lock))
		return -ERESTARTSYS;
	report(dev);
	mutex_unlock(&dev->lock);
	return 0;
}
```

## Not reported
A result that is stored and tested later, tested twice, negated, or returned.
"#,
};

/// Looks for ignored results, and for releases after a failed attempt that leave the successful one held.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::ResultIgnored)) {
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "result ignored".to_owned(),
            message: format!("nobody looks whether `{lock}` was taken"),
            help: vec!["test the result, and do not enter the critical section when it failed".to_owned()],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
    for event in cx.events(|kind| matches!(kind, EventKind::ReleaseAfterFailure)) {
        if cx.analysis.balance(event.key, false).held.is_empty() {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "released where taking it failed".to_owned(),
            message: format!("`{lock}` is released where taking it failed and kept where it succeeded"),
            help: vec!["the result is tested the wrong way round".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
