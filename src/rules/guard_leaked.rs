//! LB053 guard-leaked: a guard is thrown away without being run, and nobody gives its lock back.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

/// LB053.
pub static META: RuleMeta = RuleMeta {
    id: "LB053",
    name: "guard-leaked",
    summary: "a guard is thrown away without being run, and nobody gives its lock back",
    severity: Severity::Warning,
    cwe: &[667, 833],
    docs: r#"
## What it checks
`mem::forget(guard)`, `ManuallyDrop::new(guard)` and their kind, in a function some path of which leaves with that lock held.

## Why it matters
A forgotten guard never gives its lock back: the next one who wants it waits for ever, unless somebody releases by hand.

## Example
```rust bad
use parking_lot::Mutex;
fn poke(state: &Mutex<u32>, value: u32) {
    let mut guard = state.lock();
    *guard = value;
    std::mem::forget(guard);
}
```
```rust good
use parking_lot::Mutex;
fn settle(state: &Mutex<u32>, value: u32) {
    let mut guard = state.lock();
    *guard = value;
    std::mem::forget(guard);
    wake_readers();
    unsafe { state.force_unlock() };
}
```

## Not reported
Functions that release by hand what they have leaked, functions whose name promises a lock (`lock`, `acquire`, `begin`), and those whose
callers release.
"#,
};

/// Looks for leaks of guards whose locks are held at some exit.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::Leaked)) {
        let held = cx.analysis.balance(event.key, false).held;
        if held.is_empty() {
            continue;
        }
        let evidence = cx.evidence.clone().unwrap_or_default();
        // Who leaves with it on every path is judged when the callers have been.
        let asked_later = cx.evidence.is_none()
            && matches!(cx.analysis.imbalance(event.key, false), Imbalance::HandsOver { .. });
        if convention::promises_to_take(&cx.body().name) || evidence.consumed || asked_later {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            confidence: Confidence::Medium,
            label: "thrown away here, still holding".to_owned(),
            message: format!("the guard of `{lock}` is leaked: the lock is never given back"),
            help: vec!["let the guard end, or release by hand on every path".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}
