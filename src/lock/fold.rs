//! Terms made of terms: constants are folded, and what means the same is made the same.

use super::assume::is_constant;
use super::terms::{Term, TermId, Terms};
use crate::ir::{BinaryOp, UnaryOp};

/// Builds `left op right`, folded and in a normal form in which equal conditions are equal terms.
pub fn binary(terms: &mut Terms, op: BinaryOp, left: TermId, right: TermId) -> TermId {
    use BinaryOp::{Add, BitAnd, BitOr, Eq, Ge, Gt, Le, Lt, Mul, Ne, Sub};
    if let (Term::Int(l), Term::Int(r)) = (terms.get(left), terms.get(right)) {
        let (l, r) = (*l, *r);
        let folded = match op {
            Add => l.checked_add(r),
            Sub => l.checked_sub(r),
            Mul => l.checked_mul(r),
            BitAnd => Some(l & r),
            BitOr => Some(l | r),
            Eq => Some(i64::from(l == r)),
            Ne => Some(i64::from(l != r)),
            Lt => Some(i64::from(l < r)),
            Le => Some(i64::from(l <= r)),
            Gt => Some(i64::from(l > r)),
            Ge => Some(i64::from(l >= r)),
            _ => None,
        };
        if let Some(value) = folded {
            return terms.int(value);
        }
    }
    if let (BitAnd, Some(bits)) = (op, masked_bits(terms, left, right)) {
        return bits;
    }
    // a > b is b < a, a >= b is !(a < b), a != b is !(a == b); the order of an equality is by id.
    match op {
        Ne => {
            let equal = binary(terms, Eq, left, right);
            terms.intern(Term::Unary(UnaryOp::Not, equal))
        }
        Gt if !is_constant(terms, right) => binary(terms, Lt, right, left),
        Ge if !is_constant(terms, right) => {
            let less = binary(terms, Lt, left, right);
            terms.intern(Term::Unary(UnaryOp::Not, less))
        }
        Le if !is_constant(terms, right) => {
            let less = binary(terms, Lt, right, left);
            terms.intern(Term::Unary(UnaryOp::Not, less))
        }
        Eq if is_constant(terms, left) && !is_constant(terms, right)
            || (right < left && !is_constant(terms, right)) =>
        {
            terms.intern(Term::Binary(Eq, right, left))
        }
        Ge => {
            let less = terms.intern(Term::Binary(Lt, left, right));
            terms.intern(Term::Unary(UnaryOp::Not, less))
        }
        Gt => {
            let at_most = terms.intern(Term::Binary(Le, left, right));
            terms.intern(Term::Unary(UnaryOp::Not, at_most))
        }
        Add if matches!(terms.get(right), Term::Int(0)) => left,
        _ => terms.intern(Term::Binary(op, left, right)),
    }
}

/// `(x | A) & A` is set, `(x & ~A) & A` is clear, and other named bits are taken to be other bits.
fn masked_bits(terms: &mut Terms, word: TermId, bit: TermId) -> Option<TermId> {
    if !matches!(terms.get(bit), Term::Const(_)) {
        return None;
    }
    let (op, inner, operand) = match *terms.get(word) {
        Term::Binary(op @ (BinaryOp::BitOr | BinaryOp::BitAnd), inner, operand) => (op, inner, operand),
        _ => return None,
    };
    let same = match op {
        BinaryOp::BitOr => Some(operand).filter(|&o| matches!(terms.get(o), Term::Const(_))),
        _ => match *terms.get(operand) {
            Term::Unary(UnaryOp::BitNot, cleared) => {
                Some(cleared).filter(|&o| matches!(terms.get(o), Term::Const(_)))
            }
            _ => None,
        },
    }?;
    Some(match (same == bit, op) {
        (true, BinaryOp::BitOr) => bit,
        (true, _) => terms.int(0),
        (false, _) => binary(terms, BinaryOp::BitAnd, inner, bit),
    })
}

/// Builds `op operand`, folded.
pub fn unary(terms: &mut Terms, op: UnaryOp, operand: TermId) -> TermId {
    match (op, terms.get(operand).clone()) {
        (UnaryOp::Neg, Term::Int(value)) => terms.int(value.wrapping_neg()),
        (UnaryOp::BitNot, Term::Int(value)) => terms.int(!value),
        (UnaryOp::Not, Term::Int(value)) => terms.int(i64::from(value == 0)),
        (UnaryOp::Neg, Term::Unary(UnaryOp::Neg, inner)) => inner,
        // `!!x` is a truth value, not x; but where only the truth matters they are tested alike.
        _ => terms.intern(Term::Unary(op, operand)),
    }
}
