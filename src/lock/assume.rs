//! Evaluation of signs, and what follows from taking one side of a branch.

use super::masks::{contradicts_union, is_union, masked, union};
use super::state::{Fact, PathState, Signs, bind, lookup};
use super::terms::{Term, TermId, Terms};
use crate::ir::{BinaryOp, UnaryOp};

/// The signs that `term` may have on this path; with `firm_only`, presumed facts do not count.
pub fn signs(terms: &Terms, state: &PathState, term: TermId, firm_only: bool) -> Signs {
    let own = structural(terms, state, term, firm_only);
    match lookup(&state.facts, term) {
        Some(fact) => own.and(if firm_only { fact.sure } else { fact.signs }),
        None => own,
    }
}

fn structural(terms: &Terms, state: &PathState, term: TermId, firm_only: bool) -> Signs {
    match terms.get(term) {
        Term::Int(value) => Signs::of(*value),
        Term::Str | Term::Global(_) | Term::Local(_) | Term::Pair(..) => Signs::POSITIVE,
        Term::Old(inner)
            if !terms.reads_memory(term)
                && matches!(terms.get(*inner), Term::Field(..) | Term::Index(..)) =>
        {
            Signs::POSITIVE
        }
        // The address of a member of a valid object.
        Term::Field(..) | Term::Index(..) => Signs::POSITIVE,
        // Error numbers are positive by convention; other named constants may be zero.
        Term::Const(name) if is_error_number(name) => Signs::POSITIVE,
        Term::Unary(UnaryOp::Neg, operand) => signs(terms, state, *operand, firm_only).negated(),
        Term::Unary(UnaryOp::Not, operand) => {
            let operand = signs(terms, state, *operand, firm_only);
            if operand.within(Signs::NONZERO) {
                Signs::ZERO
            } else if operand == Signs::ZERO {
                Signs::POSITIVE
            } else {
                Signs::NOT_NEGATIVE
            }
        }
        Term::Binary(op, left, right) => match comparison(terms, state, *op, *left, *right, firm_only) {
            Some(true) => Signs::POSITIVE,
            Some(false) => Signs::ZERO,
            None if is_comparison(*op) => Signs::NOT_NEGATIVE,
            None => match op {
                BinaryOp::BitAnd if signs(terms, state, *left, firm_only) == Signs::ZERO => Signs::ZERO,
                BinaryOp::BitAnd if signs(terms, state, *right, firm_only) == Signs::ZERO => Signs::ZERO,
                BinaryOp::BitAnd => masked(terms, state, *left, *right, firm_only),
                BinaryOp::Add => {
                    sum(signs(terms, state, *left, firm_only), signs(terms, state, *right, firm_only))
                }
                BinaryOp::BitOr => {
                    let (l, r) =
                        (signs(terms, state, *left, firm_only), signs(terms, state, *right, firm_only));
                    if l.within(Signs::NONZERO) || r.within(Signs::NONZERO) {
                        Signs::NONZERO
                    } else {
                        Signs::ANY
                    }
                }
                _ => Signs::ANY,
            },
        },
        Term::Query(..) | Term::Configuration(_) => Signs::NOT_NEGATIVE,
        _ => Signs::ANY,
    }
}

fn sum(left: Signs, right: Signs) -> Signs {
    match (left, right) {
        (a, Signs::ZERO) => a,
        (Signs::ZERO, b) => b,
        (a, b) if a.within(Signs::NOT_NEGATIVE) && b.within(Signs::POSITIVE) => Signs::POSITIVE,
        (a, b) if a.within(Signs::POSITIVE) && b.within(Signs::NOT_NEGATIVE) => Signs::POSITIVE,
        (a, b) if a.within(Signs::NOT_NEGATIVE) && b.within(Signs::NOT_NEGATIVE) => Signs::NOT_NEGATIVE,
        _ => Signs::ANY,
    }
}

/// `EINVAL` and its kin.
pub fn is_error_number(name: &str) -> bool {
    name.len() > 2
        && name.starts_with('E')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Whether `op` compares.
pub fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge)
}

/// Whether the term is a constant, and if so which (a negated named constant counts).
pub(super) fn is_constant(terms: &Terms, term: TermId) -> bool {
    match terms.get(term) {
        Term::Int(_) | Term::Const(_) => true,
        Term::Unary(UnaryOp::Neg, inner) => matches!(terms.get(*inner), Term::Const(_)),
        _ => false,
    }
}

/// The constant that `term` equals, if known.
pub fn constant(terms: &Terms, state: &PathState, term: TermId, firm_only: bool) -> Option<TermId> {
    if is_constant(terms, term) {
        return Some(term);
    }
    lookup(&state.facts, term).filter(|fact| fact.firm || !firm_only).and_then(|fact| fact.equals)
}

fn comparison(
    terms: &Terms,
    state: &PathState,
    op: BinaryOp,
    left: TermId,
    right: TermId,
    firm_only: bool,
) -> Option<bool> {
    if !is_comparison(op) {
        return None;
    }
    if left == right && !terms.names_several(left) {
        return Some(matches!(op, BinaryOp::Eq | BinaryOp::Le | BinaryOp::Ge));
    }
    let (l, r) = (constant(terms, state, left, firm_only), constant(terms, state, right, firm_only));
    if let (Some(l), Some(r)) = (l, r) {
        if let (Term::Int(l), Term::Int(r)) = (terms.get(l), terms.get(r)) {
            return Some(match op {
                BinaryOp::Eq => l == r,
                BinaryOp::Ne => l != r,
                BinaryOp::Lt => l < r,
                BinaryOp::Le => l <= r,
                BinaryOp::Gt => l > r,
                _ => l >= r,
            });
        }
        match op {
            BinaryOp::Eq if l == r => return Some(true),
            BinaryOp::Ne if l == r => return Some(false),
            // Two named constants are taken to differ; a named one may still be the number.
            BinaryOp::Eq if named(terms, l) && named(terms, r) => return Some(false),
            BinaryOp::Ne if named(terms, l) && named(terms, r) => return Some(true),
            _ => {}
        }
    }
    if let Some(r) = r
        && let Some(fact) = lookup(&state.facts, left).filter(|fact| fact.firm || !firm_only)
        && fact.differs.contains(&r)
    {
        match op {
            BinaryOp::Eq => return Some(false),
            BinaryOp::Ne => return Some(true),
            _ => {}
        }
    }
    by_signs(op, signs(terms, state, left, firm_only), signs(terms, state, right, firm_only))
}

fn named(terms: &Terms, term: TermId) -> bool {
    !matches!(terms.get(term), Term::Int(_))
}

fn by_signs(op: BinaryOp, left: Signs, right: Signs) -> Option<bool> {
    let less = (left.within(Signs::NEGATIVE) && right.within(Signs::NOT_NEGATIVE))
        || (left.within(Signs::NOT_POSITIVE) && right.within(Signs::POSITIVE));
    let greater = (right.within(Signs::NEGATIVE) && left.within(Signs::NOT_NEGATIVE))
        || (right.within(Signs::NOT_POSITIVE) && left.within(Signs::POSITIVE));
    let not_less = greater || (left.within(Signs::NOT_NEGATIVE) && right.within(Signs::NOT_POSITIVE));
    let not_greater = less || (left.within(Signs::NOT_POSITIVE) && right.within(Signs::NOT_NEGATIVE));
    let disjoint = left.and(right) == Signs::NONE;
    let both_zero = left == Signs::ZERO && right == Signs::ZERO;
    match op {
        BinaryOp::Eq if disjoint => Some(false),
        BinaryOp::Eq if both_zero => Some(true),
        BinaryOp::Ne if disjoint => Some(true),
        BinaryOp::Ne if both_zero => Some(false),
        BinaryOp::Lt if less => Some(true),
        BinaryOp::Lt if not_less => Some(false),
        BinaryOp::Ge if less => Some(false),
        BinaryOp::Ge if not_less => Some(true),
        BinaryOp::Gt if greater => Some(true),
        BinaryOp::Gt if not_greater => Some(false),
        BinaryOp::Le if greater => Some(false),
        BinaryOp::Le if not_greater => Some(true),
        _ => None,
    }
}

/// Takes the side `truth` of a branch on `term`. Answers whether the path is possible; contradicting only a
/// presumed fact makes it doubtful, not impossible.
pub fn assume(terms: &mut Terms, state: &mut PathState, term: TermId, truth: bool) -> bool {
    let wanted = if truth { Signs::NONZERO } else { Signs::ZERO };
    if signs(terms, state, term, true).and(wanted) == Signs::NONE {
        return false;
    }
    if signs(terms, state, term, false).and(wanted) == Signs::NONE {
        state.doubtful = true;
        forget(terms, state, term);
    }
    refine(terms, state, term, truth)
}

/// Presumes that `term` is zero: what follows from that is presumed too. A path on which it cannot be is doubtful.
pub fn disbelieve(terms: &mut Terms, state: &mut PathState, term: TermId) {
    let mut believed = state.clone();
    if !assume(terms, &mut believed, term, false) {
        state.doubtful = true;
        return;
    }
    if believed.doubtful && !state.doubtful {
        return;
    }
    for (about, fact) in believed.facts {
        let before = lookup(&state.facts, about).copied();
        if before != Some(fact) {
            let sure = before.map_or(Signs::ANY, |before| before.sure);
            bind(&mut state.facts, about, Fact { sure, firm: false, ..fact });
        }
    }
}

fn refine(terms: &mut Terms, state: &mut PathState, term: TermId, truth: bool) -> bool {
    match terms.get(term).clone() {
        Term::Unary(UnaryOp::Not, operand) => assume(terms, state, operand, !truth),
        Term::Unary(UnaryOp::Neg, operand) => assume(terms, state, operand, truth),
        Term::Binary(op, left, right) if is_comparison(op) => {
            let (op, left, right) = if is_constant(terms, left) && !is_constant(terms, right) {
                (mirrored(op), right, left)
            } else {
                (op, left, right)
            };
            let op = if truth { op } else { negated(op) };
            compare(terms, state, op, left, right, term, truth)
        }
        Term::Binary(BinaryOp::BitAnd, left, right) if truth => {
            constrain(terms, state, term, Signs::NONZERO)
                && constrain(terms, state, left, Signs::NONZERO)
                && (is_constant(terms, right) || constrain(terms, state, right, Signs::NONZERO))
        }
        // `!(x & (A | B))`
        Term::Binary(BinaryOp::BitAnd, left, right) if is_union(terms, right) => {
            let parts = union(terms, right);
            parts.into_iter().all(|part| {
                let bits = terms.intern(Term::Binary(BinaryOp::BitAnd, left, part));
                constrain(terms, state, bits, Signs::ZERO)
            }) && constrain(terms, state, term, Signs::ZERO)
        }
        Term::Binary(BinaryOp::BitAnd, word, _) => {
            constrain(terms, state, term, Signs::ZERO) && !contradicts_union(terms, state, word)
        }
        _ => constrain(terms, state, term, if truth { Signs::NONZERO } else { Signs::ZERO }),
    }
}

fn compare(
    terms: &mut Terms,
    state: &mut PathState,
    op: BinaryOp,
    left: TermId,
    right: TermId,
    whole: TermId,
    truth: bool,
) -> bool {
    let right_constant = constant(terms, state, right, true);
    let bound = right_constant.unwrap_or(right);
    let right_signs = signs(terms, state, bound, true);
    let allowed = match op {
        BinaryOp::Eq => right_signs,
        BinaryOp::Ne if right_signs == Signs::ZERO => Signs::NONZERO,
        BinaryOp::Lt if right_signs.within(Signs::NOT_POSITIVE) => Signs::NEGATIVE,
        BinaryOp::Le if right_signs.within(Signs::NEGATIVE) => Signs::NEGATIVE,
        BinaryOp::Le if right_signs.within(Signs::NOT_POSITIVE) => Signs::NOT_POSITIVE,
        BinaryOp::Gt if right_signs.within(Signs::NOT_NEGATIVE) => Signs::POSITIVE,
        BinaryOp::Ge if right_signs.within(Signs::POSITIVE) => Signs::POSITIVE,
        BinaryOp::Ge if right_signs.within(Signs::NOT_NEGATIVE) => Signs::NOT_NEGATIVE,
        _ => Signs::ANY,
    };
    // `x < 1` on integers.
    let allowed = match (op, terms.get(bound)) {
        (BinaryOp::Lt, Term::Int(1)) => allowed.and(Signs::NOT_POSITIVE),
        (BinaryOp::Ge, Term::Int(1)) => Signs::POSITIVE,
        (BinaryOp::Gt, Term::Int(-1)) => Signs::NOT_NEGATIVE,
        _ => allowed,
    };
    if !constrain(terms, state, left, allowed) {
        return false;
    }
    let settled_by_signs = matches!(terms.get(bound), Term::Int(0));
    match (op, right_constant) {
        (BinaryOp::Eq, Some(value)) => equate(terms, state, left, value),
        (BinaryOp::Ne, Some(value)) if !settled_by_signs => distinguish(terms, state, left, value),
        _ if settled_by_signs => true,
        _ => constrain(terms, state, whole, if truth { Signs::NONZERO } else { Signs::ZERO }),
    }
}

fn equate(terms: &Terms, state: &mut PathState, term: TermId, value: TermId) -> bool {
    if is_constant(terms, term) || terms.names_several(term) {
        return true;
    }
    let mut fact = lookup(&state.facts, term).copied().unwrap_or_else(Fact::any);
    if fact.firm && fact.differs.contains(&value) {
        return false;
    }
    fact = Fact::signs(fact.sure.and(structural(terms, state, value, true)));
    fact.equals = Some(value);
    let possible = fact.signs != Signs::NONE;
    bind(&mut state.facts, term, fact);
    possible
}

fn distinguish(terms: &Terms, state: &mut PathState, term: TermId, value: TermId) -> bool {
    if is_constant(terms, term) || terms.names_several(term) {
        return true;
    }
    let mut fact = lookup(&state.facts, term).copied().unwrap_or_else(Fact::any);
    if fact.firm && fact.equals == Some(value) {
        return false;
    }
    fact.differs.insert(value);
    bind(&mut state.facts, term, fact);
    true
}

/// Limits the signs of `term`; answers whether any value is left.
pub fn constrain(terms: &mut Terms, state: &mut PathState, term: TermId, allowed: Signs) -> bool {
    let firm = signs(terms, state, term, true).and(allowed);
    if firm == Signs::NONE {
        return false;
    }
    if allowed == Signs::ANY || is_constant(terms, term) && !matches!(terms.get(term), Term::Const(_)) {
        return true;
    }
    if let Term::Unary(UnaryOp::Neg, operand) = *terms.get(term) {
        return constrain(terms, state, operand, allowed.negated());
    }
    if terms.names_several(term) {
        return true;
    }
    let mut fact = lookup(&state.facts, term).copied().unwrap_or_else(Fact::any);
    state.doubtful |= !fact.narrow(allowed);
    bind(&mut state.facts, term, fact);
    true
}

/// Drops presumed facts about `term` and what it is made of.
fn forget(terms: &Terms, state: &mut PathState, term: TermId) {
    state.facts.retain(|(about, fact)| fact.firm || !terms.contains(term, *about));
}

fn negated(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Eq => BinaryOp::Ne,
        BinaryOp::Ne => BinaryOp::Eq,
        BinaryOp::Lt => BinaryOp::Ge,
        BinaryOp::Ge => BinaryOp::Lt,
        BinaryOp::Gt => BinaryOp::Le,
        BinaryOp::Le => BinaryOp::Gt,
        other => other,
    }
}

fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Ge => BinaryOp::Le,
        other => other,
    }
}
