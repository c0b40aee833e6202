//! Whether two locks are named by variables that have nothing to do with each other.

use super::context::RuleCx;
use crate::ir::{
    Base, BinaryOp, Expr, LocalId, LocalKind, Location, Place, Predicate, StatementKind, TerminatorKind,
};
use crate::lock::event::EventKind;
use crate::lock::state::LockKey;

/// Whether the body itself takes the one and releases the other by the same members of two variables, neither of which it makes from
/// the other or compares with it: `inode_lock(lower); … inode_unlock(upper);`. Who steps from one object to the next, or takes another
/// lock in exchange, knows both.
pub(super) fn are_unrelated(cx: &RuleCx<'_, '_>, released: LockKey, held: LockKey) -> bool {
    let Some((given, taken)) = places(cx, released, held) else { return false };
    let (Base::Local(a), Base::Local(b)) = (&given.base, &taken.base) else { return false };
    let variable = |id: LocalId| cx.body().local(id).kind != LocalKind::Temporary;
    let named_apart = variable(*a) && variable(*b) && cx.body().local(*a).name != cx.body().local(*b).name;
    named_apart && given.projections == taken.projections && !are_linked(cx, *a, *b)
}

/// Whether the two are named by two variables one of which the body makes from the other or compares with it.
pub(super) fn are_known_to_each_other(cx: &RuleCx<'_, '_>, released: LockKey, held: LockKey) -> bool {
    let Some((given, taken)) = places(cx, released, held) else { return false };
    match (&given.base, &taken.base) {
        (Base::Local(a), Base::Local(b)) => a != b && are_linked(cx, *a, *b),
        _ => false,
    }
}

/// What the body itself names where it releases the one untaken, and where it takes the other.
fn places<'a>(cx: &RuleCx<'_, 'a>, released: LockKey, held: LockKey) -> Option<(&'a Place, &'a Place)> {
    let gives = |kind: &EventKind| matches!(kind, EventKind::Released { held: false, .. });
    let takes = |kind: &EventKind| matches!(kind, EventKind::Acquired { .. });
    named(cx, released, gives).zip(named(cx, held, takes))
}

/// The place that all the body's own operations of that kind on the lock name.
fn named<'a>(cx: &RuleCx<'_, 'a>, key: LockKey, wanted: impl Fn(&EventKind) -> bool) -> Option<&'a Place> {
    let events = cx.analysis.events.iter().filter(|event| event.key == key && wanted(&event.kind));
    let mut places =
        events.map(|event| if cx.analysis.is_direct(event) { operand(cx, event.at) } else { None });
    let first = places.next()??;
    places.all(|other| other == Some(first)).then_some(first)
}

fn operand<'a>(cx: &RuleCx<'_, 'a>, at: Location) -> Option<&'a Place> {
    match &cx.body().cfg.statement(at)?.kind {
        StatementKind::Call { args, .. } => args.iter().find_map(|arg| match arg {
            Expr::Read(place) | Expr::AddressOf(place) => Some(place),
            _ => None,
        }),
        _ => None,
    }
}

/// Whether a statement makes one of the variables from the other, or a branch compares them.
fn are_linked(cx: &RuleCx<'_, '_>, a: LocalId, b: LocalId) -> bool {
    let cfg = &cx.body().cfg;
    cfg.blocks().any(|block| {
        let block = cfg.block(block);
        let compared = match &block.terminator.kind {
            TerminatorKind::Branch(Predicate::Holds(question)) => compares(question, a, b),
            _ => false,
        };
        compared || block.statements.iter().any(|statement| makes(&statement.kind, a, b))
    })
}

fn makes(statement: &StatementKind, a: LocalId, b: LocalId) -> bool {
    let from = |place: &Place, values: &[&Expr]| {
        let other = match place.as_local() {
            Some(id) if id == a => b,
            Some(id) if id == b => a,
            _ => return false,
        };
        values.iter().any(|value| mentions(value, other))
    };
    match statement {
        StatementKind::Assign { place, value } => from(place, &[value]),
        StatementKind::Call { place: Some(place), args, .. } => from(place, &args.iter().collect::<Vec<_>>()),
        _ => false,
    }
}

fn compares(question: &Expr, a: LocalId, b: LocalId) -> bool {
    match question {
        Expr::Binary(BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt, left, right) => {
            mentions(left, a) && mentions(right, b) || mentions(left, b) && mentions(right, a)
        }
        Expr::Unary(_, operand) => compares(operand, a, b),
        _ => false,
    }
}

fn mentions(expr: &Expr, id: LocalId) -> bool {
    match expr {
        Expr::Read(place) | Expr::AddressOf(place) => place.base == Base::Local(id),
        Expr::Unary(_, operand) => mentions(operand, id),
        Expr::Binary(_, left, right) => mentions(left, id) || mentions(right, id),
        _ => false,
    }
}
