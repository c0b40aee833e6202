//! LB020 contract-mismatch: a body contradicts what it declares.

use super::context::{Report, RuleCx};
use crate::diagnostic::{Confidence, Diagnostic, Label, RuleMeta, Severity};
use crate::ir::{Base, Expr, Name, StatementKind};
use crate::lock::convention;
use crate::lock::event::{Event, EventKind};
use crate::lock::obligations::{DeclaredBy, Kept};
use crate::lock::state::LockKey;
use crate::profile::ProfileError;
use crate::source::Span;

/// LB020.
pub static META: RuleMeta = RuleMeta {
    id: "LB020",
    name: "contract-mismatch",
    summary: "a body contradicts the lock contract that it declares",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
A function that declares what it does to its caller's locks, and does not do so: `__acquires(x)` and an exit that does not hold it, `__releases(x)`
and an exit that still does, `__must_hold(x)` and an exit without it, or a body that takes what is said to be held. Contracts are the annotations of
sparse and of Clang's thread-safety analysis, on the definition or on a prototype, and comments for this tool:
`/* lockbalance: holds(&dev->lock) releases(p) acquires(q, on = 0) */` before the function. An assertion (`lockdep_assert_held(x)`) on a path that has
released the lock is such a contradiction too.

## Why it matters
Whoever calls the function relies on what it says, and so does every tool that reads it: a lock is then released twice, or never.

## Example
```c bad
void finish(struct dev *dev)
	__releases(&dev->lock)
{
	if (!dev->active)
		return;
	dev->active = 0;
	spin_unlock(&dev->lock);
}
```
```c good
void finish(struct dev *dev)
	__releases(&dev->lock)
{
	dev->active = 0;
	spin_unlock(&dev->lock);
}
```

## Not reported
Annotations that name no lock of the body (`__acquires(RCU)`, the name of a type, a call), and exits told apart by what they return: a function that
"acquires" when it succeeds need not say so.
"#,
};

/// Looks for acquisitions and assertions that contradict what is declared.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    taken_although_held(cx);
    assertions(cx);
}

/// What is declared of `key`, as written, and whether by a comment; `None` when nothing is.
fn declared(cx: &RuleCx<'_, '_>, key: LockKey) -> Option<(String, bool)> {
    let mut said = Vec::new();
    let mut comment = false;
    for (at, obligation) in cx.analysis.obligations().iter().enumerate() {
        if cx.analysis.owed(at) != Some(key) {
            continue;
        }
        match &obligation.by {
            DeclaredBy::Comment => {
                comment = true;
                said.push(obligation.term.to_string());
            }
            DeclaredBy::Annotation { word, .. } => said.push(word.to_string()),
            DeclaredBy::Slot(_) | DeclaredBy::Siblings(_) => return None,
        }
    }
    (!said.is_empty()).then(|| (said.join(" "), comment))
}

/// The first acquisition of a lock that the contract says is held on entry.
fn taken_although_held(cx: &mut RuleCx<'_, '_>) {
    for event in cx.events(|kind| matches!(kind, EventKind::DoubleAcquire { .. })) {
        let Some((said, comment)) = declared(cx, event.key) else { continue };
        // On paths on which the body itself has taken it before, it is the body that takes it twice.
        let taken = cx.analysis.events.iter().any(|other| {
            other.key == event.key && other.at != event.at && matches!(other.kind, EventKind::Acquired { .. })
        });
        if taken || cx.settled.contains(&event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let function = cx.body().name.clone();
        let report = Report {
            confidence: if comment { Confidence::High } else { Confidence::Medium },
            label: "taken here".to_owned(),
            message: format!("`{function}` takes `{lock}`, which `{said}` says is held when it is called"),
            help: vec!["do not take it again, or correct what is declared".to_owned()],
            ..cx.at(&META, &event)
        };
        if cx.report_event(&event, report) {
            cx.settled.push(event.key);
        }
    }
}

/// Looks for exits that do, once every single operation has been judged.
pub fn check_exits(cx: &mut RuleCx<'_, '_>) {
    for at in 0..cx.analysis.obligations().len() {
        let Some(key) = cx.analysis.owed(at) else { continue };
        let first = (0..at).all(|other| cx.analysis.owed(other) != Some(key));
        let Some((said, comment)) = declared(cx, key).filter(|_| first && !cx.settled.contains(&key)) else {
            continue;
        };
        // What its exits show is told here or nowhere.
        cx.settled.push(key);
        if let Some(Kept::No(exits)) = cx.analysis.kept(key) {
            let never = exits.len() == cx.analysis.exits.iter().filter(|exit| !exit.state.doubtful).count();
            let confidence = match (comment, never) {
                (true, _) | (false, false) => Confidence::High,
                (false, true) => Confidence::Medium,
            };
            for group in cx.by_place(&exits) {
                exit(cx, key, &group, &said, confidence);
            }
        }
    }
}

fn exit(cx: &mut RuleCx<'_, '_>, key: LockKey, exits: &[usize], said: &str, confidence: Confidence) {
    let (balance, due) = cx.analysis.left_and_due(key, exits[0]);
    let alike: Vec<usize> =
        exits.iter().copied().filter(|&exit| cx.analysis.left_and_due(key, exit).0 == balance).collect();
    let held = balance > due;
    let lock = cx.analysis.spelled(key).to_owned();
    let function = cx.body().name.clone();
    let returning = cx.returning(exits[0]);
    let state = match (held, due) {
        (true, _) => "still held",
        (false, 1..) => "not held",
        (false, _) => "no longer held",
    };
    let repair = match (held, due) {
        (true, _) => format!("release `{lock}` on this path too"),
        (false, 1..) => format!("take `{lock}` on this path too"),
        (false, _) => format!("leave `{lock}` held on this path"),
    };
    let excused = cx.may_be_released(key, &alike) || cx.is_often_left(key) || held && gives_a_releaser(cx);
    let report = Report {
        rule: &META,
        key,
        confidence: if excused { Confidence::Low } else { confidence },
        place: cx.exit_span(exits[0]),
        label: format!("returns with `{lock}` {state}"),
        message: format!("`{function}` declares `{said}`, but `{lock}` is {state} when it {returning}"),
        exit: cx.analysis.exits[exits[0]].kind.as_str(),
        help: vec![repair, "or correct what is declared".to_owned()],
    };
    cx.report_exits(&alike, balance.signum(), report);
}

/// Whether the body gives a function away that releases something by its name: `run_later(work, unlock_it)`.
fn gives_a_releaser(cx: &RuleCx<'_, '_>) -> bool {
    let cfg = &cx.body().cfg;
    let given = |arg: &Expr| match arg {
        Expr::Read(place) | Expr::AddressOf(place) => match &place.base {
            Base::Global(name) => place.projections.is_empty() && convention::promises_to_release(name),
            Base::Local(_) => false,
        },
        _ => false,
    };
    cfg.blocks().flat_map(|block| &cfg.block(block).statements).any(|statement| match &statement.kind {
        StatementKind::Call { args, .. } => args.iter().any(given),
        _ => false,
    })
}

fn assertions(cx: &mut RuleCx<'_, '_>) {
    let asserts = |kind: &EventKind| {
        matches!(kind, EventKind::AssertedHeld | EventKind::AssertedFree | EventKind::TakenAlthoughAsserted)
    };
    for event in cx.events(asserts) {
        if cx.analysis.is_one_of_many(event.key) || cx.settled.contains(&event.key) {
            continue;
        }
        let lock = cx.analysis.spelled(event.key).to_owned();
        let (label, message) = match event.kind {
            EventKind::AssertedFree => (
                "asserted not to be held".to_owned(),
                format!("`{lock}` is asserted not to be held on a path that holds it"),
            ),
            EventKind::TakenAlthoughAsserted => {
                ("taken here".to_owned(), format!("`{lock}` is taken here, but asserted to be held already"))
            }
            _ => (
                "asserted to be held".to_owned(),
                format!("`{lock}` is asserted to be held on a path that does not hold it any more"),
            ),
        };
        let report = Report {
            confidence: confidence(cx, &event),
            label,
            message,
            help: vec!["correct the assertion, or the path that leads to it".to_owned()],
            ..cx.at(&META, &event)
        };
        cx.report_event(&event, report);
    }
}

fn confidence(cx: &RuleCx<'_, '_>, event: &Event) -> Confidence {
    if event.lent || cx.is_anyones(event.key) { Confidence::Low } else { Confidence::High }
}

/// A contract in a comment that cannot be read: it says nothing, which its author would not know.
pub fn unreadable(rule: &'static RuleMeta, of: &Name, comment: Span, error: ProfileError) -> Diagnostic {
    let place = error.span.unwrap_or(0..(comment.end - comment.start) as usize);
    let at = |offset: usize| comment.start as usize + offset;
    Diagnostic {
        rule,
        severity: rule.severity,
        confidence: Confidence::High,
        message: format!("the contract of `{of}` cannot be read: {}", error.message),
        primary: Label {
            span: Span::new(comment.file, at(place.start), at(place.end)),
            text: "here".to_owned(),
        },
        function: of.to_string(),
        lock: String::new(),
        exit: "",
        steps: Vec::new(),
        help: error.suggestion.into_iter().map(|name| format!("did you mean `{name}`?")).collect(),
    }
}
