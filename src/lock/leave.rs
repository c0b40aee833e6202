//! Ways out of a body: what a return makes known of its result, and of what kind the exit is.

use super::analysis::LockAnalysis;
use super::assume::{self, assume};
use super::event::{Exit, ExitKind};
use super::state::{PathState, Signs};
use super::terms::{Term, TermId};
use crate::ir::{BlockId, ReturnKind};

impl LockAnalysis<'_> {
    /// Writes down how the path leaves; a result that tells callers something and is not known yet is several exits.
    pub(super) fn record_exits(&mut self, state: PathState, block: BlockId, value: Option<TermId>) {
        let name = value.map(|value| self.terms.canonical(value));
        for state in self.told_apart(state, value) {
            let kind = self.exit_kind(&state, value);
            self.exits.push(Exit { node: self.node, block, kind, value, name, state });
        }
    }

    fn told_apart(&mut self, state: PathState, value: Option<TermId>) -> Vec<PathState> {
        let Some(value) = value else { return vec![state] };
        // What is promised at some results only is looked at for each of them.
        if self.owes_by_result() {
            return self.by_promise(state, value);
        }
        // `return !err;` after a conditional lock.
        let open = matches!(self.exit_kind(&state, Some(value)), ExitKind::Other | ExitKind::NotNegative);
        if !open || !self.is_truth_value(value) {
            return vec![state];
        }
        let sides = [true, false].map(|truth| {
            let mut side = state.clone();
            assume(&mut self.terms, &mut side, value, truth).then_some(side)
        });
        sides.into_iter().flatten().collect()
    }

    /// What kind of exit returning `value` is.
    pub(super) fn exit_kind(&self, state: &PathState, value: Option<TermId>) -> ExitKind {
        let Some(value) = value else { return ExitKind::Void };
        let signs = assume::signs(&self.terms, state, value, false);
        match self.body.returns {
            ReturnKind::Void => ExitKind::Void,
            ReturnKind::Bool => match signs {
                Signs::ZERO => ExitKind::False,
                signs if signs.within(Signs::NONZERO) => ExitKind::True,
                _ => ExitKind::Other,
            },
            ReturnKind::Pointer | ReturnKind::Guard => match signs {
                Signs::ZERO => ExitKind::Null,
                Signs::NEGATIVE => ExitKind::ErrorPointer,
                signs if signs.within(Signs::NONZERO) => ExitKind::Pointer,
                _ => ExitKind::Other,
            },
            ReturnKind::Integer | ReturnKind::Other => match signs {
                Signs::ZERO => ExitKind::Zero,
                Signs::NEGATIVE => ExitKind::Error,
                Signs::POSITIVE => ExitKind::Positive,
                Signs::NOT_NEGATIVE => ExitKind::NotNegative,
                signs if signs.within(Signs::NONZERO) => ExitKind::Nonzero,
                _ => ExitKind::Other,
            },
        }
    }

    fn is_truth_value(&self, value: TermId) -> bool {
        match self.terms.get(value) {
            Term::Unary(crate::ir::UnaryOp::Not, _) | Term::Query(..) => true,
            Term::Binary(op, ..) => assume::is_comparison(*op),
            _ => self.body.returns == ReturnKind::Bool,
        }
    }
}
