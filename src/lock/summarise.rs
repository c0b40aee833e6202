//! The summary of an analysed body.

use super::analysis::LockAnalysis;
use super::assume;
use super::event::{EventKind, Exit, ExitKind};
use super::path::Path;
use super::state::{Entry, LockKey, LockState, Now, Signs, lookup};
use super::summary::{CASE_LIMIT, Case, LockChange, Retaken, Store, Summary, Want};
use super::terms::{Term, TermId};
use crate::ir::{LocalKind, Name, ReturnKind, UnaryOp};
use crate::profile::{Context, FamilyId};

/// More memory than this that a call writes is not told of.
const STORE_LIMIT: usize = 12;

impl LockAnalysis<'_> {
    /// The summary of the analysed body, without the locks in `blamed`: what a finding was reported on is taken to be
    /// mended, or every caller would repeat it.
    pub fn summarise(&self, decided: bool, blamed: &dyn Fn(LockKey) -> bool) -> Summary {
        let mut summary = Summary {
            cases: Vec::new(),
            takes: self.takes(blamed),
            wants: self.asserted_wants(),
            query: self.query(),
            uncertain: Vec::new(),
            unsure: Vec::new(),
            unsure_inside: self.unsure_inside(),
            unknown: !decided,
        };
        let sure = self.exits.iter().any(|exit| !exit.state.doubtful);
        let exits = self.exits.iter().filter(|exit| !sure || !exit.state.doubtful);
        summary.gather(exits.map(|exit| self.case(exit, blamed)).collect());
        self.keep_declared(&mut summary);
        if summary.cases.len() == 1 {
            summary.cases[0].conditions.clear();
        }
        summary.drop_indistinct();
        if !summary.changes_locks() {
            summary.cases.iter_mut().for_each(|case| case.stores.clear());
        }
        if summary.cases.len() > CASE_LIMIT {
            summary.cases = vec![Case::unknown()];
            summary.unknown = true;
        }
        if summary.unknown {
            let families: std::collections::BTreeSet<FamilyId> =
                self.events.iter().map(|event| event.key.family).collect();
            summary.uncertain = families.into_iter().collect();
        }
        summary.uncertain.sort_unstable();
        summary.uncertain.dedup();
        summary
    }

    fn unsure_inside(&self) -> Vec<(FamilyId, Name)> {
        let own = |family: FamilyId| self.events.iter().any(|event| event.key.family == family);
        let mut locks: Vec<_> =
            self.unsure_callees.iter().filter(|(family, _)| !own(*family)).cloned().collect();
        locks.sort_unstable();
        locks
    }

    /// A declared contract outweighs what was derived: of a function that says it acquires (or releases), the ways out that do not
    /// are none that a caller sees. `if (mine) { depth++; return; } lock(l);`
    pub(super) fn keep_declared(&self, summary: &mut Summary) {
        let declares = |word: &str| self.body().annotations.iter().any(|a| a.name.ends_with(word));
        let (acquires, releases) = (declares("acquires"), declares("releases"));
        if acquires == releases || self.body().annotations.iter().any(|a| a.name.contains("cond_")) {
            return;
        }
        let kept = |case: &Case| case.changes.iter().any(|change| (change.state.balance() > 0) == acquires);
        let (sure, others): (Vec<Case>, Vec<Case>) = summary.cases.drain(..).partition(kept);
        let told = others.into_iter().filter(|case| sure.iter().all(|kept| case.is_told_from(kept)));
        summary.cases = told.collect();
        summary.cases.splice(0..0, sure);
    }

    pub(super) fn case(&self, exit: &Exit, blamed: &dyn Fn(LockKey) -> bool) -> Case {
        let mut changes = Vec::new();
        let guards = self.body().returns == ReturnKind::Guard;
        let gives = exit.name.filter(|_| guards).and_then(|value| self.path(value, None));
        let gives = gives.filter(|path| !matches!(path, Path::Int(_)));
        let name = exit.name.filter(|_| gives.is_none());
        // Who is given the saved state of interrupts releases in its own way what came with it.
        let saved_goes_along = exit
            .state
            .debts
            .iter()
            .any(|debt| debt.open && debt.saved.is_some_and(|saved| self.hands_on(exit, saved)));
        for (key, mut state) in exit.state.locks.iter() {
            if let (Now::Held { mode, .. }, true) = (&mut state.now, saved_goes_along) {
                mode.context = Context::Any;
            }
            let returned = exit.name.filter(|&value| self.terms.contains(key.address, value));
            let local = self.roots_in_local(key.address) && returned.is_none();
            if state.balance() == 0 || blamed(key) || local {
                continue;
            }
            changes.push(LockChange {
                family: key.family,
                path: self.path(key.address, name).or_else(|| self.left_path(exit, key.address)),
                state,
                attempt: !self.taken.contains(&key),
                leaves: self.left_with(key),
            });
        }
        // Of a promise that is broken callers see what was promised.
        for key in self.owed_keys().filter(|&key| blamed(key)) {
            if let Some(state) = self.as_promised(key, exit) {
                let path = self.path(key.address, None);
                let leaves = self.left_with(key);
                changes.push(LockChange { family: key.family, path, state, attempt: false, leaves });
            }
        }
        let conditions = exit.state.facts.iter().filter(|(_, fact)| fact.signs != Signs::ANY);
        let conditions = conditions
            .filter_map(|(about, fact)| Some((self.path(*about, None)?, fact.signs, fact.firm)))
            .filter(|(path, ..)| {
                !matches!(path, Path::Global(_) | Path::Static(..)) && !self.is_written(path)
            })
            .collect();
        let (result, value, code) = match exit.value {
            None => (Signs::ANY, None, None),
            Some(value) => {
                let constant = assume::constant(&self.terms, &exit.state, value, true);
                let number = constant.and_then(|term| match self.terms.get(term) {
                    Term::Int(number) => Some(*number),
                    _ => None,
                });
                let signs = assume::signs(&self.terms, &exit.state, value, true);
                let valid = self.is_valid_pointer(signs, !changes.is_empty());
                let code = constant.and_then(|term| self.code(term));
                (if valid { Signs::POSITIVE } else { signs }, number, code)
            }
        };
        let stores = self.stores(exit);
        let retaken = self.retaken(exit, blamed);
        Case { conditions, result, value, code, gives, by_guard: guards, changes, retaken, stores }
    }

    /// The path to what lies in an object that is left behind an argument: `desc->clock = clock;` with `clock->lock` held.
    fn left_path(&self, exit: &Exit, address: TermId) -> Option<Path> {
        let behind_argument =
            |place: TermId| matches!(self.terms.get(self.terms.root(place)), Term::Input(_));
        exit.state.store.iter().find_map(|&(place, value)| {
            let value = self.terms.without_age(value);
            let number = matches!(self.terms.get(value), Term::Int(_) | Term::Const(_));
            if number || !behind_argument(place) || !self.terms.contains(address, value) {
                return None;
            }
            let place = self.path(place, None)?;
            Some(self.path(address, Some(value))?.instead_of_result(&Path::Load(Box::new(place))))
        })
    }

    /// The context that every release of `key` leaves too.
    fn left_with(&self, key: LockKey) -> Context {
        let mut contexts =
            self.events.iter().filter(|event| event.key == key).filter_map(|event| match event.kind {
                EventKind::Released { context, .. } => Some(context),
                _ => None,
            });
        match contexts.next() {
            Some(first) if contexts.all(|other| other == first) => first,
            _ => Context::Any,
        }
    }

    /// Locks of the caller's that the body itself has dropped and taken again before this exit.
    fn retaken(&self, exit: &Exit, blamed: &dyn Fn(LockKey) -> bool) -> Vec<Retaken> {
        let as_before = exit.state.locks.iter().filter(|(_, state)| state.balance() == 0);
        let held = as_before.filter_map(|(key, LockState { entry, now })| match now {
            Now::Held { mode, .. } if entry == Entry::Held => Some((key, mode.sharing)),
            _ => None,
        });
        let retaken = held.filter(|(key, _)| !blamed(*key) && self.is_retaken(*key));
        let named = retaken.filter_map(|(key, sharing)| {
            Some(Retaken { family: key.family, path: self.path(key.address, None)?, sharing })
        });
        named.collect()
    }

    fn is_retaken(&self, key: LockKey) -> bool {
        let happens = |kind: fn(&EventKind) -> bool| {
            self.events.iter().any(|event| event.key == key && kind(&event.kind))
        };
        happens(|kind| matches!(kind, EventKind::Acquired { .. }))
            && happens(|kind| matches!(kind, EventKind::Released { .. }))
    }

    /// `EAGAIN`, of `-EAGAIN`; `RESUME_GUEST` as it is.
    fn code(&self, term: TermId) -> Option<(Name, bool)> {
        let (term, negated) = match *self.terms.get(term) {
            Term::Unary(UnaryOp::Neg, inner) => (inner, true),
            _ => (term, false),
        };
        match self.terms.get(term) {
            Term::Const(name) => Some((name.clone(), negated)),
            _ => None,
        }
    }

    /// Whether a returned value of these signs is presumably a valid pointer: who asks whether it is null takes it to be valid
    /// otherwise, and so does whoever returns it locked where other ways out return null or an error.
    fn is_valid_pointer(&self, signs: Signs, locked: bool) -> bool {
        let pointer = self.body.returns == ReturnKind::Pointer;
        let none_elsewhere =
            || self.exits.iter().any(|exit| matches!(exit.kind, ExitKind::Null | ExitKind::ErrorPointer));
        pointer
            && (signs == Signs::NONZERO
                || locked && signs.and(Signs::POSITIVE) != Signs::NONE && none_elsewhere())
    }

    /// Memory behind the arguments that this way of ending wrote, and what: another argument, something reached from one, a number.
    pub(super) fn stores(&self, exit: &Exit) -> Vec<Store> {
        let behind_argument =
            |address: TermId| matches!(self.terms.get(self.terms.root(address)), Term::Input(_));
        let behind_global = |address: TermId| {
            let root = self.terms.get(self.terms.root(address));
            matches!(root, Term::Global(_)) || matches!(root, Term::Call(_, given) if given.is_empty())
        };
        let mut stores = Vec::new();
        let told = |&&(address, value): &&(TermId, TermId)| {
            let number = matches!(self.terms.get(self.terms.without_age(value)), Term::Int(_));
            behind_argument(address) || number && behind_global(address)
        };
        for &(address, value) in exit.state.store.iter().filter(told) {
            // What a cell only presumably still holds.
            let presumed = match *self.terms.get(value) {
                Term::Old(kept) if self.terms.reads_memory(value) => Some(kept),
                _ => None,
            };
            let value = self.path(presumed.unwrap_or(value), exit.name);
            if let (Some(address), Some(value)) = (self.path(address, None), value)
                && !matches!(value, Path::Const(_))
            {
                stores.push(Store { address, value, firm: presumed.is_none() });
            }
        }
        for (about, fact) in &exit.state.facts {
            if let Term::Load(address) = *self.terms.get(*about)
                && behind_argument(address)
                && let Some(Term::Int(number)) = fact.equals.map(|value| self.terms.get(value))
                && let Some(address) = self.path(address, None)
            {
                stores.push(Store { address, value: Path::Int(*number), firm: fact.firm });
            }
        }
        stores.truncate(STORE_LIMIT);
        stores
    }

    /// Whether the body writes the memory that `path` reads: what is known of it at the end says nothing of the beginning.
    pub(super) fn is_written(&self, path: &Path) -> bool {
        let Path::Load(address) = path else { return false };
        match &**address {
            Path::Field(_, name) => self.relevance.writes_member(name),
            Path::Argument(n) => self.relevance.writes_behind(*n),
            _ => false,
        }
    }

    /// Whether the lock lies in a local variable.
    pub fn roots_in_local(&self, address: TermId) -> bool {
        match self.terms.get(address) {
            Term::Local(id) => self.body.local(*id).kind != LocalKind::Static,
            Term::Field(base, _) | Term::Index(base, _) => self.roots_in_local(*base),
            _ => false,
        }
    }

    /// Locks that the body asserts to be held whichever way it goes.
    fn asserted_wants(&self) -> Vec<Want> {
        let mut wants: Vec<Want> = Vec::new();
        let mut asserted: Vec<LockKey> = self.asserted.iter().copied().collect();
        asserted.sort_unstable();
        for key in asserted {
            let mut sure = self.exits.iter().filter(|exit| !exit.state.doubtful).peekable();
            let everywhere = sure.peek().is_some()
                && sure.all(|exit| exit.state.locks.get(key).is_some_and(|lock| lock.entry == Entry::Held));
            let Some(path) = self.path(key.address, None).filter(|_| everywhere) else { continue };
            if !matches!(path.root(), Path::Argument(_) | Path::Global(_) | Path::Static(..)) {
                continue;
            }
            let reported = self.profile.family(key.family).reported;
            let families = if reported { vec![key.family] } else { Vec::new() };
            let word = Name::new("an assertion");
            wants.push(Want { families, paths: vec![path], held: true, word });
        }
        wants
    }

    /// `static bool held(p) { return PageLocked(p); }`
    pub(super) fn query(&self) -> Option<(FamilyId, Path, bool)> {
        let mut answer = None;
        for exit in &self.exits {
            let mut value = exit.value?;
            let mut positive = true;
            while let Term::Unary(crate::ir::UnaryOp::Not, inner) = *self.terms.get(value) {
                value = inner;
                positive = !positive;
            }
            let Term::Query(family, address) = *self.terms.get(value) else { return None };
            let this = (family, self.path(address, None)?, positive);
            if answer.get_or_insert_with(|| this.clone()) != &this {
                return None;
            }
        }
        answer
    }

    /// Whether `state` tells of a lock query on `key`: the answer it was given.
    pub(super) fn query_answer(&mut self, state: &super::state::PathState, key: LockKey) -> Option<bool> {
        let query = self.terms.intern(Term::Query(key.family, key.address));
        let fact = lookup(&state.facts, query)?;
        if fact.signs.within(Signs::NONZERO) {
            Some(true)
        } else if fact.signs == Signs::ZERO {
            Some(false)
        } else {
            None
        }
    }
}
