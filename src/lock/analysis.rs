//! The path-sensitive lock analysis of one body: states, transfer, joins.

use super::assume::{self, assume};
use super::demand::Demands;
use super::event::{Event, EventKind, Exit};
use super::fold;
use super::meaning::Meanings;
use super::obligations::Due;
use super::relevance::Relevance;
use super::state::{Fact, LockKey, LockState, Now, PathState, Signs, bind, lookup, side_by_side};
use super::takes::TakenInside;
use super::terms::{Site, Term, TermId, Terms};
use crate::engine::{Analysis, Merge, NodeId};
use crate::ir::cfg::{Edge, EdgeKind, TerminatorKind};
use crate::ir::{
    BinaryOp, BlockId, Body, Expr, Location, Name, Place, Predicate, ReturnKind, Statement, StatementKind,
};
use crate::profile::{CallEffect, Effect, Profile};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// The analysis of one body, and all that it learned.
pub struct LockAnalysis<'a> {
    pub(super) body: &'a Body,
    pub(super) profile: &'a Profile,
    pub(super) meanings: Meanings<'a>,
    pub(super) relevance: Relevance,
    demands: Demands,
    pub(super) in_cycle: Vec<bool>,
    /// Symbolic values.
    pub terms: Terms,
    /// How the source spells each lock.
    pub spelling: FxHashMap<LockKey, String>,
    /// What happened, in the order of exploration, each once.
    pub events: Vec<Event>,
    /// Ways out.
    pub exits: Vec<Exit>,
    /// Locks that were taken somewhere in the body (by it or by a callee inside).
    pub taken: FxHashSet<LockKey>,
    /// Those among them, and among the attempted, that were taken otherwise than for reading.
    pub(super) taken_exclusively: FxHashSet<LockKey>,
    /// Locks that callees take and give back.
    pub(super) taken_inside: Vec<TakenInside>,
    /// Locks that the text asserts to be held before anything else happens to them.
    pub(super) asserted: FxHashSet<LockKey>,
    /// Families that a callee treats in a way that could not be told.
    pub uncertain: FxHashSet<crate::profile::FamilyId>,
    /// Locks that callees are unsure of: family, and member or variable.
    pub(super) unsure_callees: FxHashSet<(crate::profile::FamilyId, crate::ir::Name)>,
    /// Locks that callees of callees are unsure of.
    pub(super) unsure_inside: FxHashSet<(crate::profile::FamilyId, crate::ir::Name)>,
    pub(super) here: Location,
    pub(super) fresh_count: u16,
    pub(super) node: NodeId,
    /// What callers may want to know is kept to the exits: facts about parameters, which tell cases of the summary apart, and what
    /// was written behind them.
    pub(super) for_callers: bool,
    /// Events and exits are recorded (not while a path is replayed for feasibility only).
    pub(super) recording: bool,
    /// Locks that the body has promised something of.
    pub(super) dues: Vec<Due>,
}

impl<'a> LockAnalysis<'a> {
    /// Prepares the analysis of `body`.
    pub fn new(body: &'a Body, meanings: Meanings<'a>, for_callers: bool) -> Self {
        let mut analysis = LockAnalysis {
            body,
            profile: meanings.profile,
            meanings,
            relevance: Relevance::of(body, &meanings, for_callers),
            demands: Demands::default(),
            in_cycle: body.cfg.in_cycle(),
            terms: Terms::default(),
            spelling: FxHashMap::default(),
            events: Vec::new(),
            exits: Vec::new(),
            taken: FxHashSet::default(),
            taken_exclusively: FxHashSet::default(),
            taken_inside: Vec::new(),
            asserted: FxHashSet::default(),
            uncertain: FxHashSet::default(),
            unsure_callees: FxHashSet::default(),
            unsure_inside: FxHashSet::default(),
            here: Location { block: body.cfg.entry(), statement: 0 },
            fresh_count: 0,
            node: NodeId(0),
            for_callers,
            recording: true,
            dues: Vec::new(),
        };
        analysis.name_dues();
        analysis
    }

    /// The body.
    pub fn body(&self) -> &'a Body {
        self.body
    }

    /// Whether the function declares a lock contract, or is one that a row of the profile tells of.
    pub fn declares_contract(&self) -> bool {
        let changes = |effect: &CallEffect| {
            matches!(effect.effect, Effect::Acquire | Effect::TryAcquire(_) | Effect::Release)
        };
        let row = self.profile.calls.get(&self.body.name);
        row.is_some_and(|row| row.iter().any(changes))
            || self.body.returns == ReturnKind::Guard
            || self.body.annotations.iter().any(|a| self.profile.contract_words.contains_key(&a.name))
    }

    /// The profile.
    pub fn profile(&self) -> &'a Profile {
        self.profile
    }

    pub(super) fn record(&mut self, state: &PathState, key: LockKey, kind: EventKind) {
        if !self.recording {
            return;
        }
        let event = Event {
            kind,
            key,
            at: self.here,
            node: self.node,
            doubtful: state.doubtful,
            lent: state.is_lent(key),
        };
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Whether anything that `term` is made of is still of use at `block`.
    fn fact_matters(&self, term: TermId, block: BlockId, bound: &[TermId]) -> bool {
        self.demands.fact(&self.relevance, block, term)
            || bound.iter().any(|&value| self.terms.contains(value, term) || self.terms.contains(term, value))
    }

    /// Joins the values of an address that differ: a new value of which only what is true of both is known.
    fn phi(
        &mut self,
        old: &PathState,
        new: &PathState,
        joined: &mut PathState,
        block: BlockId,
        address: TermId,
    ) -> TermId {
        let (left, right) = (self.value_at(old, address), self.value_at(new, address));
        let signs = |state, value, firm_only| assume::signs(&self.terms, state, value, firm_only);
        let mut fact = Fact::presumed(
            signs(old, left, false).or(signs(new, right, false)),
            signs(old, left, true).or(signs(new, right, true)),
        );
        let constants =
            (assume::constant(&self.terms, old, left, true), assume::constant(&self.terms, new, right, true));
        if constants.0.is_some() && constants.0 == constants.1 {
            fact.equals = constants.0;
        }
        let value = self.fresh_at(joined, Site::Join(block, address));
        if !fact.is_any() {
            bind(&mut joined.facts, value, fact);
        }
        value
    }

    /// Whether `old` and `new` look alike to every test to come: same signs, and same small constants, of what is bound.
    fn similar(&mut self, old: &PathState, new: &PathState) -> bool {
        if old.doubtful != new.doubtful || old.store.len() != new.store.len() {
            return false;
        }
        for (&(address, left), &(other, right)) in old.store.iter().zip(&new.store) {
            if address != other {
                return false;
            }
            let signs = |state, value| assume::signs(&self.terms, state, value, false);
            if left != right && signs(old, left) != signs(new, right) {
                return false;
            }
            // Error codes are told apart by nobody here; other constants (states, modes) may be.
            let constant = |state, value| {
                assume::constant(&self.terms, state, value, false)
                    .filter(|_| !assume::signs(&self.terms, state, value, false).within(Signs::NEGATIVE))
            };
            if left != right && constant(old, left) != constant(new, right) {
                return false;
            }
        }
        self.told(old).eq(self.told(new))
    }

    /// The facts that tests to come may ask about by themselves.
    fn told<'s>(&'s self, state: &'s PathState) -> impl Iterator<Item = &'s (TermId, Fact)> {
        let told =
            |term: TermId| !matches!(self.terms.get(term), Term::Fresh(_) | Term::Older(_) | Term::Oldest(_));
        state.facts.iter().filter(move |(term, _)| told(*term))
    }
}

impl Analysis for LockAnalysis<'_> {
    type State = PathState;

    fn entry(&mut self) -> PathState {
        self.first_state()
    }

    fn enter(&mut self, node: NodeId) {
        self.node = node;
    }

    fn statement(&mut self, states: &mut Vec<PathState>, location: Location, statement: &Statement) {
        self.here = location;
        match &statement.kind {
            StatementKind::Assign { place, value } => {
                for state in states {
                    self.fresh_count = 0;
                    let steps = is_step(place, value);
                    let value = self.evaluate(state, value);
                    let value = self.widened(state, place, value, steps);
                    self.lend_stored(state, place, value);
                    self.write(state, place, value);
                }
            }
            StatementKind::Declare(place) => {
                for state in states {
                    self.fresh_count = 0;
                    self.declare(state, place);
                }
            }
            StatementKind::Call { place, callee, args, spelled } => {
                let mut out = Vec::with_capacity(states.len());
                for state in states.drain(..) {
                    self.fresh_count = 0;
                    self.call(state, place.as_ref(), callee, args, spelled, &mut out);
                }
                *states = out;
            }
            StatementKind::Opaque(_) => states.iter_mut().for_each(|state| self.disturb_memory(state)),
        }
    }

    fn edge(&mut self, mut state: PathState, edge: Edge<'_>, out: &mut Vec<PathState>) {
        let block = edge.source;
        self.here = Location { block, statement: self.body.cfg.block(block).statements.len() as u32 };
        self.fresh_count = 0;
        let possible = match (&self.body.cfg.block(block).terminator.kind, edge.kind) {
            (TerminatorKind::Branch(Predicate::Holds(condition)), kind) => {
                let value = self.evaluate(&mut state, condition);
                assume(&mut self.terms, &mut state, value, *kind == EdgeKind::True)
            }
            (TerminatorKind::Branch(Predicate::Configuration(name)), kind) => {
                let value = self.terms.intern(Term::Configuration(name.clone()));
                assume(&mut self.terms, &mut state, value, *kind == EdgeKind::True)
            }
            (TerminatorKind::Switch(scrutinee), EdgeKind::Case(low, None)) => {
                let value = self.evaluate(&mut state, scrutinee);
                let low = self.evaluate(&mut state, low);
                let equal = fold::binary(&mut self.terms, BinaryOp::Eq, value, low);
                assume(&mut self.terms, &mut state, equal, true)
            }
            (TerminatorKind::Switch(scrutinee), EdgeKind::Default) => {
                self.no_case(&mut state, block, scrutinee)
            }
            _ => true,
        };
        if possible {
            out.push(state);
        }
    }

    fn leave(&mut self, mut state: PathState, block: BlockId) {
        self.here = Location { block, statement: self.body.cfg.block(block).statements.len() as u32 };
        self.fresh_count = 0;
        let TerminatorKind::Return(value) = &self.body.cfg.block(block).terminator.kind else { return };
        let value = value.as_ref().map(|value| self.evaluate(&mut state, value));
        if !self.recording {
            return;
        }
        self.record_exits(state, block, value);
    }

    fn settle(&mut self, state: &mut PathState, block: BlockId) {
        self.demands.update(&self.terms, &self.relevance, self.for_callers);
        let (demands, relevance) = (&self.demands, &self.relevance);
        state.store.retain(|&(address, _)| demands.address(relevance, block, address));
        let bound: SmallVec<[TermId; 16]> = state.store.iter().map(|entry| entry.1).collect();
        let mut facts = std::mem::take(&mut state.facts);
        facts.retain(|(about, fact)| !fact.is_any() && self.fact_matters(*about, block, &bound));
        state.facts = facts;
        let (terms, relevance, keep) = (&self.terms, &self.relevance, self.for_callers);
        state.locks.retain(|key, lock| {
            let quiet = !keep && lock.balance() == 0 && matches!(lock.now, Now::Released | Now::Failed);
            let name = terms
                .last_name(key.address)
                .or_else(|| matches!(terms.get(key.address), Term::Int(_)).then(Name::default));
            !quiet || relevance.release_ahead(block, key.family, name)
        });
    }

    fn likeness(&self, state: &PathState, how: Merge) -> u64 {
        let mut hasher = FxHasher::default();
        state.locks.hash(&mut hasher);
        state.debts.hash(&mut hasher);
        if how == Merge::Similar {
            state.doubtful.hash(&mut hasher);
            state.store.iter().for_each(|(address, _)| address.hash(&mut hasher));
            self.told(state).for_each(|fact| fact.hash(&mut hasher));
        }
        hasher.finish()
    }

    fn merge(&mut self, old: &PathState, new: &PathState, block: BlockId, how: Merge) -> Option<PathState> {
        if old.locks != new.locks || old.debts != new.debts {
            return None;
        }
        if how == Merge::Similar && !self.similar(old, new) {
            return None;
        }
        let mut joined = PathState {
            locks: old.locks.clone(),
            debts: old.debts.clone(),
            lent: old.lent.clone(),
            doubtful: old.doubtful && new.doubtful,
            store: Vec::with_capacity(old.store.len()),
            facts: Vec::with_capacity(old.facts.len()),
        };
        for &key in &new.lent {
            if !joined.lent.contains(&key) {
                joined.lent.push(key);
            }
        }
        joined.lent.sort_unstable();
        for (about, left, right) in side_by_side(&old.facts, &new.facts) {
            let (Some(fact), Some(other)) = (left, right) else { continue };
            let both = fact.either(other);
            if !both.is_any() {
                joined.facts.push((about, both));
            }
        }
        let mut addresses: SmallVec<[TermId; 16]> = SmallVec::new();
        for (address, left, right) in side_by_side(&old.store, &new.store) {
            addresses.push(address);
            if let Some(&value) = left.filter(|_| left == right) {
                joined.store.push((address, value));
            }
        }
        // A value that is renamed on the way may take an address with it: what is missing is looked for anew.
        for address in addresses {
            if lookup(&joined.store, address).is_none() {
                let value = self.phi(old, new, &mut joined, block, address);
                bind(&mut joined.store, address, value);
            }
        }
        // Renaming an older value of the same join may have moved a lock's name: then the join says something else.
        (joined.locks == old.locks).then_some(joined)
    }
}

/// `n = n + 1`, `left = left - 100`
fn is_step(place: &Place, value: &Expr) -> bool {
    match value {
        Expr::Binary(BinaryOp::Add | BinaryOp::Sub, from, by) => {
            matches!((&**from, &**by), (Expr::Read(read), Expr::Int(_)) if read == place)
        }
        _ => false,
    }
}

impl LockAnalysis<'_> {
    /// The default edge: the scrutinee equals none of the cases.
    fn no_case(&mut self, state: &mut PathState, block: BlockId, scrutinee: &Expr) -> bool {
        let value = self.evaluate(state, scrutinee);
        for edge in self.body.cfg.successors(block) {
            if let EdgeKind::Case(low, None) = edge.kind {
                let low = self.evaluate(state, low);
                let equal = fold::binary(&mut self.terms, BinaryOp::Eq, value, low);
                if !assume(&mut self.terms, state, equal, false) {
                    return false;
                }
            }
        }
        true
    }

    /// The state of `key`, untouched when the path has not met it.
    pub(super) fn lock_state(&self, state: &PathState, key: LockKey) -> Option<LockState> {
        state.locks.get(key)
    }
}
