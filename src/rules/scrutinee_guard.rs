//! LB055 scrutinee-guard: a guard without a name lives as long as the body that takes the same lock again.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::ir::Remark;
use crate::lock::event::EventKind;

/// LB055.
pub static META: RuleMeta = RuleMeta {
    id: "LB055",
    name: "scrutinee-guard",
    summary: "a guard in the head of a `match`, `if let` or loop is still held where the body takes the lock again",
    severity: Severity::Error,
    cwe: &[764, 833],
    docs: r#"
## What it checks
A guard that stands, without a name, in the head of a `match`, `if let`, `while let` or `for`, and a second acquisition of the same lock in
the body, directly or in a callee. How long such a guard lives depends on the edition: in the `else` of an `if let` it is
still held up to 2021, and not any more in 2024.

## Why it matters
The head looks finished when the body begins, but its temporaries live to the end of the whole expression: the thread waits for itself.

## Example
```rust bad
use std::sync::Mutex;
fn step(state: &Mutex<Vec<u32>>) {
    match state.lock().unwrap().first() {
        Some(0) => state.lock().unwrap().clear(),
        _ => {}
    }
}
```
```rust good
use std::sync::Mutex;
fn step(state: &Mutex<Vec<u32>>) {
    let first = state.lock().unwrap().first().copied();
    match first {
        Some(0) => state.lock().unwrap().clear(),
        _ => {}
    }
}
```

## Not reported
The second acquisition where the guard has a name (that is LB004), and where the edition ends the head's temporaries before.
"#,
};

/// Looks for second acquisitions of what a nameless guard of a head holds.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    // Each place is wrong by itself: none excuses another.
    let mut explained = Vec::new();
    for event in cx.events(|kind| matches!(kind, EventKind::DoubleAcquire { .. })) {
        if cx.analysis.is_one_of_many(event.key) || cx.settled.contains(&event.key) {
            continue;
        }
        let heads = &cx.body().remarks;
        let head = cx.analysis.events.iter().find_map(|other| {
            let span = cx.body().cfg.span(other.at);
            let taken = matches!(other.kind, EventKind::Acquired { .. });
            (other.key == event.key
                && other.at != event.at
                && taken
                && heads.contains(&(span, Remark::Scrutinee)))
            .then_some(span)
        });
        if head.is_none() {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "taken again while the guard in the head still lives".to_owned(),
            message: format!("`{lock}` is taken again while a guard in the head of this expression holds it"),
            help: vec!["take what is needed out of the lock in a `let` before".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            explained.push(event.key);
        }
    }
    cx.settled.append(&mut explained);
}
