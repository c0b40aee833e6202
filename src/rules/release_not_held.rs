//! LB003 release-not-held: a lock is released on a path on which it was never taken.

use super::context::{Report, RuleCx};
use super::variables;
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

/// LB003.
pub static META: RuleMeta = RuleMeta {
    id: "LB003",
    name: "release-not-held",
    summary: "a lock is released on a path on which it was never taken",
    severity: Severity::Error,
    cwe: &[832],
    docs: r#"
## What it checks
A release after a failed attempt to take the lock; a release of another lock of the same family than the one that is held; a release without any
acquisition in a function whose name, contract and callers say nothing of a lock held on entry.

## Why it matters
It frees a lock that somebody else holds.

## Example
```c bad
int poll_once(struct dev *dev)
{
	int err = -EBUSY;

	if (!mutex_trylock(&dev->lock))
		goto out;
	err = poll_hw(dev);
out:
	mutex_unlock(&dev->lock);
	return err;
}
```
```c good
int poll_once(struct dev *dev)
{
	int err;

	if (!mutex_trylock(&dev->lock))
		return -EBUSY;
	err = poll_hw(dev);
	mutex_unlock(&dev->lock);
	return err;
}
```

## Not reported
Functions that release what their caller holds and say so: by name (`…_unlock`, `…_put`, `…_end`), annotation (`__releases`) or assertion
(`lockdep_assert_held`). Where another function of the folder leaves such a lock held, as `start` does what `stop` releases, the confidence is
low; unless a caller releases it in any case that this function releases only sometimes.
"#,
};

/// Looks for releases after failure, of the wrong object, and without evidence that the caller holds the lock.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    after_failure(cx);
    wrong_object(cx);
    never_taken(cx);
}

fn after_failure(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::ReleaseAfterFailure)) {
        if cx.blamed.contains(&(event.key, event.at)) || cx.settled.contains(&event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let report = Report {
            label: "released, although taking it failed".to_owned(),
            message: format!("`{lock}` is released on a path on which taking it failed"),
            help: vec!["skip the release on this path".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}

/// One lock is kept and another of its family released on the same paths.
fn wrong_object(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let released = match imbalance {
            Imbalance::TakesOver { exits, .. } | Imbalance::NotRetaken { exits } => exits,
            _ => continue,
        };
        let Some(held) = cx.analysis.counterpart(key, false) else { continue };
        if cx.settled.contains(&held) {
            continue;
        }
        let exchanged = variables::are_known_to_each_other(cx, key, held);
        let sure = cx.analysis.certainly_differ(key, held) && !exchanged
            || !cx.locks_for_callers() && variables::are_unrelated(cx, key, held);
        let (lock, other) = (cx.analysis.spelled(key).to_owned(), cx.analysis.spelled(held).to_owned());
        let Some(event) = release_of(cx, key) else { continue };
        let report = Report {
            rule: &META,
            key,
            confidence: if sure && !cx.is_anyones(key) { Confidence::Medium } else { Confidence::Low },
            place: cx.body().cfg.span(event),
            label: format!("`{lock}` was never taken; `{other}` is still held"),
            message: format!("`{lock}` is released, but it is `{other}` that was taken"),
            exit: "",
            help: vec![format!("release `{other}` here")],
        };
        if cx.report_exits(&released, -1, report) {
            cx.settled.extend([key, held]);
            cx.refuted.push(held);
        }
    }
}

fn never_taken(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let Imbalance::TakesOver { exits, .. } = imbalance else { continue };
        let declared = cx.has_contract() || convention::promises_to_release(&cx.body().name);
        let evidence = cx.evidence.clone().unwrap_or_default();
        if declared || evidence.supplied || evidence.conforms {
            cx.settled.push(key);
            continue;
        }
        let Some(at) = release_of(cx, key) else { continue };
        // Somebody calls it, or only pointers lead to it, and nobody is known to bring the lock.
        let unsupplied = evidence.is_called();
        let excused = cx.may_come_held(key)
            || cx.is_anyones(key)
            || cx.is_often_left(key)
            || cx.has_partner(key, false) && !evidence.released_anyway;
        let lock = cx.analysis.spelled(key).to_owned();
        let report = Report {
            rule: &META,
            key,
            confidence: if !excused && (unsupplied || cx.is_lonely(key) || cx.analysis.is_own_static(key)) {
                Confidence::Medium
            } else {
                Confidence::Low
            },
            place: cx.body().cfg.span(at),
            label: "released, but never taken in this function".to_owned(),
            message: format!("`{}` releases `{lock}`, which it never took", cx.body().name),
            exit: "",
            help: vec!["take the lock first, or say with an annotation that the caller holds it".to_owned()],
        };
        cx.report_exits(&exits, -1, report);
    }
}

fn release_of(cx: &RuleCx<'_, '_>, key: crate::lock::state::LockKey) -> Option<crate::ir::Location> {
    let releases = cx.analysis.events.iter().filter(|event| event.key == key);
    releases
        .filter(|event| matches!(event.kind, EventKind::Released { held: false, .. }))
        .map(|event| event.at)
        .min()
}
