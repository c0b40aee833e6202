//! What calling a function does to locks, in terms that its callers can use.
//!
//! A [`Summary`] is a list of [`Case`]s: "when these conditions on the arguments held, it returned a value of these signs
//! and changed these locks". This one shape covers hand-overs, conditional acquires, wrappers of trylock, and helpers
//! steered by a flag.

use super::path::{Path, last_name};
use super::state::{Entry, LockState, Now, Signs};
use super::takes::Take;
use crate::ir::Name;
use crate::profile::{Context, FamilyId, LockMode, Profile, Sharing};

/// More cases than this are not told apart: the summary says "unknown".
pub(super) const CASE_LIMIT: usize = 8;
/// Of more ways of ending than this, those that change the same locks are one whatever they tell.
const GATHER_LIMIT: usize = 48;

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
    /// What its release leaves besides, the same wherever that is.
    pub leaves: Context,
}

/// A lock that a call leaves held as it found it, though perhaps held in another way.
#[derive(Clone, Debug, PartialEq)]
pub struct Retaken {
    /// Family.
    pub family: FamilyId,
    /// Which lock.
    pub path: Path,
    /// How it is held now.
    pub sharing: Sharing,
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
    /// The result, when it is one constant that the text calls by its name, and whether negated: `EAGAIN`, for the result is `-EAGAIN`.
    pub code: Option<(Name, bool)>,
    /// What the result stands for, when it is a guard: the address of its lock.
    pub gives: Option<Path>,
    /// What it holds at the end is held by a guard that it returns.
    pub by_guard: bool,
    /// Locks that changed.
    pub changes: Vec<LockChange>,
    /// Locks of the caller's that it dropped and holds again, and how: `up_read(l); down_write(l);`
    pub retaken: Vec<Retaken>,
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
    pub(super) fn is_told_from(&self, other: &Case) -> bool {
        self.result != other.result || self.excludes(other)
    }

    /// Whether no call can end in both ways at once: by the result, or by what was so when it was made.
    fn excludes(&self, other: &Case) -> bool {
        let by_condition = self.conditions.iter().any(|(path, signs, _)| {
            other.conditions.iter().any(|(same, others, _)| same == path && signs.and(*others) == Signs::NONE)
        });
        by_condition || self.answers_otherwise(other)
    }

    /// Whether the result tells the two apart, whatever it is.
    pub(super) fn answers_otherwise(&self, other: &Case) -> bool {
        let by_value = self.value.is_some() && other.value.is_some() && self.value != other.value;
        let by_code = self.code.is_some() && other.code.is_some() && self.code != other.code;
        by_value || by_code || self.result.and(other.result) == Signs::NONE
    }

    /// What is true of both; they change the same locks.
    fn merged(&self, other: &Case) -> Case {
        let mut merged = self.clone();
        merged.result = merged.result.or(other.result);
        if merged.value != other.value {
            merged.value = None;
        }
        if merged.code != other.code {
            merged.code = None;
        }
        if merged.gives != other.gives {
            merged.gives = None;
        }
        merged.stores.retain(|store| other.stores.contains(store));
        merged.retaken.retain(|lock| other.retaken.contains(lock));
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
    pub(super) fn unknown() -> Self {
        Case {
            conditions: Vec::new(),
            result: Signs::ANY,
            value: None,
            code: None,
            gives: None,
            by_guard: false,
            changes: Vec::new(),
            retaken: Vec::new(),
            stores: Vec::new(),
        }
    }
}

/// A lock that a function says its caller must hold, or must not.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    /// Families that it may be of; empty: whatever lock lies there.
    pub families: Vec<FamilyId>,
    /// Addresses that may be meant, the likeliest first.
    pub paths: Vec<Path>,
    /// Held, or else free.
    pub held: bool,
    /// Where that is said: an annotation, an assertion, a comment, as written.
    pub word: Name,
}

impl Want {
    /// Families and last member names of the locks that may be meant.
    pub fn shapes<'p>(&'p self, profile: &'p Profile) -> impl Iterator<Item = (FamilyId, Option<Name>)> + 'p {
        let families = match self.families.as_slice() {
            [] => profile.reported_families().collect(),
            some => some.to_vec(),
        };
        families.into_iter().flat_map(|family| self.paths.iter().map(move |path| (family, last_name(path))))
    }
}

/// What calling a function does.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The ways it ends; none when it never returns.
    pub cases: Vec<Case>,
    /// Locks that it takes and gives back inside: the caller must not hold them.
    pub takes: Vec<Take>,
    /// What it says that callers must, or must not, hold.
    pub wants: Vec<Want>,
    /// It answers whether this lock is held; `true` when a nonzero result says "held".
    pub query: Option<(FamilyId, Path, bool)>,
    /// Families that it touches in a way that could not be told: what callers seem to do to them is uncertain.
    pub uncertain: Vec<FamilyId>,
    /// Of the locks of uncertain families, the ones that it is known to be about: family, and member or variable.
    pub unsure: Vec<(FamilyId, Name)>,
    /// What its callees are unsure of, and it has nothing to do with itself: its callers are unsure of that, but not theirs.
    pub unsure_inside: Vec<(FamilyId, Name)>,
    /// Too many cases, or something undecided inside: nothing may be concluded from it.
    pub unknown: bool,
}

impl Summary {
    /// Whether a caller learns anything from it about locks.
    pub fn tells_something(&self) -> bool {
        self.never_returns()
            || self.query.is_some()
            || !self.takes.is_empty()
            || !self.wants.is_empty()
            || !self.uncertain.is_empty()
            || self.cases.iter().any(|case| !case.changes.is_empty() || !case.retaken.is_empty())
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
    pub(super) fn gather(&mut self, cases: Vec<Case>) {
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
    pub(super) fn drop_indistinct(&mut self) {
        self.blur_modes();
        let families = indistinct(&self.cases);
        if families.is_empty() {
            return;
        }
        self.forget_changes(&families);
        self.uncertain.extend(families);
    }

    /// Where no caller can tell in which way a lock is held that is held in any case, it is held in some way.
    fn blur_modes(&mut self) {
        let mut blurred: Vec<(FamilyId, Option<Path>)> = Vec::new();
        for (at, a) in self.cases.iter().enumerate() {
            for b in self.cases[at + 1..].iter().filter(|b| !a.is_told_from(b)) {
                let alike = a.changes.iter().filter(|change| !b.changes.contains(change));
                let alike =
                    alike.filter(|change| b.changes.iter().any(|other| differs_in_mode(change, other)));
                blurred.extend(alike.map(|change| (change.family, change.path.clone())));
            }
        }
        if blurred.is_empty() {
            return;
        }
        let mut cases = std::mem::take(&mut self.cases);
        for change in cases.iter_mut().flat_map(|case| &mut case.changes) {
            if let Now::Held { mode, saved, .. } = &mut change.state.now
                && blurred.contains(&(change.family, change.path.clone()))
            {
                *mode = LockMode { sharing: Sharing::Any, context: Context::Any };
                *saved = None;
            }
        }
        self.gather(cases);
    }

    fn forget_changes(&mut self, families: &[FamilyId]) {
        let mut cases = std::mem::take(&mut self.cases);
        for case in &mut cases {
            let gone = case.changes.extract_if(.., |change| families.contains(&change.family));
            let named = gone.filter_map(|change| Some((change.family, last_name(change.path.as_ref()?)?)));
            self.unsure.extend(named);
        }
        self.unsure.sort_unstable();
        self.unsure.dedup();
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
                Path::Global(name) | Path::Static(_, name) => names.push(name.clone()),
                Path::Load(inner) => collect(inner, names),
                Path::Index(a, b) | Path::Pair(a, b) => {
                    collect(a, names);
                    collect(b, names);
                }
                Path::Call(_, given) => given.iter().for_each(|path| collect(path, names)),
                Path::Argument(_)
                | Path::Result
                | Path::Asked(..)
                | Path::Configuration(_)
                | Path::Int(_)
                | Path::Const(_) => {}
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

/// Whether two changes leave one lock held as deeply, and only differently.
fn differs_in_mode(a: &LockChange, b: &LockChange) -> bool {
    let depth = |change: &LockChange| match change.state.now {
        Now::Held { depth, .. } => Some(depth),
        _ => None,
    };
    a.family == b.family
        && a.path == b.path
        && a.state.entry == b.state.entry
        && depth(a).is_some()
        && depth(a) == depth(b)
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
