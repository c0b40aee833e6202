//! LB051 guard-manual-mix: a lock is released by hand while a guard lives that will release it again.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::{Event, EventKind};

/// LB051.
pub static META: RuleMeta = RuleMeta {
    id: "LB051",
    name: "guard-manual-mix",
    summary: "a lock is released by hand while a guard lives that will release it again",
    severity: Severity::Error,
    cwe: &[765, 832],
    docs: r#"
## What it checks
A guard that ends on a path that has released its lock by hand before (`force_unlock`, the raw `unlock`) and has neither forgotten the
guard nor taken the lock again.

## Why it matters
The second release lets go of a lock that somebody else may have taken in between; with most locks that is undefined behaviour.

## Example
```rust bad
use parking_lot::Mutex;
fn publish(state: &Mutex<u32>, value: u32) {
    let mut guard = state.lock();
    *guard = value;
    unsafe { state.force_unlock() };
    wake_readers();
}
```
```rust good
use parking_lot::{Mutex, MutexGuard};
fn publish(state: &Mutex<u32>, value: u32) {
    let mut guard = state.lock();
    *guard = value;
    MutexGuard::unlocked(&mut guard, || wake_readers());
}
```

## Not reported
A guard that was forgotten before (`mem::forget`), and `MutexGuard::unlocked`, which takes the lock again.
"#,
};

/// Looks for guards that end where their lock was given back already.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::ReleasedUnderGuard)) {
        let twice =
            |other: &Event| other.key == event.key && matches!(other.kind, EventKind::DoubleAcquire { .. });
        if cx.analysis.events.iter().any(twice) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "this guard ends later, and releases it again".to_owned(),
            message: format!("`{lock}` is released by hand, and again when its guard ends"),
            help: vec![
                "let the guard end instead of releasing by hand".to_owned(),
                "or forget the guard before: `mem::forget(guard)`".to_owned(),
            ],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
