//! LB032 irq-enable-under-irqsave: interrupts are switched on while an outer lock has saved them off.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB032.
pub static META: RuleMeta = RuleMeta {
    id: "LB032",
    name: "irq-enable-under-irqsave",
    summary: "interrupts are switched on while an outer lock has saved them off",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
A release of the `_irq` kind while another lock is held that was taken with `irqsave`.

## Why it matters
`spin_unlock_irq` switches interrupts on whatever they were: the outer critical section suddenly runs with interrupts on.

## Example
```c bad
void step(struct q *a, struct q *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock_irq(&b->lock);
	advance(a, b);
	spin_unlock_irq(&b->lock);
	spin_unlock_irqrestore(&a->lock, flags);
}
```
```c good
void step(struct q *a, struct q *b)
{
	unsigned long flags;

	spin_lock_irqsave(&a->lock, flags);
	spin_lock(&b->lock);
	advance(a, b);
	spin_unlock(&b->lock);
	spin_unlock_irqrestore(&a->lock, flags);
}
```

## Not reported
A release of the outer lock itself.
"#,
};

/// Looks for such releases.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::EnabledUnder { .. })) {
        let EventKind::EnabledUnder { outer } = event.kind.clone() else { continue };
        let (lock, outer) =
            (cx.analysis.spelled(event.key).to_owned(), cx.analysis.spelled(outer).to_owned());
        let report = Report {
            label: "switches interrupts on".to_owned(),
            message: format!("releasing `{lock}` switches interrupts on while `{outer}` has them saved off"),
            help: vec!["take and release the inner lock plainly".to_owned()],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
}
