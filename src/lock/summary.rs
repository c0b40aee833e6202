//! What calling a function does to locks, in terms that its callers can use.
//!
//! A [`Summary`] is a list of [`Case`]s: "when these conditions on the arguments held, it returned a value of these signs
//! and changed these locks". This one shape covers hand-overs, conditional acquires, wrappers of trylock, and helpers
//! steered by a flag.

use super::analysis::LockAnalysis;
use super::assume;
use super::event::Exit;
use super::state::{Entry, LockKey, LockState, Now, Signs, lookup};
use super::terms::{Term, TermId};
use crate::ir::{LocalKind, Name, ReturnKind};
use crate::profile::FamilyId;

/// More cases than this are not told apart: the summary says "unknown".
const CASE_LIMIT: usize = 8;
/// Of more ways of ending than this, those that change the same locks are one whatever they tell.
const GATHER_LIMIT: usize = 48;
/// More memory than this that a call writes is not told of.
const STORE_LIMIT: usize = 12;

/// A value or address in terms of the call: arguments, globals, result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Argument `n`.
    Argument(usize),
    /// The returned value.
    Result,
    /// Address of a global.
    Global(Name),
    /// What memory holds there.
    Load(Box<Path>),
    /// Address of a member.
    Field(Box<Path>, Name),
    /// Address of an element.
    Index(Box<Path>, Box<Path>),
    /// Two terms that name one lock.
    Pair(Box<Path>, Box<Path>),
    /// A number.
    Int(i64),
    /// A named constant.
    Const(Name),
}

/// The change of one lock over a call.
#[derive(Clone, Debug, PartialEq)]
pub struct LockChange {
    /// Family.
    pub family: FamilyId,
    /// Which lock; `None` when it cannot be said in the caller's terms.
    pub path: Option<Path>,
    /// Its state at the exit.
    pub state: LockState,
    /// It was never taken for certain, only tried.
    pub attempt: bool,
}

/// One way a call can end.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Signs that values reached from the arguments had, and whether that was proved to the end or only presumed.
    pub conditions: Vec<(Path, Signs, bool)>,
    /// Signs of the result.
    pub result: Signs,
    /// The result, when it is one integer.
    pub value: Option<i64>,
    /// What the result stands for, when it is a guard: the address of its lock.
    pub gives: Option<Path>,
    /// What it holds at the end is held by a guard that it returns.
    pub by_guard: bool,
    /// Locks that changed.
    pub changes: Vec<LockChange>,
    /// What it left in memory that the arguments lead to, as far as callers can name it: `find->tree = tree`, `*locked = true`.
    pub stores: Vec<Store>,
}

/// What a call leaves at an address behind its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The address.
    pub address: Path,
    /// What memory holds there.
    pub value: Path,
    /// Proved at the exit; otherwise something happened since that may have changed it.
    pub firm: bool,
}

impl Case {
    /// Whether a caller can tell this way from `other`: by the result, or by what was so when it called.
    fn is_told_from(&self, other: &Case) -> bool {
        self.result != other.result || self.excludes(other)
    }

    /// Whether no call can end in both ways at once: by the result, or by what was so when it was made.
    fn excludes(&self, other: &Case) -> bool {
        let by_result = self.result.and(other.result) == Signs::NONE;
        let by_value = self.value.is_some() && other.value.is_some() && self.value != other.value;
        let by_condition = self.conditions.iter().any(|(path, signs, _)| {
            other.conditions.iter().any(|(same, others, _)| same == path && signs.and(*others) == Signs::NONE)
        });
        by_result || by_value || by_condition
    }

    /// What is true of both; they change the same locks.
    fn merged(&self, other: &Case) -> Case {
        let mut merged = self.clone();
        merged.result = merged.result.or(other.result);
        if merged.value != other.value {
            merged.value = None;
        }
        if merged.gives != other.gives {
            merged.gives = None;
        }
        merged.stores.retain(|store| other.stores.contains(store));
        merged.conditions.retain_mut(|(path, signs, firm)| {
            match other.conditions.iter().find(|(same, ..)| same == path) {
                Some((_, more, sure)) => {
                    *signs = signs.or(*more);
                    *firm &= sure;
                    *signs != Signs::ANY
                }
                None => false,
            }
        });
        merged
    }

    /// Nothing is known of it.
    fn unknown() -> Self {
        Case {
            conditions: Vec::new(),
            result: Signs::ANY,
            value: None,
            gives: None,
            by_guard: false,
            changes: Vec::new(),
            stores: Vec::new(),
        }
    }
}

/// What calling a function does.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The ways it ends; none when it never returns.
    pub cases: Vec<Case>,
    /// Locks that it takes and gives back inside: the caller must not hold them; `true` where it only ever reads.
    pub takes: Vec<(FamilyId, Path, bool)>,
    /// It answers whether this lock is held; `true` when a nonzero result says "held".
    pub query: Option<(FamilyId, Path, bool)>,
    /// Families that it touches in a way that could not be told: what callers seem to do to them is uncertain.
    pub uncertain: Vec<FamilyId>,
    /// Too many cases, or something undecided inside: nothing may be concluded from it.
    pub unknown: bool,
}

impl Summary {
    /// Whether a caller learns anything from it about locks.
    pub fn tells_something(&self) -> bool {
        self.never_returns()
            || self.query.is_some()
            || !self.takes.is_empty()
            || !self.uncertain.is_empty()
            || self.cases.iter().any(|case| !case.changes.is_empty())
    }

    /// Whether a call leaves some lock changed.
    pub fn changes_locks(&self) -> bool {
        self.cases.iter().any(|case| !case.changes.is_empty())
    }

    /// Families of the locks that a call leaves changed; a family may come more than once.
    pub fn changed_families(&self) -> impl Iterator<Item = FamilyId> + '_ {
        self.cases.iter().flat_map(|case| &case.changes).map(|change| change.family)
    }

    /// Whether a function that only calls this one has to be looked at for its sake.
    pub fn spreads(&self) -> bool {
        self.changes_locks() || !self.uncertain.is_empty()
    }

    /// Takes ways of ending, fewer than given: ways that change the same locks are one, unless that one could no longer be told from
    /// a way that changes others.
    fn gather(&mut self, cases: Vec<Case>) {
        let mut kept: Vec<Case> = Vec::new();
        let few = cases.len() <= GATHER_LIMIT;
        for (at, case) in cases.iter().enumerate() {
            let others = || kept.iter().chain(&cases[at + 1..]).filter(|other| other.changes != case.changes);
            let same = (0..kept.len()).find_map(|at| {
                let merged = (kept[at].changes == case.changes).then(|| kept[at].merged(case))?;
                let blurred = |other: &Case| {
                    !merged.excludes(other) && case.excludes(other) && kept[at].excludes(other)
                };
                (!few || !others().any(blurred)).then_some((at, merged))
            });
            match same {
                Some((at, merged)) => kept[at] = merged,
                None => kept.push(case.clone()),
            }
        }
        if kept.len() > CASE_LIMIT {
            let many = std::mem::take(&mut kept);
            for case in many {
                match kept.iter_mut().find(|other| other.changes == case.changes) {
                    Some(other) => *other = other.merged(&case),
                    None => kept.push(case),
                }
            }
        }
        self.cases = kept;
    }

    /// What no caller can tell is left out, and called uncertain.
    fn drop_indistinct(&mut self) {
        let families = indistinct(&self.cases);
        if families.is_empty() {
            return;
        }
        self.forget_changes(&families);
        self.uncertain.extend(families);
    }

    fn forget_changes(&mut self, families: &[FamilyId]) {
        let mut cases = std::mem::take(&mut self.cases);
        for case in &mut cases {
            case.changes.retain(|change| !families.contains(&change.family));
        }
        self.gather(cases);
    }

    /// What is left of it when its changes of the locks of `families` may not be relied on: callers are left as they were, and
    /// unsure.
    pub fn doubt(&mut self, families: &[FamilyId]) {
        let changed: Vec<FamilyId> =
            self.changed_families().filter(|family| families.contains(family)).collect();
        if changed.is_empty() {
            return;
        }
        self.forget_changes(families);
        self.uncertain.extend(changed);
        self.uncertain.sort_unstable();
        self.uncertain.dedup();
    }

    /// What is left of it when nothing in it may be relied on.
    pub fn forget(&mut self) {
        let changed = self.cases.iter().flat_map(|case| &case.changes).map(|change| change.family);
        self.uncertain.extend(changed);
        self.uncertain.sort_unstable();
        self.uncertain.dedup();
        self.cases = vec![Case::unknown()];
        self.takes.clear();
        self.query = None;
        self.unknown = true;
    }

    /// The summary of a name that may mean any of several definitions; `None` stands for one that does nothing to locks. Where
    /// they differ, nobody knows what happens to the families concerned.
    pub fn join(summaries: &[Option<&Summary>]) -> Option<Summary> {
        let telling: Vec<&Summary> =
            summaries.iter().flatten().copied().filter(|summary| summary.tells_something()).collect();
        let (&first, rest) = telling.split_first()?;
        if telling.len() == summaries.len() && rest.iter().all(|other| *other == first) {
            return Some(first.clone());
        }
        let mut joined = first.clone();
        for other in rest {
            joined.cases.extend(other.cases.iter().cloned());
            joined.uncertain.extend(other.uncertain.iter().copied());
        }
        joined.forget();
        Some(joined)
    }

    /// Whether no path comes back.
    pub fn never_returns(&self) -> bool {
        self.cases.is_empty() && !self.unknown
    }

    /// Names of the memory that its cases are told apart by.
    pub fn condition_names(&self) -> Vec<Name> {
        fn collect(path: &Path, names: &mut Vec<Name>) {
            match path {
                Path::Field(base, name) => {
                    names.push(name.clone());
                    collect(base, names);
                }
                Path::Global(name) => names.push(name.clone()),
                Path::Load(inner) => collect(inner, names),
                Path::Index(a, b) | Path::Pair(a, b) => {
                    collect(a, names);
                    collect(b, names);
                }
                Path::Argument(_) | Path::Result | Path::Int(_) | Path::Const(_) => {}
            }
        }
        let mut names = Vec::new();
        let paths = self.cases.iter().flat_map(|case| {
            let conditions = case.conditions.iter().map(|(path, ..)| path);
            conditions.chain(case.changes.iter().filter_map(|change| change.path.as_ref()))
        });
        paths.for_each(|path| collect(path, &mut names));
        names
    }

    /// Families and last member names of the locks that it releases.
    pub fn released_shapes(&self) -> Vec<(FamilyId, Option<Name>)> {
        let released = self.cases.iter().flat_map(|case| &case.changes);
        released
            .filter(|change| change.state.balance() < 0)
            .map(|change| (change.family, change.path.as_ref().and_then(last_name)))
            .collect()
    }
}

/// Families of locks whose change over a call a caller cannot tell: two cases differ in it, and neither arguments nor result say
/// which of them it was.
fn indistinct(cases: &[Case]) -> Vec<FamilyId> {
    let mut families = Vec::new();
    for (at, a) in cases.iter().enumerate() {
        for b in cases[at + 1..].iter().filter(|b| !a.is_told_from(b)) {
            let differing = a.changes.iter().filter(|change| !b.changes.contains(change));
            let differing = differing.chain(b.changes.iter().filter(|change| !a.changes.contains(change)));
            families.extend(differing.map(|change| change.family));
        }
    }
    families
}

fn last_name(path: &Path) -> Option<Name> {
    match path {
        Path::Field(_, name) | Path::Global(name) => Some(name.clone()),
        Path::Index(base, _) | Path::Pair(base, _) => last_name(base),
        _ => None,
    }
}

impl LockAnalysis<'_> {
    /// The summary of the analysed body, without the locks in `blamed`: what a finding was reported on is taken to be
    /// mended, or every caller would repeat it.
    pub fn summarise(&self, decided: bool, blamed: &dyn Fn(LockKey) -> bool) -> Summary {
        let mut summary = Summary {
            cases: Vec::new(),
            takes: self.takes(blamed),
            query: self.query(),
            uncertain: Vec::new(),
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

    /// A declared contract outweighs what was derived: of a function that says it acquires (or releases), the ways out that do not
    /// are none that a caller sees. `if (mine) { depth++; return; } lock(l);`
    fn keep_declared(&self, summary: &mut Summary) {
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

    fn case(&self, exit: &Exit, blamed: &dyn Fn(LockKey) -> bool) -> Case {
        let mut changes = Vec::new();
        let guards = self.body().returns == ReturnKind::Guard;
        let gives = exit.name.filter(|_| guards).and_then(|value| self.path(value, None));
        let gives = gives.filter(|path| !matches!(path, Path::Int(_)));
        let name = exit.name.filter(|_| gives.is_none());
        for (key, state) in exit.state.locks.iter() {
            let returned = exit.name.filter(|&value| self.terms.contains(key.address, value));
            let local = self.roots_in_local(key.address) && returned.is_none();
            if state.balance() == 0 || blamed(key) || local {
                continue;
            }
            changes.push(LockChange {
                family: key.family,
                path: self.path(key.address, name),
                state,
                attempt: !self.taken.contains(&key),
            });
        }
        let conditions = exit.state.facts.iter().filter(|(_, fact)| fact.signs != Signs::ANY);
        let conditions = conditions
            .filter_map(|(about, fact)| Some((self.path(*about, None)?, fact.signs, fact.firm)))
            .filter(|(path, ..)| !matches!(path, Path::Global(_)) && !self.is_written(path))
            .collect();
        let (result, value) = match exit.value {
            None => (Signs::ANY, None),
            Some(value) => {
                let constant = assume::constant(&self.terms, &exit.state, value, true);
                let number = constant.and_then(|term| match self.terms.get(term) {
                    Term::Int(number) => Some(*number),
                    _ => None,
                });
                (assume::signs(&self.terms, &exit.state, value, true), number)
            }
        };
        let stores = self.stores(exit);
        Case { conditions, result, value, gives, by_guard: guards, changes, stores }
    }

    /// Memory behind the arguments that this way of ending wrote, and what: another argument, something reached from one, a number.
    fn stores(&self, exit: &Exit) -> Vec<Store> {
        let behind_argument =
            |address: TermId| matches!(self.terms.get(self.terms.root(address)), Term::Input(_));
        let mut stores = Vec::new();
        for &(address, value) in exit.state.store.iter().filter(|(address, _)| behind_argument(*address)) {
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
    fn is_written(&self, path: &Path) -> bool {
        let Path::Load(address) = path else { return false };
        match &**address {
            Path::Field(_, name) => self.relevance.writes_member(name),
            Path::Argument(n) => self.relevance.writes_behind(*n),
            _ => false,
        }
    }

    fn roots_in_local(&self, address: TermId) -> bool {
        match self.terms.get(address) {
            Term::Local(id) => self.body.local(*id).kind != LocalKind::Static,
            Term::Field(base, _) | Term::Index(base, _) => self.roots_in_local(*base),
            _ => false,
        }
    }

    /// Locks that every exit leaves as they were but that were taken on the way.
    fn takes(&self, blamed: &dyn Fn(LockKey) -> bool) -> Vec<(FamilyId, Path, bool)> {
        let mut takes = Vec::new();
        for &key in &self.taken {
            let family = self.profile.family(key.family);
            let balance = self.balance(key, true);
            let even = balance.held.is_empty() && balance.released.is_empty();
            if family.nests || !even || blamed(key) || self.roots_in_local(key.address) {
                continue;
            }
            if let Some(path) = self.path(key.address, None)
                && !takes.iter().any(|(family, known, _)| *family == key.family && *known == path)
            {
                takes.push((key.family, path, !self.taken_exclusively.contains(&key)));
            }
        }
        takes
    }

    /// `static bool held(p) { return PageLocked(p); }`
    fn query(&self) -> Option<(FamilyId, Path, bool)> {
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

    fn path(&self, term: TermId, result: Option<TermId>) -> Option<Path> {
        if result == Some(term) && !matches!(self.terms.get(term), Term::Input(_) | Term::Int(_)) {
            return Some(Path::Result);
        }
        let boxed = |inner: TermId| self.path(inner, result).map(Box::new);
        Some(match self.terms.get(term) {
            Term::Int(value) => Path::Int(*value),
            Term::Const(name) => Path::Const(name.clone()),
            Term::Input(id) => Path::Argument(id.0 as usize),
            Term::Global(name) => Path::Global(name.clone()),
            Term::Load(address) => Path::Load(boxed(*address)?),
            Term::Old(inner) if !self.terms.reads_memory(term) => return self.path(*inner, result),
            Term::Field(base, name) => Path::Field(boxed(*base)?, name.clone()),
            Term::Index(base, index) => Path::Index(boxed(*base)?, boxed(*index)?),
            Term::Pair(a, b) => Path::Pair(boxed(*a)?, boxed(*b)?),
            Term::Str
            | Term::Local(_)
            | Term::Old(_)
            | Term::Fresh(_)
            | Term::Older(_)
            | Term::Oldest(_)
            | Term::Unary(..)
            | Term::Binary(..)
            | Term::Call(..)
            | Term::Query(..)
            | Term::Configuration(_) => return None,
        })
    }

    /// The term for `path` at a call with `args`.
    pub(super) fn instantiate(
        &mut self,
        state: &super::state::PathState,
        path: &Path,
        args: &[TermId],
        result: TermId,
    ) -> Option<TermId> {
        Some(match path {
            Path::Argument(n) => *args.get(*n)?,
            Path::Result => result,
            Path::Global(name) => self.terms.intern(Term::Global(name.clone())),
            Path::Load(inner) => {
                let address = self.instantiate(state, inner, args, result)?;
                self.value_at(state, address)
            }
            Path::Field(base, name) => {
                let base = self.instantiate(state, base, args, result)?;
                self.terms.field(base, name.clone())
            }
            Path::Index(base, index) => {
                let base = self.instantiate(state, base, args, result)?;
                let index = self.instantiate(state, index, args, result)?;
                self.terms.intern(Term::Index(base, index))
            }
            Path::Pair(a, b) => {
                let a = self.instantiate(state, a, args, result)?;
                let b = self.instantiate(state, b, args, result)?;
                self.terms.intern(Term::Pair(a, b))
            }
            Path::Int(value) => self.terms.int(*value),
            Path::Const(name) => self.terms.intern(Term::Const(name.clone())),
        })
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

/// The state of a lock that a callee changed, for a caller that has not touched it.
pub(super) fn changed(change: &LockChange) -> LockState {
    LockState {
        entry: if change.state.entry == Entry::Unknown { Entry::Free } else { change.state.entry },
        now: change.state.now,
    }
}

/// The state without what only the callee knew.
pub(super) fn without_saved(now: Now) -> Now {
    match now {
        Now::Held { depth, mode, .. } => Now::Held { depth, mode, saved: None },
        other => other,
    }
}
