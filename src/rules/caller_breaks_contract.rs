//! LB021 caller-breaks-contract: a function is called without the lock that it says it needs, or with one that it says must be free.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB021.
pub static META: RuleMeta = RuleMeta {
    id: "LB021",
    name: "caller-breaks-contract",
    summary: "a function is called without the lock that it says it needs, or with one that it says must be free",
    severity: Severity::Error,
    cwe: &[667, 764, 833],
    docs: r#"
## What it checks
A call of a function that declares that a lock is held when it is called — by annotation (`__must_hold`, `__releases`, `REQUIRES`), assertion
(`lockdep_assert_held` on every path) or comment — on a path that has given the lock back, or has failed to take it. And the other way round: a call of a
function that excludes a lock (`EXCLUDES`), on a path that holds it.

## Why it matters
The callee works on what the lock protects, and believes that it is alone; or it waits for a lock that its own task holds.

## Example
```c bad
static void update(struct dev *dev)
{
	lockdep_assert_held(&dev->lock);
	dev->value++;
}

void refresh(struct dev *dev)
{
	mutex_lock(&dev->lock);
	dev->fresh = 1;
	mutex_unlock(&dev->lock);
	update(dev);
}
```
```c good
static void update(struct dev *dev)
{
	lockdep_assert_held(&dev->lock);
	dev->value++;
}

void refresh(struct dev *dev)
{
	mutex_lock(&dev->lock);
	dev->fresh = 1;
	update(dev);
	mutex_unlock(&dev->lock);
}
```

## Not reported
Calls on paths that have had nothing to do with the lock: the caller's own caller may hold it. What a callee only seems to need. A lock that the callee
takes itself is LB004's. Waiting on a condition (`pthread_cond_wait`) wants its mutex held like any other callee.
"#,
};

/// Looks for calls that contradict what the callee says it wants.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    let calls =
        |kind: &EventKind| matches!(kind, EventKind::CalledWithout { .. } | EventKind::CalledHolding { .. });
    for event in cx.events(calls) {
        let blamed = cx.blamed.contains(&(event.key, event.at));
        if cx.analysis.is_one_of_many(event.key) || cx.settled.contains(&event.key) || blamed {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let (label, message, help) = match &event.kind {
            EventKind::CalledWithout { callee, word } => (
                format!("called without `{lock}`"),
                format!(
                    "`{callee}` wants `{lock}` held, as {} says, but this path does not hold it",
                    quoted(word)
                ),
                format!("call it before `{lock}` is released, or take `{lock}` for it"),
            ),
            EventKind::CalledHolding { callee, word } => (
                format!("called with `{lock}` held"),
                format!("`{callee}` must not be called with `{lock}` held, as {} says", quoted(word)),
                format!("release `{lock}` first"),
            ),
            _ => continue,
        };
        // In a loop the object of one round is not that of the next.
        let rounds = !cx.analysis.terms.is_rigid(event.key.address) && cx.analysis.is_in_loop(event.at);
        let guessed = cx.analysis.is_released_by_guess(event.key);
        let excused =
            guessed || rounds || event.lent || cx.is_anyones(event.key) || cx.is_scattered(event.key);
        let report = Report {
            confidence: if excused { Confidence::Low } else { Confidence::High },
            label,
            message,
            help: vec![help],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
}

/// A word of the source stands in quotes; "an assertion" does not.
fn quoted(word: &str) -> String {
    if word.contains('(') { format!("`{word}`") } else { word.to_owned() }
}
