//! What the body under analysis has promised: where it starts from, what its exits must show, and whether they do.
//!
//! A lock that a contract says is held on entry is in the first state of every path, so that "released exactly once" is asked of it
//! as of one that the body took itself: `releases(p)` is broken by an exit that still holds it, and by one that has taken it again.

use super::analysis::LockAnalysis;
use super::assume;
use super::contract::Term as Promised;
use super::event::{Exit, ExitKind};
use super::meaning::Meanings;
use super::path::Path;
use super::state::{Entry, LockKey, LockState, Now, PathState, Signs};
use super::terms::{Term, TermId};
use crate::engine::{DisjunctLimit, explore};
use crate::ir::{Body, Expr, Name, Place};
use crate::profile::{Context, LockMode};

/// Who says what the body promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredBy {
    /// The slot that it is put into: `row.action`.
    Slot(Name),
    /// Nobody; all others in this slot do so.
    Siblings(Name),
    /// A comment at the function.
    Comment,
    /// An annotation at the function, or several.
    Annotation {
        /// As written.
        word: Name,
        /// Kinds of exits at which it is not meant: their results tell callers that it was not kept.
        loose: Vec<ExitKind>,
    },
}

/// A promise that the body under analysis must keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Obligation {
    /// What, in terms of the body's arguments.
    pub term: Promised,
    /// Who says so.
    pub by: DeclaredBy,
}

/// Whether the exits keep a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Every one of them does.
    Yes,
    /// These do not.
    No(Vec<usize>),
    /// Only exits do not that rest on a presumption.
    Presumably,
    /// It hangs on what a callee out of sight did that the lock was given to.
    HandedOn,
    /// It hangs on a result that is not told.
    Untold,
}

/// An obligation whose lock has a name in the body.
#[derive(Clone, Debug)]
pub(super) struct Due {
    at: usize,
    key: LockKey,
}

/// The same obligations, each with one family and one address: of several that may be meant, those that the body itself deals with.
pub fn narrowed<'a>(body: &'a Body, meanings: Meanings<'a>, obligations: Vec<Obligation>) -> Vec<Obligation> {
    let clear =
        |obligation: &Obligation| obligation.term.families.len() == 1 && obligation.term.paths.len() == 1;
    if obligations.iter().all(clear) {
        return obligations;
    }
    let mut analysis = LockAnalysis::new(body, meanings, false);
    explore(&body.cfg, &mut analysis, DisjunctLimit::default());
    let keys = analysis.keys();
    let mut narrow = |mut obligation: Obligation| {
        let term = &mut obligation.term;
        let met = term.paths.iter().find_map(|path| {
            let address = analysis.on_entry(path)?;
            let fits = |key: &&LockKey| {
                key.address == address && (term.families.is_empty() || term.families.contains(&key.family))
            };
            keys.iter().find(fits).map(|key| (key.family, path.clone()))
        });
        match met {
            Some((family, path)) => (term.families, term.paths) = (vec![family], vec![path]),
            None => {
                term.families.truncate(1);
                term.paths.truncate(1);
            }
        }
        obligation
    };
    obligations.into_iter().map(&mut narrow).collect()
}

impl LockAnalysis<'_> {
    /// What the body has promised.
    pub fn obligations(&self) -> &[Obligation] {
        self.meanings.contract
    }

    /// The lock that obligation `at` is about; `None` when it has no name in the body.
    pub fn owed(&self, at: usize) -> Option<LockKey> {
        self.dues.iter().find(|due| due.at == at).map(|due| due.key)
    }

    /// Whether `key` is a lock that something is promised of.
    pub fn is_owed(&self, key: LockKey) -> bool {
        self.dues.iter().any(|due| due.key == key)
    }

    /// The address that `path` names when the body is entered.
    pub(super) fn on_entry(&mut self, path: &Path) -> Option<TermId> {
        let mut state = PathState::default();
        let read = |id| Expr::Read(Place::local(id));
        let values: Vec<TermId> =
            self.body.parameter_ids().map(|id| self.evaluate(&mut state, &read(id))).collect();
        if *path.root() == Path::Result {
            return None;
        }
        let zero = self.terms.int(0);
        let address = self.instantiate(&state, path, &values, zero)?;
        Some(self.terms.canonical(address))
    }

    /// Gives each promised lock its name.
    pub(super) fn name_dues(&mut self) {
        // A parameter without a name is called by its number.
        let name = |id: crate::ir::LocalId| match self.body.local(id).name.as_str() {
            "" | "_" => Name::new(format!("arg{}", id.0)),
            name => Name::new(name),
        };
        let names: Vec<Name> = self.body.parameter_ids().map(name).collect();
        for (at, obligation) in self.meanings.contract.iter().enumerate() {
            let ([family], [path]) = (obligation.term.families.as_slice(), obligation.term.paths.as_slice())
            else {
                continue;
            };
            let Some(address) = self.on_entry(path) else { continue };
            let key = LockKey { family: *family, address };
            self.spell(key, path, &names);
            self.dues.push(Due { at, key });
        }
    }

    /// The state that every path starts from.
    pub(super) fn first_state(&self) -> PathState {
        let mut state = PathState::default();
        for due in &self.dues {
            let term = &self.meanings.contract[due.at].term;
            if term.promise.is_held_on_entry() {
                let mode = LockMode { sharing: term.sharing, context: Context::Any };
                let now = Now::Held { depth: 1, mode, saved: None };
                state.locks.set(due.key, LockState { entry: Entry::Held, now });
            }
        }
        state
    }

    /// How many times more `key` must be held on leaving with `value` than on entry; `None` when that cannot be told.
    pub(super) fn due_balance(&self, key: LockKey, state: &PathState, value: Option<TermId>) -> Option<i32> {
        let (signs, number) = match value {
            None => (Signs::ANY, None),
            Some(value) => {
                let constant = assume::constant(&self.terms, state, value, true);
                let number = constant.and_then(|term| match self.terms.get(term) {
                    Term::Int(number) => Some(*number),
                    _ => None,
                });
                (assume::signs(&self.terms, state, value, true), number)
            }
        };
        let promised = self.dues.iter().filter(|due| due.key == key);
        let kind = self.exit_kind(state, value);
        let not_meant = |due: &Due| match &self.meanings.contract[due.at].by {
            DeclaredBy::Annotation { loose, .. } => loose.contains(&kind),
            DeclaredBy::Slot(_) | DeclaredBy::Siblings(_) | DeclaredBy::Comment => false,
        };
        if promised.clone().any(not_meant) {
            return None;
        }
        let mut balances = promised.map(|due| self.meanings.contract[due.at].term.balance_at(signs, number));
        let first = balances.next().unwrap_or(Some(0))?;
        // Promised at one result and at another: at most one of them is met.
        balances.try_fold(first, |sum, balance| balance.map(|balance| sum + balance))
    }

    /// Whether what the body has promised hangs on what it returns.
    pub(super) fn owes_by_result(&self) -> bool {
        self.dues.iter().any(|due| self.meanings.contract[due.at].term.on.is_some())
    }

    /// `state`, once for each kind of result that promises tell apart and that `value` may be.
    pub(super) fn by_promise(&mut self, state: PathState, value: TermId) -> Vec<PathState> {
        let contract = self.meanings.contract;
        let mut sides = vec![state];
        for on in self.dues.clone().iter().filter_map(|due| contract[due.at].term.on.as_ref()) {
            let mut next = Vec::new();
            for side in sides {
                // One number among many of its sign is not told apart by signs.
                if on.value.is_some_and(|value| value != 0) {
                    next.push(side);
                    continue;
                }
                for signs in [on.signs, on.signs.complement()] {
                    let mut half = side.clone();
                    if assume::constrain(&mut self.terms, &mut half, value, signs) {
                        next.push(half);
                    }
                }
            }
            sides = next;
        }
        sides
    }

    /// Whether exit `at` is one of several that one return stands for: its result is not told, so it may be this.
    pub fn is_one_of_several(&self, at: usize) -> bool {
        self.exits.iter().filter(|exit| exit.node == self.exits[at].node).count() > 1
    }

    fn is_handed_on(&self, key: LockKey, state: &PathState) -> bool {
        state.locks.get(key).is_some_and(|lock| lock.now == Now::Transferred)
    }

    /// Whether `state` may leave with `value`, as far as `key` is concerned; `None` when that cannot be told.
    pub(super) fn leaves_as_due(
        &self,
        key: LockKey,
        state: &PathState,
        value: Option<TermId>,
    ) -> Option<bool> {
        if self.is_handed_on(key, state) && self.is_owed(key) {
            return None;
        }
        // Behind a null pointer there is no lock that anything could be owed of.
        if self.leads_through_null(key, state) {
            return Some(true);
        }
        let balance = state.locks.get(key).map_or(0, |lock| lock.balance());
        self.due_balance(key, state, value).map(|due| due == balance)
    }

    /// Whether a pointer on the way to `key` is null on this path.
    fn leads_through_null(&self, key: LockKey, state: &PathState) -> bool {
        let pointers = self
            .terms
            .parts(key.address)
            .iter()
            .filter(|&&part| matches!(self.terms.get(part), Term::Load(_)));
        pointers.into_iter().any(|&pointer| assume::signs(&self.terms, state, pointer, true) == Signs::ZERO)
    }

    /// Whether the exits keep what is promised of `key`; `None` when nothing is.
    pub fn kept(&self, key: LockKey) -> Option<Kept> {
        if !self.is_owed(key) {
            return None;
        }
        let as_due = |exit: &Exit| self.leaves_as_due(key, &exit.state, exit.value);
        let all = || self.exits.iter().enumerate().map(|(at, exit)| (at, exit, as_due(exit)));
        let breaking: Vec<usize> = all()
            .filter(|(_, exit, kept)| *kept == Some(false) && !exit.state.doubtful)
            .map(|(at, ..)| at)
            .collect();
        Some(if !breaking.is_empty() {
            Kept::No(breaking)
        } else if all().any(|(_, exit, kept)| kept.is_none() && self.is_handed_on(key, &exit.state)) {
            Kept::HandedOn
        } else if all().any(|(.., kept)| kept.is_none()) {
            Kept::Untold
        } else if all().any(|(.., kept)| kept == Some(false)) {
            Kept::Presumably
        } else {
            Kept::Yes
        })
    }

    /// How many times more `key` is held at the exit than on entry, and how many times it should be.
    pub fn left_and_due(&self, key: LockKey, exit: usize) -> (i32, i32) {
        let exit = &self.exits[exit];
        let left = exit.state.locks.get(key).map_or(0, |lock| lock.balance());
        (left, self.due_balance(key, &exit.state, exit.value).unwrap_or(left))
    }

    /// The state in which a caller finds `key` when what was promised of it is kept at `exit`.
    pub(super) fn as_promised(&self, key: LockKey, exit: &Exit) -> Option<LockState> {
        match self.due_balance(key, &exit.state, exit.value)? {
            -1 => Some(LockState { entry: Entry::Held, now: Now::Released }),
            1 => {
                let sharing = self
                    .dues
                    .iter()
                    .find(|due| due.key == key)
                    .map(|due| self.meanings.contract[due.at].term.sharing)?;
                let mode = LockMode { sharing, context: Context::Any };
                Some(LockState { entry: Entry::Free, now: Now::Held { depth: 1, mode, saved: None } })
            }
            _ => None,
        }
    }

    /// Locks that something is promised of.
    pub(super) fn owed_keys(&self) -> impl Iterator<Item = LockKey> + '_ {
        self.dues.iter().map(|due| due.key)
    }
}
