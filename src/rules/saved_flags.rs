//! LB031 saved-flags-reuse: one saved-flags variable is used by two nested acquisitions.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB031.
pub static META: RuleMeta = RuleMeta {
    id: "LB031",
    name: "saved-flags-reuse",
    summary: "one saved-flags variable is used by two nested acquisitions",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
An `irqsave` acquisition that stores the interrupt state into a variable in which the state of an outer one still waits.

## Why it matters
The inner save overwrites "interrupts were on" with "interrupts are off"; the outer restore then leaves them off for good.

## Example
```c bad
void swap(struct q *a, struct q *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock_irqsave(&b->lock, flags);
	exchange(a, b);
	spin_unlock_irqrestore(&b->lock, flags);
	spin_unlock_irqrestore(&a->lock, flags);
}
```
```c good
void swap(struct q *a, struct q *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock(&b->lock);
	exchange(a, b);
	spin_unlock(&b->lock);
	spin_unlock_irqrestore(&a->lock, flags);
}
```

## Not reported
Two variables, and one variable used one after the other. Saving twice into one variable is: what is restored is then "off".
"#,
};

/// Looks for saves over a save that is still needed.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::SavedStateReused { .. })) {
        let EventKind::SavedStateReused { other } = event.kind.clone() else { continue };
        let (lock, outer) =
            (cx.analysis.spelled(event.key).to_owned(), cx.analysis.spelled(other).to_owned());
        let report = Report {
            label: "overwrites the saved interrupt state".to_owned(),
            message: format!("taking `{lock}` overwrites the interrupt state saved for `{outer}`"),
            help: vec![
                "interrupts are off already: take the inner lock plainly, or save into another variable"
                    .to_owned(),
            ],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
}
