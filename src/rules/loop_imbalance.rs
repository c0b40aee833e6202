//! LB060 loop-imbalance: one round of a loop changes the set of held locks.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

/// LB060.
pub static META: RuleMeta = RuleMeta {
    id: "LB060",
    name: "loop-imbalance",
    summary: "one round of a loop changes the set of held locks",
    severity: Severity::Warning,
    cwe: &[764, 765],
    docs: r#"
## What it checks
A round of a loop that takes a lock and goes on without releasing it (`continue` with the lock held), so that the next round takes it again,
or takes another of its kind and leaves the first held.

## Why it matters
With one lock the loop deadlocks in its second round; with one lock per element each round leaks one.

## Example
```c bad
void flush_all(struct dev *dev)
{
	int i;

	for (i = 0; i < dev->n; i++) {
		mutex_lock(&dev->lock);
		if (!dev->slot[i].dirty)
			continue;
		write_slot(dev, i);
		mutex_unlock(&dev->lock);
	}
}
```
```c good
void flush_all(struct dev *dev)
{
	int i;

	for (i = 0; i < dev->n; i++) {
		mutex_lock(&dev->lock);
		if (dev->slot[i].dirty)
			write_slot(dev, i);
		mutex_unlock(&dev->lock);
	}
}
```

## Not reported
Loops that take a whole set of locks without releasing any (lock-all), and hand-over-hand walks.
"#,
};

/// Looks for locks of earlier rounds that are still held at an exit although the loop also releases such locks.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        if !cx.analysis.is_one_of_many(key) {
            continue;
        }
        cx.settled.push(key);
        let exits = match imbalance {
            Imbalance::Missing { exits, .. } | Imbalance::HandsOver { exits, conditional: true, .. } => exits,
            _ => continue,
        };
        let name = cx.analysis.terms.last_name(key.address);
        let releases_such = cx.analysis.events.iter().any(|event| {
            event.key.family == key.family
                && matches!(event.kind, EventKind::Released { held: true, .. })
                && cx.analysis.terms.last_name(event.key.address) == name
        });
        if !releases_such || cx.may_be_released(key, &exits) {
            continue;
        }
        let lock = cx.analysis.spelled(key).to_owned();
        let place = cx.acquired_at(key).unwrap_or(cx.body().header);
        let report = Report {
            rule: &META,
            key,
            confidence: Confidence::Medium,
            place,
            label: "taken in each round".to_owned(),
            message: format!("a round of the loop leaves `{lock}` held"),
            exit: "",
            help: vec!["release it before the next round".to_owned()],
        };
        cx.report_exits(&exits, 1, report);
    }
}
