//! What memory may have become where somebody else may have written it: what was proved is presumed.

use super::analysis::LockAnalysis;
use super::assume;
use super::state::{Fact, PathState, Signs, bind, lookup, unbind};
use super::terms::{Term, TermId, Terms};
use crate::ir::LocalId;

impl LockAnalysis<'_> {
    /// Somebody else may have written memory: what was proved of it is only presumed from now on. Values read before
    /// keep what was proved of them under the name `Old`.
    pub(super) fn disturb_memory(&mut self, state: &mut PathState) {
        for at in 0..state.store.len() {
            let (address, value) = state.store[at];
            if !self.is_private(address) || !self.terms.reads_memory(value) {
                continue;
            }
            let old = self.terms.old(value);
            let proved = lookup(&state.facts, value).map(Fact::proved).filter(|fact| !fact.is_any());
            if let Some(fact) = proved {
                let fact = lookup(&state.facts, old).map_or(fact, |other| other.either(&fact));
                bind(&mut state.facts, old, fact);
            }
            self.carry_compound_facts(state, value, old);
            state.store[at].1 = old;
        }
        self.presume_written(state);
        for (about, fact) in &mut state.facts {
            if self.terms.reads_memory(*about) {
                fact.doubt();
            }
        }
    }

    /// `flags & FOO` is known of a saved `flags` too; `p->member` presumably of a saved `p`.
    fn carry_compound_facts(&mut self, state: &mut PathState, value: TermId, old: TermId) {
        let compound: Vec<(TermId, Fact)> = state
            .facts
            .iter()
            .filter(|(about, _)| *about != value && self.terms.contains(*about, value))
            .filter(|(about, fact)| match self.terms.get(*about) {
                Term::Binary(..) | Term::Unary(..) => fact.firm,
                Term::Load(_) => true,
                _ => false,
            })
            .copied()
            .collect();
        for (about, mut fact) in compound {
            if matches!(self.terms.get(about), Term::Load(_)) {
                fact.doubt();
            }
            let renamed = self.terms.substitute(about, value, old);
            if renamed != about && lookup(&state.facts, renamed).is_none() {
                bind(&mut state.facts, renamed, fact);
            }
        }
    }

    /// What this path wrote to shared memory is presumably still there.
    fn presume_written(&mut self, state: &mut PathState) {
        let written: Vec<(TermId, TermId)> =
            state.store.iter().copied().filter(|&(address, _)| !self.is_private(address)).collect();
        for (address, value) in written {
            let signs = assume::signs(&self.terms, state, value, true);
            let equals = assume::constant(&self.terms, state, value, true);
            let computed = matches!(self.terms.get(value), Term::Unary(..) | Term::Binary(..));
            if equals.is_some() || computed && signs != Signs::ANY {
                unbind(&mut state.store, address);
                let load = self.terms.intern(Term::Load(address));
                bind(&mut state.facts, load, Fact { equals, ..Fact::signs(signs) });
            } else {
                self.presume_kept(state, address, value);
            }
        }
    }

    /// The cell at `address` still names the same object for locks; what is proved of the value is only presumed of the cell.
    fn presume_kept(&mut self, state: &mut PathState, address: TermId, value: TermId) {
        match self.terms.presumed(value) {
            None => unbind(&mut state.store, address),
            Some(kept) if kept == value => {}
            Some(kept) => {
                bind(&mut state.store, address, kept);
                let signs = assume::signs(&self.terms, state, value, false);
                let mut fact = lookup(&state.facts, value).copied().unwrap_or_else(Fact::any);
                fact.signs = signs;
                fact.doubt();
                if !fact.is_any() {
                    bind(&mut state.facts, kept, fact);
                }
                self.carry_compound_facts(state, value, kept);
            }
        }
    }

    /// A callee was given the address of a local: it may have written it.
    pub(super) fn disturb_local(&mut self, state: &mut PathState, id: LocalId) {
        let local = self.terms.intern(Term::Local(id));
        let before = self.value_at(state, local);
        let signs = assume::signs(&self.terms, state, before, false);
        let terms = &self.terms;
        // Members that point somewhere presumably still name the same objects; numbers may be any.
        let points = |value| !matches!(terms.get(value), Term::Int(_) | Term::Unary(..) | Term::Binary(..));
        state.store.retain(|&(address, value)| !is_part(terms, address, local) || points(value));
        let parts = state.store.iter().copied().filter(|&(address, _)| is_part(terms, address, local));
        for (address, value) in parts.collect::<Vec<_>>() {
            self.presume_kept(state, address, value);
        }
        let value = self.fresh(state);
        bind(&mut state.store, local, value);
        // A flag that tells what was done is mostly given to callees to be kept true: it presumably still says what it said.
        if signs != Signs::ANY {
            bind(&mut state.facts, value, Fact::presumed(signs, Signs::ANY));
        }
        let terms = &self.terms;
        for (about, fact) in &mut state.facts {
            if terms.contains(*about, local) {
                fact.doubt();
            }
        }
    }
}

pub(super) fn is_part(terms: &Terms, address: TermId, whole: TermId) -> bool {
    match terms.get(address) {
        Term::Field(base, _) | Term::Index(base, _) => *base == whole || is_part(terms, *base, whole),
        _ => false,
    }
}
