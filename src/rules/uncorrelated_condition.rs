//! LB014 uncorrelated-condition: a lock is taken under one condition and released under another.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

/// LB014.
pub static META: RuleMeta = RuleMeta {
    id: "LB014",
    name: "uncorrelated-condition",
    summary: "a lock is taken under one condition and released under another",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
Paths on which the lock is taken and not released beside paths on which it is released and was not taken: the conditions of the two are not
provably the same.

## Why it matters
Whenever the conditions differ, the lock is leaked or somebody else's lock is released.

## Example
```c bad
void commit(struct dev *dev, int wait, int sync)
{
	if (wait)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (sync)
		mutex_unlock(&dev->lock);
}
```
```c good
void commit(struct dev *dev, int wait)
{
	if (wait)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (wait)
		mutex_unlock(&dev->lock);
}
```

## Not reported
Conditions that are the same value, or follow from one another.
"#,
};

/// Looks for locks that are both leaked and released untaken.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let Imbalance::Mismatch { held, released } = imbalance else { continue };
        let (exits, sign) = if held.is_empty() { (released, -1) } else { (held, 1) };
        let function = cx.body().name.clone();
        let lock = cx.analysis.spelled(key).to_owned();
        let release = cx.analysis.events.iter().filter(|event| event.key == key);
        let release = release
            .filter(|event| matches!(event.kind, EventKind::Released { .. }))
            .map(|event| event.at)
            .max();
        let place = release.map_or(cx.exit_span(exits[0]), |at| cx.body().cfg.span(at));
        let report = Report {
            rule: &META,
            key,
            confidence: if cx.is_lent(key, &exits) { Confidence::Low } else { Confidence::Medium },
            place,
            label: "not released under the condition under which it was taken".to_owned(),
            message: format!("`{function}` takes `{lock}` under one condition and releases it under another"),
            exit: cx.analysis.exits[exits[0]].kind.as_str(),
            help: vec!["test the same value at both places".to_owned()],
        };
        if cx.report_exits(&exits, sign, report) {
            cx.settled.push(key);
        }
    }
}
