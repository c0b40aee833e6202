//! LB006 error-exit-held: an error exit holds what the success exit releases.

use super::context::RuleCx;
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::exits::Imbalance;

/// LB006.
pub static META: RuleMeta = RuleMeta {
    id: "LB006",
    name: "error-exit-held",
    summary: "an error exit holds what the success exit releases",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
A path that fails returns with the lock held, while the successful path has released it.

## Why it matters
Error paths are seldom run; when one is, the lock stays taken for ever and everybody who wants it next hangs.

## Example
```c bad
int start(struct dev *dev)
{
	int err;

	mutex_lock(&dev->lock);
	err = power_up(dev);
	if (err)
		return err;
	dev->running = 1;
	mutex_unlock(&dev->lock);
	return 0;
}
```
```c good
int start(struct dev *dev)
{
	int err;

	mutex_lock(&dev->lock);
	err = power_up(dev);
	if (err)
		goto unlock;
	dev->running = 1;
unlock:
	mutex_unlock(&dev->lock);
	return err;
}
```

## Not reported
Functions that return holding the lock on success and free on failure (a conditional acquire).
"#,
};

/// Looks for failures that hold what successes do not.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let Imbalance::Missing { exits, on_error: true, .. } = imbalance else { continue };
        // A function that locks for its callers may tell by any result that it did.
        let excused = cx.locks_for_callers() || cx.is_scattered(key);
        let confidence = if excused { Confidence::Low } else { Confidence::High };
        super::missing_release::report(cx, &META, key, &exits, confidence);
    }
}
