//! LB014 uncorrelated-condition: a lock is taken under one condition and released under another.

use super::context::{Report, RuleCx};
use crate::diagnostic::Confidence;
use crate::diagnostic::{RuleMeta, Severity};
use crate::ir::{Body, EdgeKind, StatementKind};
use crate::lock::event::{Event, EventKind};
use crate::lock::exits::Imbalance;
use crate::lock::state::LockKey;
use crate::source::Span;
use std::ops::Range;

/// LB014.
pub static META: RuleMeta = RuleMeta {
    id: "LB014",
    name: "uncorrelated-condition",
    summary: "a lock is taken under one condition and released under another",
    severity: Severity::Warning,
    cwe: &[667],
    docs: r#"
## What it checks
Paths on which the lock is taken and not released beside paths on which it is released and was not taken: the conditions of the two are not
provably the same.

## Why it matters
Whenever the conditions differ, the lock is leaked or somebody else's lock is released.

## Example
```c bad
void commit(struct dev *dev, int wait, int sync)
{
	if (wait)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (sync)
		mutex_unlock(&dev->lock);
}
```
```c good
void commit(struct dev *dev, int wait)
{
	if (wait)
		mutex_lock(&dev->lock);
	write_out(dev);
	if (wait)
		mutex_unlock(&dev->lock);
}
```

## Not reported
Conditions that are the same value, or follow from one another. Where the very same question is asked twice and something in between might
change the answer, where the release does not lie behind the acquisition (one call takes, another gives back), and where a callee decides, the
finding has low confidence.
"#,
};

/// Looks for locks that are both leaked and released untaken.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for (key, imbalance) in cx.open_imbalances() {
        let Imbalance::Mismatch { held, released } = imbalance else { continue };
        let (exits, sign) = if held.is_empty() { (released, -1) } else { (held, 1) };
        let function = cx.body().name.clone();
        let lock = cx.analysis.spelled(key).to_owned();
        let release = cx.analysis.events.iter().filter(|event| event.key == key);
        let release = release
            .filter(|event| matches!(event.kind, EventKind::Released { .. }))
            .map(|event| event.at)
            .max();
        let place = release.map_or(cx.exit_span(exits[0]), |at| cx.body().cfg.span(at));
        let excused = cx.is_lent(key, &exits)
            || sign < 0 && cx.may_come_held(key)
            || !is_pair(cx, key)
            || asks_twice(cx, key);
        let report = Report {
            rule: &META,
            key,
            confidence: if excused { Confidence::Low } else { Confidence::Medium },
            place,
            label: "not released under the condition under which it was taken".to_owned(),
            message: format!("`{function}` takes `{lock}` under one condition and releases it under another"),
            exit: cx.analysis.exits[exits[0]].kind.as_str(),
            help: vec!["test the same value at both places".to_owned()],
        };
        if cx.report_exits(&exits, sign, report) {
            cx.settled.push(key);
        }
    }
}

/// Whether a release of the lock that was not always taken lies behind an acquisition of it, both by calls of the body's own that name
/// the lock. Otherwise the two belong to different uses of the function (`gate(dev, bool open)`, the cases of a notifier), or a callee decides.
fn is_pair(cx: &RuleCx<'_, '_>, key: LockKey) -> bool {
    let direct = |wanted: fn(&EventKind) -> bool| {
        let events = cx.analysis.events.iter().filter(move |event| event.key == key && wanted(&event.kind));
        events.filter(|event| cx.analysis.is_direct(event)).map(|event| event.at)
    };
    direct(|kind| matches!(kind, EventKind::Acquired { .. })).any(|taken| {
        direct(|kind| matches!(kind, EventKind::Released { held: false, .. }))
            .any(|released| cx.body().cfg.reaches(taken, released))
    })
}

/// A branch that decides whether a lock operation happens.
struct Question {
    text: String,
    answer: EdgeKind,
    span: Span,
}

/// Whether the release that gives back what was not always taken hangs on the very question that an acquisition hangs on, and the
/// function itself writes none of the variables in it in between: its author takes the answer to be the same both times.
fn asks_twice(cx: &RuleCx<'_, '_>, key: LockKey) -> bool {
    let of_key = || cx.analysis.events.iter().filter(|event| event.key == key);
    let taken = of_key().filter(|event| matches!(event.kind, EventKind::Acquired { .. }));
    let untaken = of_key().filter(|event| matches!(event.kind, EventKind::Released { held: false, .. }));
    let (taken, untaken) = (questions(cx, taken), questions(cx, untaken));
    !untaken.is_empty()
        && untaken.iter().all(|second| {
            taken.iter().any(|first| {
                first.text == second.text
                    && first.answer == second.answer
                    && !rewritten(cx.body(), &first.text, first.span.end..second.span.start)
            })
        })
}

/// The questions nearest to the events.
fn questions<'e>(cx: &RuleCx<'_, '_>, events: impl Iterator<Item = &'e Event>) -> Vec<Question> {
    let cfg = &cx.body().cfg;
    let mut blocks: Vec<_> = events.map(|event| event.at.block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let nearest = blocks.iter().filter_map(|&block| cfg.governing(block).first().copied());
    let asked = nearest.filter_map(|(branch, edge)| {
        let span = cfg.block(branch).terminator.span;
        Some(Question { text: cx.quote(span)?, answer: cfg.edge(edge).kind.clone(), span })
    });
    asked.collect()
}

/// Whether a statement within `range` writes a variable that `text` mentions.
fn rewritten(body: &Body, text: &str, range: Range<u32>) -> bool {
    let mentions = |name: &str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| !word.is_empty() && word == name)
    };
    let statements = body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements);
    statements.filter(|statement| range.contains(&statement.span.start)).any(|statement| {
        let written = match &statement.kind {
            StatementKind::Assign { place, .. } => Some(place),
            StatementKind::Call { place, .. } => place.as_ref(),
            StatementKind::Declare(_) | StatementKind::Opaque(_) => None,
        };
        let local = written.and_then(|place| place.as_local());
        local.is_some_and(|id| mentions(&body.local(id).name))
    })
}
