//! LB005 inconsistent-exit: exits of one kind disagree about the lock of the caller.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::exits::Imbalance;
use crate::lock::state::LockKey;

/// LB005.
pub static META: RuleMeta = RuleMeta {
    id: "LB005",
    name: "inconsistent-exit",
    summary: "exits of one kind disagree about the lock of the caller",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
A function that drops a lock which its caller holds and takes it back on some paths, but not on others of the same kind.

## Why it matters
The caller cannot know whether it still holds the lock.

## Example
```c bad
void drain(struct dev *dev)
{
	spin_unlock(&dev->lock);
	flush(dev);
	if (dev->dead)
		return;
	spin_lock(&dev->lock);
}
```
```c good
void drain(struct dev *dev)
{
	spin_unlock(&dev->lock);
	flush(dev);
	spin_lock(&dev->lock);
}
```

## Not reported
Exits that what is returned tells apart.
"#,
};

/// Looks for exits that have not taken back what their siblings have.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let exits = match imbalance {
            Imbalance::NotRetaken { exits } if !cx.has_contract() => exits,
            Imbalance::TakesOver { conditional: true, .. } if cx.analysis.only_releases(key) => {
                kept(cx, key);
                continue;
            }
            _ => continue,
        };
        let function = cx.body().name.clone();
        for group in cx.by_place(&exits) {
            let lock = cx.analysis.spelled(key).to_owned();
            let report = Report {
                rule: &META,
                key,
                confidence: if cx.may_come_held(key) { Confidence::Low } else { Confidence::Medium },
                place: cx.exit_span(group[0]),
                label: "returns without having taken it back".to_owned(),
                message: format!("`{function}` drops `{lock}` and does not take it back on this path"),
                exit: cx.analysis.exits[group[0]].kind.as_str(),
                help: vec!["take it back on every path, or on none".to_owned()],
            };
            if cx.report_exits(&group, -1, report) {
                cx.settled.push(key);
            }
        }
    }
}

/// The function declares that it releases the lock, and some exits keep it.
fn kept(cx: &mut RuleCx<'_, '_>, key: LockKey) {
    let exits = cx.analysis.balance(key, false).even;
    let function = cx.body().name.clone();
    for group in cx.by_place(&exits) {
        let lock = cx.analysis.spelled(key).to_owned();
        let report = Report {
            rule: &META,
            key,
            confidence: Confidence::Medium,
            place: cx.exit_span(group[0]),
            label: "returns without having released it".to_owned(),
            message: format!("`{function}` declares that it releases `{lock}` and does not on this path"),
            exit: cx.analysis.exits[group[0]].kind.as_str(),
            help: vec!["release it on every path".to_owned()],
        };
        if cx.report_exits(&group, 0, report) {
            cx.settled.push(key);
        }
    }
}
