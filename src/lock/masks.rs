//! Masks of one word: what is known of `x & A` tells of `x & B`.

use super::assume::constant;
use super::state::{PathState, Signs};
use super::terms::{Term, TermId, Terms};
use crate::ir::BinaryOp;

/// `x & mask`, from what is known of other masks of the same word: bits of a clear mask are clear, bits around a set one are set.
pub(super) fn masked(terms: &Terms, state: &PathState, word: TermId, mask: TermId, firm_only: bool) -> Signs {
    if is_union(terms, mask) {
        return of_union(terms, state, word, mask, firm_only);
    }
    let Term::Int(mask) = *terms.get(mask) else { return Signs::ANY };
    if let Some(&Term::Int(value)) = constant(terms, state, word, firm_only).map(|term| terms.get(term)) {
        return Signs::of(value & mask);
    }
    for (about, fact) in state.facts.iter().filter(|(_, fact)| fact.firm || !firm_only) {
        let Term::Binary(BinaryOp::BitAnd, other, bits) = *terms.get(*about) else { continue };
        let Term::Int(bits) = *terms.get(bits) else { continue };
        if other == word && fact.signs == Signs::ZERO && mask & !bits == 0 {
            return Signs::ZERO;
        }
        if other == word && fact.signs.within(Signs::NONZERO) && bits & !mask == 0 {
            return Signs::NONZERO;
        }
    }
    Signs::ANY
}

/// `x & (A | B)`, from what is known of `x & A` and `x & B`.
fn of_union(terms: &Terms, state: &PathState, word: TermId, mask: TermId, firm_only: bool) -> Signs {
    let known = |part: &TermId| {
        let facts = state.facts.iter().filter(|(_, fact)| fact.firm || !firm_only);
        let about = facts.into_iter().find(|(about, _)| {
            matches!(*terms.get(*about), Term::Binary(BinaryOp::BitAnd, other, bits) if other == word && bits == *part)
        });
        about.map_or(Signs::ANY, |(_, fact)| fact.signs)
    };
    let parts = union(terms, mask);
    if parts.iter().all(|part| known(part) == Signs::ZERO) {
        Signs::ZERO
    } else if parts.iter().any(|part| known(part).within(Signs::NONZERO)) {
        Signs::NONZERO
    } else {
        Signs::ANY
    }
}

/// Whether some union of masks is known to have a bit in common with `word`, and none of its masks has.
pub(super) fn contradicts_union(terms: &Terms, state: &PathState, word: TermId) -> bool {
    state.facts.iter().filter(|(_, fact)| fact.firm && fact.signs.within(Signs::NONZERO)).any(|(about, _)| {
        match *terms.get(*about) {
            Term::Binary(BinaryOp::BitAnd, other, mask) if other == word && is_union(terms, mask) => {
                of_union(terms, state, word, mask, true) == Signs::ZERO
            }
            _ => false,
        }
    })
}

/// Whether the mask is made of several.
pub(super) fn is_union(terms: &Terms, mask: TermId) -> bool {
    matches!(terms.get(mask), Term::Binary(BinaryOp::BitOr, ..))
}

/// The masks that a union of masks is made of.
pub(super) fn union(terms: &Terms, mask: TermId) -> Vec<TermId> {
    match *terms.get(mask) {
        Term::Binary(BinaryOp::BitOr, left, right) => {
            let mut parts = union(terms, left);
            parts.append(&mut union(terms, right));
            parts
        }
        _ => vec![mask],
    }
}
