//! LB052 guard-dropped-at-once: a guard that nobody keeps, so that nothing is guarded.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::ir::Remark;
use crate::lock::convention;
use crate::lock::event::EventKind;

/// LB052.
pub static META: RuleMeta = RuleMeta {
    id: "LB052",
    name: "guard-dropped-at-once",
    summary: "a guard ends in the statement that makes it, so that nothing is guarded",
    severity: Severity::Error,
    cwe: &[413, 667],
    docs: r#"
## What it checks
A guard that is made and ends at once, for it is bound to `_` or to nothing: `let _ = m.lock();`, `_ = m.lock();`, `m.lock();`.

## Why it matters
`let _ = …` does not keep the value, as `let _guard = …` does: the lock is free again before the next statement, which looks as if it
were protected.

## Example
```rust bad
use std::sync::Mutex;
fn publish(gate: &Mutex<()>, value: u32) {
    let _ = gate.lock();
    send(value);
}
```
```rust good
use std::sync::Mutex;
fn publish(gate: &Mutex<()>, value: u32) {
    let _gate = gate.lock();
    send(value);
}
```

## Not reported
`drop(m.lock())`, which says that it only waits for others; functions that give a guard beside doing their work, unless their name speaks of a lock; a guard that is used before it ends: `m.lock().unwrap().push(1)`.
"#,
};

/// Looks for acquisitions whose guard was remarked upon as unlooked at.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::Acquired { .. })) {
        // A function that gives a guard beside doing its work may be called for the work.
        if let EventKind::Acquired { by: Some(name) } = &event.kind
            && !convention::is_about_locking(name)
        {
            continue;
        }
        let place = cx.body().cfg.span(event.at);
        if !cx.body().remarks.contains(&(place, Remark::Discarded)) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            rule: &META,
            key: event.key,
            confidence: Confidence::High,
            place,
            label: "taken and given back here".to_owned(),
            message: format!("the guard of `{lock}` ends at once: nothing is guarded by it"),
            exit: "",
            help: vec![
                "give it a name, if only `_guard`, to keep it to the end of the block".to_owned(),
                "if waiting for others is all that is meant, say `drop(…)`".to_owned(),
            ],
        };
        cx.report_event(&event, report);
    }
}
