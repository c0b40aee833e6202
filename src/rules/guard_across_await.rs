//! LB056 guard-across-await: a lock that blocks threads is held where a task may be suspended.

use super::context::{Report, RuleCx};
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::event::EventKind;

/// LB056.
pub static META: RuleMeta = RuleMeta {
    id: "LB056",
    name: "guard-across-await",
    summary: "a lock that blocks threads is held where the task may be suspended",
    severity: Severity::Warning,
    cwe: &[667, 833],
    docs: r#"
## What it checks
An `.await` that some path reaches holding a lock that was not made for it: `std::sync`, `parking_lot`, `spin`. Told by the flow, not by the
text: a guard that was dropped, moved or returned before does not count, a temporary in a `match` head does.

## Why it matters
While the task sleeps, every other that wants the lock blocks a whole thread; if they are the threads that would have to wake it,
nothing ever moves again.

## Example
```rust bad
use std::sync::Mutex;
async fn publish(queue: &Mutex<Vec<u32>>) {
    let items = queue.lock().unwrap();
    send(&items).await;
}
```
```rust good
use std::sync::Mutex;
async fn publish(queue: &Mutex<Vec<u32>>) {
    let items = queue.lock().unwrap();
    let copy = items.clone();
    drop(items);
    send(&copy).await;
}
```

## Not reported
Locks that are made to be held across an await: tokio's, async-lock's, those of futures.
"#,
};

/// Looks for awaits with a blocking lock held; the first of each lock.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    let mut said = Vec::new();
    for event in cx.events(|kind| matches!(kind, EventKind::Suspended)) {
        if said.contains(&event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "suspended here, perhaps".to_owned(),
            message: format!("`{lock}` blocks threads and is held across an await"),
            help: vec![
                "end the guard before the await".to_owned(),
                "use a lock that is made to be held across one".to_owned(),
            ],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            said.push(event.key);
        }
    }
}
