//! LB010 query-release: a release is guarded by asking the lock itself whether it is held.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;
use crate::profile::Context;

/// LB010.
pub static META: RuleMeta = RuleMeta {
    id: "LB010",
    name: "query-release",
    summary: "a release is guarded by asking the lock itself whether it is held",
    severity: Severity::Error,
    cwe: &[667, 832],
    docs: r#"
## What it checks
A release that only happens when the lock says "I am held": `if (PageLocked(p)) unlock_page(p)`, the early-return form
(`if (!PageLocked(p)) return; unlock_page(p);`), a saved answer, a negation, one side of `&&`, a helper that asks.

## Why it matters
A lock knows that *somebody* holds it, not who. Either this path knows that it holds the lock, and then it releases
unconditionally; or it does not know, and then it may release the lock of somebody else who has taken it since.

## Example
```c bad
void finish(struct page *page)
{
	lock_page(page);
	handle(page);
	if (PageLocked(page))
		unlock_page(page);
}
```
```c good
void finish(struct page *page)
{
	lock_page(page);
	handle(page);
	unlock_page(page);
}
```

## Not reported
Assertions (`BUG_ON(!PageLocked(p))`, `WARN_ON`) that guard nothing, and releases that are also reached without the question. Whether interrupts are
off (`irqs_disabled()`) is a question about oneself.
"#,
};

/// Looks for releases that are only ever reached with the answer "held".
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::Released { queried: true, .. })) {
        let unguarded = cx.analysis.events.iter().any(|other| {
            other.at == event.at
                && other.key == event.key
                && matches!(other.kind, EventKind::Released { queried: false, .. })
        });
        // Whether interrupts are off is a question about oneself.
        let own = matches!(event.kind, EventKind::Released { context, .. } if context != Context::Plain)
            && cx.analysis.is_switch(event.key);
        if unguarded || own {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let taken_here = matches!(event.kind, EventKind::Released { held: true, .. });
        let help = if taken_here {
            vec![
                "you hold the lock here: release it unconditionally".to_owned(),
                "if a callee may have released it, let its return value say so, and test that".to_owned(),
                "best, make the callee always release, so that nothing is left to ask".to_owned(),
            ]
        } else {
            vec![
                "release only what this path has taken; the answer may be about somebody else's lock"
                    .to_owned(),
                "let the caller, who knows whether it holds the lock, say so or release it itself".to_owned(),
            ]
        };
        let report = Report {
            label: "released only because the lock says that somebody holds it".to_owned(),
            message: format!("`{lock}` is released if it is held, but perhaps by somebody else"),
            help,
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
