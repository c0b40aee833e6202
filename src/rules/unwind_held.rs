//! LB054 unwind-held: a lock without a guard is held while somebody's closure runs, which may unwind past the release.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::ir::cfg::StatementKind;
use crate::ir::{Callee, Remark};
use crate::lock::event::{Event, EventKind};

/// LB054.
pub static META: RuleMeta = RuleMeta {
    id: "LB054",
    name: "unwind-held",
    summary: "a lock without a guard is held while a closure runs that may unwind past the release",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
A lock taken without a guard (`RawMutex::lock`, `critical_section::acquire`) and held at the call of a closure or function that was handed
in: code that nobody here knows, and that may panic.

## Why it matters
A panic unwinds past the release by hand: the lock stays taken for ever. A guard would have given it back.

## Example
```rust bad
use lock_api::RawMutex;
struct Cell<R> { raw: R }
impl<R: RawMutex> Cell<R> {
    fn with(&self, work: impl FnOnce()) {
        self.raw.lock();
        work();
        unsafe { self.raw.unlock() };
    }
}
```
```rust good
use lock_api::{Mutex, RawMutex};
struct Cell<R> { inner: Mutex<R, ()> }
impl<R: RawMutex> Cell<R> {
    fn with(&self, work: impl FnOnce()) {
        let _guard = self.inner.lock();
        work();
    }
}
```

## Not reported
Locks that a guard holds; functions that keep a value whose end runs code of their own, which may be what releases; calls of functions that are
known by name.
"#,
};

/// Looks for calls through closures with a raw lock held.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    if cx.body().remarks.iter().any(|(_, remark)| *remark == Remark::EndsWithCode) {
        return;
    }
    for event in cx.events(|kind| matches!(kind, EventKind::MayUnwind)) {
        if !is_raw(cx, &event) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            confidence: Confidence::Medium,
            label: "may unwind past the release".to_owned(),
            message: format!("`{lock}` has no guard and is held while a closure runs that may panic"),
            help: vec!["let a value release it when it ends, whichever way".to_owned()],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
}

/// Whether the lock was taken by a call that gives no guard, and is given back here.
fn is_raw(cx: &RuleCx<'_, '_>, event: &Event) -> bool {
    let profile = cx.analysis.profile();
    let taken = cx.analysis.events.iter().filter(|other| other.key == event.key);
    let taken: Vec<&Event> = taken.filter(|other| matches!(other.kind, EventKind::Acquired { .. })).collect();
    !taken.is_empty()
        && cx.analysis.releases(event.key)
        && taken.iter().all(|other| matches!(other.kind, EventKind::Acquired { by: None }))
        && taken.iter().all(|other| {
            match cx.body().cfg.statement(other.at).map(|statement| &statement.kind) {
                Some(StatementKind::Call { callee: Callee::Named(name), .. }) => {
                    !profile.signatures.contains_key(name) && !name.ends_with("::relock")
                }
                _ => false,
            }
        })
}
