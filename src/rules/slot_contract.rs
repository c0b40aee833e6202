//! LB022 slot-contract: a function that is put into a slot does not do what the slot declares, or what all others there do.

use super::context::{Report, RuleCx};
use crate::diagnostic::{Confidence, RuleMeta, Severity};
use crate::lock::obligations::{DeclaredBy, Kept};
use crate::lock::state::LockKey;

/// LB022.
pub static META: RuleMeta = RuleMeta {
    id: "LB022",
    name: "slot-contract",
    summary: "a function put into a slot breaks the slot's declared effect, or deviates from what all others there do",
    severity: Severity::Error,
    cwe: &[667],
    docs: r#"
## What it checks
A *slot* is a member of a table of functions, `row.action`. What whoever is put there does to its caller's locks can be declared: in a comment at the
member, or in the configuration (`[[slot]]`). Every function of the slot is then checked against it, on every path: `releases(page(arg1))` starts each of
them with the lock held and wants it released exactly once. A call through the slot has just that effect for its caller. Where nothing is declared, but
all functions but one (and at least three) release the same lock behind an argument, that one is reported as a warning.

## Why it matters
Whoever calls through a slot cannot know which function it is: a lock that some of them release and others do not can only be guessed at, and asking
the lock itself (LB010) is no answer. A static rule for all of them can be checked.

## Example
```c bad
struct row {
	unsigned long mask;
	int (*action)(struct row *row, struct page *p); /* lockbalance: releases(page(arg1)) */
};

static int do_kernel(struct row *row, struct page *p)
{
	unlock_page(p);
	return 0;
}

static int do_huge(struct row *row, struct page *p)
{
	if (!is_huge(p))
		return 2;
	unlock_page(p);
	return 1;
}

static struct row rows[] = { { 1, do_kernel }, { 0, do_huge } };
```
```c good
struct row {
	unsigned long mask;
	int (*action)(struct row *row, struct page *p); /* lockbalance: releases(page(arg1)) */
};

static int do_kernel(struct row *row, struct page *p)
{
	unlock_page(p);
	return 0;
}

static int do_huge(struct row *row, struct page *p)
{
	int result = is_huge(p) ? 1 : 2;

	unlock_page(p);
	return result;
}

static struct row rows[] = { { 1, do_kernel }, { 0, do_huge } };
```

## Not reported
Slots without a contract whose functions differ in more than one place, or that are about locking by their very name (`ops->unlock`): some of them may
well do nothing.
"#,
};

/// Looks for exits that do not leave a lock as the slot of the function promises.
pub fn check(cx: &mut RuleCx<'_, '_>) {
    for at in 0..cx.analysis.obligations().len() {
        let by = &cx.analysis.obligations()[at].by;
        if !matches!(by, DeclaredBy::Slot(_) | DeclaredBy::Siblings(_)) {
            continue;
        }
        let Some(key) = cx.analysis.owed(at) else { continue };
        let first = (0..at).all(|other| cx.analysis.owed(other) != Some(key));
        if !first {
            continue;
        }
        // What its exits show is told here or nowhere.
        cx.settled.push(key);
        if let Some(Kept::No(exits)) = cx.analysis.kept(key) {
            for group in cx.by_place(&exits) {
                report(cx, at, key, &group);
            }
        }
    }
}

fn report(cx: &mut RuleCx<'_, '_>, at: usize, key: LockKey, exits: &[usize]) {
    let (balance, due) = cx.analysis.left_and_due(key, exits[0]);
    let alike: Vec<usize> =
        exits.iter().copied().filter(|&exit| cx.analysis.left_and_due(key, exit).0 == balance).collect();
    let obligation = cx.analysis.obligations()[at].clone();
    let declared = obligation.term.to_string();
    let lock = cx.analysis.spelled(key).to_owned();
    let function = cx.body().name.clone();
    let held = balance > due;
    // What the body takes again by itself it has not lost to a callee.
    let lent = held && cx.acquired_at(key).is_none() && cx.is_lent(key, &alike);
    let state = match (held, cx.released_at(key).is_some() && due < 0) {
        (true, true) if cx.acquired_at(key).is_some() => "held again",
        (true, _) => "still held",
        (false, _) if due > 0 => "not held",
        (false, _) => "no longer held",
    };
    let returning = cx.returning(exits[0]);
    let (message, confidence, help) = match &obligation.by {
        DeclaredBy::Slot(slot) => (
            format!(
                "`{function}` breaks the declared effect of `{slot}`, `{declared}`: `{lock}` is {state} when it {returning}"
            ),
            if lent || cx.analysis.is_one_of_several(exits[0]) {
                Confidence::Medium
            } else {
                Confidence::High
            },
            repair(held, &lock, &format!("whoever calls through `{slot}` relies on `{declared}`")),
        ),
        DeclaredBy::Siblings(slot) => (
            format!(
                "`{function}` deviates from what all others in `{slot}` do, `{declared}`: `{lock}` is {state} when it {returning}"
            ),
            if lent { Confidence::Low } else { Confidence::Medium },
            repair(held, &lock, &format!("or declare what `{slot}` does, if this one is right")),
        ),
        DeclaredBy::Comment | DeclaredBy::Annotation { .. } => return,
    };
    let warns = matches!(obligation.by, DeclaredBy::Siblings(_));
    let report = Report {
        rule: &META,
        key,
        confidence,
        place: cx.exit_span(exits[0]),
        label: format!("returns with `{lock}` {state}"),
        message,
        exit: cx.analysis.exits[exits[0]].kind.as_str(),
        help,
    };
    if cx.report_exits(&alike, balance.signum(), report)
        && warns
        && let Some((_, found)) = cx.found.last_mut()
    {
        found.severity = Severity::Warning;
    }
}

fn repair(held: bool, lock: &str, why: &str) -> Vec<String> {
    let what = if held {
        format!("release `{lock}` on this path too")
    } else {
        format!("leave `{lock}` held on this path")
    };
    vec![what, why.to_owned()]
}
