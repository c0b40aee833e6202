//! LB011 flag-tracked-lock: a flag in shared memory decides the release, and nothing proves that it still says what it said.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::exits::Imbalance;

/// LB011.
pub static META: RuleMeta = RuleMeta {
    id: "LB011",
    name: "flag-tracked-lock",
    summary: "a flag in shared memory decides the release, and nothing proves that it still says what it said",
    severity: Severity::Note,
    cwe: &[667],
    docs: r#"
## What it checks
The lock is out of balance only on paths on which a condition in shared memory is tested twice and answers differently: before the acquisition
and at the release, with a call or an unlocked stretch in between.

## Why it matters
It works as long as nobody changes the flag in between. A local variable would make it a fact instead of a hope.

## Example
```c bad
void sync_all(struct dev *dev)
{
	if (dev->shared)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (dev->shared)
		mutex_unlock(&dev->lock);
}
```
```c good
void sync_all(struct dev *dev)
{
	int shared = dev->shared;

	if (shared)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (shared)
		mutex_unlock(&dev->lock);
}
```

## Not reported
Flags that nobody else can have changed: locals and arguments.
"#,
};

/// Looks for imbalances that need a presumed fact to be false.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for key in cx.keys() {
        if cx.settled.contains(&key) || cx.analysis.imbalance(key, false) != Imbalance::Even {
            continue;
        }
        let balance = cx.analysis.balance(key, true);
        let (exits, sign) = if balance.held.is_empty() { (balance.released, -1) } else { (balance.held, 1) };
        let Some(&first) = exits.first() else { continue };
        let function = cx.body().name.clone();
        let lock = cx.analysis.spelled(key).to_owned();
        let report = Report {
            rule: &META,
            key,
            confidence: Confidence::Low,
            place: cx.exit_span(first),
            label: "out of balance here if the flag has changed".to_owned(),
            message: format!(
                "the balance of `{lock}` in `{function}` hangs on a flag that somebody else may change"
            ),
            exit: cx.analysis.exits[first].kind.as_str(),
            help: vec!["keep the answer in a local variable, or take and release unconditionally".to_owned()],
        };
        cx.report_exits(&exits, sign, report);
    }
}
