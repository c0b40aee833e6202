//! Expressions and places to terms; writes; what is forgotten when somebody else may write.

use super::analysis::LockAnalysis;
use super::assume;
use super::disturb;
use super::fold;
use super::state::{Fact, LockKey, PathState, Signs, bind, lookup, unbind};
use super::terms::{Site, Term, TermId};
use crate::ir::{Base, BinaryOp, Expr, LocalKind, Location, Place, Projection};

/// Rounds that a counter in a loop is followed exactly.
const COUNTED: i64 = 2;

impl LockAnalysis<'_> {
    /// The value of `expr` on this path.
    pub(super) fn evaluate(&mut self, state: &mut PathState, expr: &Expr) -> TermId {
        match expr {
            Expr::Int(value) => self.terms.int(*value),
            Expr::Null => self.terms.int(0),
            Expr::Str => self.terms.intern(Term::Str),
            Expr::Const(name) => self.terms.intern(Term::Const(name.clone())),
            Expr::Read(place) => {
                let address = self.address(state, place);
                self.value_at(state, address)
            }
            Expr::AddressOf(place) => self.address(state, place),
            Expr::Unary(op, operand) => {
                let operand = self.evaluate(state, operand);
                fold::unary(&mut self.terms, *op, operand)
            }
            Expr::Binary(op, left, right) => {
                let left = self.evaluate(state, left);
                let right = self.evaluate(state, right);
                if self.terms.too_deep(left) || self.terms.too_deep(right) {
                    return self.fresh(state);
                }
                fold::binary(&mut self.terms, *op, left, right)
            }
            Expr::Unknown => self.fresh(state),
        }
    }

    /// The address that `place` denotes on this path.
    pub(super) fn address(&mut self, state: &mut PathState, place: &Place) -> TermId {
        let mut at = match &place.base {
            Base::Local(id) => self.terms.intern(Term::Local(*id)),
            Base::Global(name) => self.terms.intern(Term::Global(name.clone())),
        };
        for step in &place.projections {
            at = match step {
                Projection::Deref => self.value_at(state, at),
                Projection::Field(name) if self.profile.same_address_members.contains(name) => at,
                Projection::Field(name) => self.terms.field(at, name.clone()),
                Projection::Index(index) => {
                    let base =
                        if self.is_pointer_variable(state, at) { self.value_at(state, at) } else { at };
                    let index = self.evaluate(state, index);
                    self.terms.intern(Term::Index(base, index))
                }
            };
            if self.terms.too_deep(at) {
                at = self.fresh(state);
            }
        }
        at
    }

    /// Whether `p[i]` goes through the pointer `p` (rather than into the array `p`).
    fn is_pointer_variable(&self, state: &PathState, at: TermId) -> bool {
        match self.terms.get(at) {
            Term::Local(id) => {
                self.body.local(*id).kind == LocalKind::Parameter || lookup(&state.store, at).is_some()
            }
            _ => false,
        }
    }

    /// What memory at `address` holds on this path.
    pub(super) fn value_at(&mut self, state: &PathState, address: TermId) -> TermId {
        if let Some(&value) = lookup(&state.store, address) {
            return value;
        }
        // A member of an object that was given a value as a whole is a member of that value.
        if let Some((whole, value)) = self.assigned_whole(state, address) {
            let part = self.terms.substitute(address, whole, value);
            return self.terms.intern(Term::Load(part));
        }
        match *self.terms.get(address) {
            Term::Local(id) if self.body.local(id).kind == LocalKind::Parameter => {
                self.terms.intern(Term::Input(id))
            }
            _ => self.terms.intern(Term::Load(address)),
        }
    }

    fn assigned_whole(&self, state: &PathState, address: TermId) -> Option<(TermId, TermId)> {
        let mut at = address;
        while let Term::Field(base, _) = *self.terms.get(at) {
            at = base;
            if matches!(self.terms.get(at), Term::Local(_)) {
                let value = *lookup(&state.store, at)?;
                return matches!(self.terms.get(value), Term::Fresh(_) | Term::Older(_) | Term::Oldest(_))
                    .then_some((at, value));
            }
        }
        None
    }

    /// A value that came into being here and is known by nothing else. Older values from the same place are
    /// told apart from it.
    pub(super) fn fresh(&mut self, state: &mut PathState) -> TermId {
        let Location { block, statement } = self.here;
        self.fresh_count += 1;
        self.fresh_at(state, Site::Statement(block, statement, self.fresh_count))
    }

    /// As [`Self::fresh`], for a given site.
    pub(super) fn fresh_at(&mut self, state: &mut PathState, site: Site) -> TermId {
        let made = self.terms.len();
        let new = self.terms.intern(Term::Fresh(site));
        let block = match site {
            Site::Statement(block, ..) | Site::Join(block, _) => block,
        };
        if self.in_cycle[block.0 as usize] {
            let older = self.terms.intern(Term::Older(site));
            // A term made just now is mentioned nowhere.
            if (new.0 as usize) < made && self.mentions(state, new) {
                if self.mentions(state, older) {
                    let oldest = self.terms.intern(Term::Oldest(site));
                    self.rename(state, older, oldest);
                }
                self.rename(state, new, older);
            }
        }
        new
    }

    fn mentions(&self, state: &PathState, term: TermId) -> bool {
        let terms = &self.terms;
        let bound = |&(address, value): &(TermId, TermId)| {
            terms.contains(address, term) || terms.contains(value, term)
        };
        state.store.iter().any(bound)
            || state.facts.iter().any(|(about, _)| terms.contains(*about, term))
            || state.locks.iter().any(|(key, _)| terms.contains(key.address, term))
    }

    fn rename(&mut self, state: &mut PathState, from: TermId, to: TermId) {
        if !self.mentions(state, from) {
            return;
        }
        let shared = self.mentions(state, to);
        let terms = &mut self.terms;
        let mut store = Vec::with_capacity(state.store.len());
        for &(address, value) in &state.store {
            let address = terms.substitute(address, from, to);
            let value = terms.substitute(value, from, to);
            bind(&mut store, address, value);
        }
        state.store = store;
        let mut facts = Vec::with_capacity(state.facts.len());
        let mut single: Vec<(TermId, bool, Fact)> = Vec::new();
        for (about, fact) in std::mem::take(&mut state.facts) {
            let renamed = terms.substitute(about, from, to);
            if !shared || !terms.contains(renamed, to) {
                bind(&mut facts, renamed, fact);
                continue;
            }
            // Two values share a name now: only what is true of both stays.
            let moved = renamed != about;
            match single.iter().find(|(term, other, _)| *term == renamed && *other != moved) {
                Some((_, _, other)) => {
                    let both = other.either(&fact);
                    bind(&mut facts, renamed, both);
                }
                None => single.push((renamed, moved, fact)),
            }
        }
        state.facts = facts;
        let spelling = &mut self.spelling;
        for (key, _) in state.locks.iter() {
            let renamed = LockKey { address: terms.substitute(key.address, from, to), ..key };
            if let Some(text) = spelling.get(&key).cloned() {
                spelling.entry(renamed).or_insert(text);
            }
        }
        state.locks.rename(|address| terms.substitute(address, from, to));
        for key in &mut state.lent {
            key.address = terms.substitute(key.address, from, to);
        }
        for debt in &mut state.debts {
            debt.key.address = terms.substitute(debt.key.address, from, to);
        }
    }

    /// What is written to a variable that walks: in a loop, `p = p->next` gives each round a longer name and `n = n + 1` another number,
    /// without end. From the first round on the value is one that came into being here, told apart only from the older ones.
    /// `steps`: a constant is added to the variable.
    pub(super) fn widened(
        &mut self,
        state: &mut PathState,
        place: &Place,
        value: TermId,
        steps: bool,
    ) -> TermId {
        let walks = place.as_local().is_some() && self.in_cycle[self.here.block.0 as usize];
        if !walks {
            return value;
        }
        let address = self.address(state, place);
        let old = self.value_at(state, address);
        let counted = match (self.terms.get(old), self.terms.get(value)) {
            (Term::Int(before), Term::Int(_)) => steps && before.abs() >= COUNTED,
            (Term::Fresh(_) | Term::Older(_) | Term::Oldest(_), Term::Binary(BinaryOp::Add, start, step)) => {
                *start == old && matches!(self.terms.get(*step), Term::Int(_))
            }
            _ => false,
        };
        let walks_on = matches!(
            self.terms.get(old),
            Term::Input(_)
                | Term::Load(_)
                | Term::Old(_)
                | Term::Field(..)
                | Term::Index(..)
                | Term::Call(..)
                | Term::Fresh(_)
                | Term::Older(_)
                | Term::Oldest(_)
        );
        let reached = walks_on
            && old != value
            && matches!(self.terms.get(value), Term::Load(_) | Term::Field(..) | Term::Index(..))
            && self.terms.contains(value, old);
        if !counted && !reached {
            return value;
        }
        let signs = assume::signs(&self.terms, state, value, true);
        let fresh = self.fresh(state);
        if signs != Signs::ANY {
            bind(&mut state.facts, fresh, Fact::signs(signs));
        }
        fresh
    }

    /// `place = value`.
    pub(super) fn write(&mut self, state: &mut PathState, place: &Place, value: TermId) {
        let address = self.address(state, place);
        self.write_at(state, address, value);
    }

    pub(super) fn write_at(&mut self, state: &mut PathState, address: TermId, value: TermId) {
        let value = if self.terms.too_deep_to_keep(value) && !self.is_temporary(address) {
            self.fresh(state)
        } else {
            value
        };
        self.drop_parts(state, address);
        bind(&mut state.store, address, value);
        if self.is_private(address) {
            return;
        }
        // Another path to the same member may now read something else.
        let load = self.terms.intern(Term::Load(address));
        unbind(&mut state.facts, load);
        let Some(name) = self.terms.last_symbol(address) else { return };
        for (about, fact) in &mut state.facts {
            if self.terms.reads_memory(*about) && self.terms.last_symbol(*about) == Some(name) {
                fact.doubt();
            }
        }
        let terms = &self.terms;
        state.store.retain(|&(other, _)| {
            other == address
                || terms.last_symbol(other) != Some(name)
                || matches!(terms.get(other), Term::Local(_))
        });
    }

    /// Members of an object that is overwritten as a whole.
    fn drop_parts(&self, state: &mut PathState, whole: TermId) {
        let terms = &self.terms;
        state.store.retain(|&(address, _)| address == whole || !disturb::is_part(terms, address, whole));
    }

    /// A variable comes into being: whatever was known of its last incarnation is gone.
    pub(super) fn declare(&mut self, state: &mut PathState, place: &Place) {
        let address = self.address(state, place);
        self.drop_parts(state, address);
        unbind(&mut state.store, address);
        let terms = &self.terms;
        state.facts.retain(|(about, _)| !terms.contains(*about, address));
    }

    /// Whether the address is that of a place for one intermediate result, which no round of a loop builds upon.
    fn is_temporary(&self, address: TermId) -> bool {
        matches!(self.terms.get(address), Term::Local(id) if self.body.local(*id).kind == LocalKind::Temporary)
    }

    /// Whether nobody but this function's own statements can write at `address`.
    pub(super) fn is_private(&self, address: TermId) -> bool {
        match self.terms.get(address) {
            Term::Local(id) => !self.relevance.escapes(*id),
            Term::Field(base, _) | Term::Index(base, _) => self.is_private(*base),
            _ => false,
        }
    }
}
