//! What the exits of a body say about each lock: the one place where held and free are weighed against each other.

use super::analysis::LockAnalysis;
use super::event::{Event, EventKind, Exit, ExitClass, ExitKind};
use super::meaning::CallMeaning;
use super::state::{LockKey, Now, lookup};
use super::terms::{Term, TermId};
use crate::ir::{Callee, Location, Name, ReturnKind, StatementKind};
use std::collections::BTreeSet;

/// How the exits of a body leave one lock, relative to its entry. Indices into [`LockAnalysis::exits`].
#[derive(Clone, Debug, Default)]
pub struct Balance {
    /// Exits at which it is held more often than on entry.
    pub held: Vec<usize>,
    /// Exits at which it is as on entry.
    pub even: Vec<usize>,
    /// Exits at which a lock of the caller's was released.
    pub released: Vec<usize>,
}

/// What is wrong, or remarkable, about the exits.
#[derive(Clone, Debug, PartialEq)]
pub enum Imbalance {
    /// Every exit leaves it as it was.
    Even,
    /// These exits hold what exits of their own class do not.
    Missing {
        /// The exits that still hold.
        exits: Vec<usize>,
        /// They are failures, and successes release.
        on_error: bool,
        /// Held and free exits are of one and the same kind.
        same_kind: bool,
    },
    /// Handed over to the caller: on every exit, or on the successful ones.
    HandsOver {
        /// The exits that hold.
        exits: Vec<usize>,
        /// Only some exits hold, told apart by what they return.
        conditional: bool,
        /// The body also releases it on some path.
        managed: bool,
    },
    /// The caller's lock is released on every exit, or on exits told apart by what they return.
    TakesOver {
        /// The exits that have released.
        exits: Vec<usize>,
        /// Only some exits.
        conditional: bool,
    },
    /// The caller's lock is dropped; some exits of a class have taken it back, others have not.
    NotRetaken {
        /// The exits that have not.
        exits: Vec<usize>,
    },
    /// Some exits hold what was free, others have released what was never taken.
    Mismatch {
        /// The exits that hold.
        held: Vec<usize>,
        /// The exits that released.
        released: Vec<usize>,
    },
}

impl LockAnalysis<'_> {
    /// All locks that some exit or event is about, in the order of their first event.
    pub fn keys(&self) -> Vec<LockKey> {
        let mut keys: Vec<LockKey> = Vec::new();
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by_key(|event| event.at);
        for key in events.iter().map(|event| event.key) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        for exit in &self.exits {
            for (key, _) in exit.state.locks.iter() {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        for key in self.owed_keys() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// How the exits leave `key`; doubtful exits only when `doubtful`.
    pub fn balance(&self, key: LockKey, doubtful: bool) -> Balance {
        let mut balance = Balance::default();
        for (at, exit) in self.exits.iter().enumerate().filter(|(_, exit)| doubtful || !exit.state.doubtful) {
            let change = exit.state.locks.get(key).map_or(0, |lock| lock.balance());
            match change {
                0 => balance.even.push(at),
                1.. => balance.held.push(at),
                _ => balance.released.push(at),
            }
        }
        balance
    }

    /// Weighs the exits.
    pub fn imbalance(&self, key: LockKey, doubtful: bool) -> Imbalance {
        let balance = self.balance(key, doubtful);
        match (balance.held.is_empty(), balance.released.is_empty()) {
            (true, true) => Imbalance::Even,
            (false, true) => self.weigh_held(key, balance),
            (true, false) => self.weigh_released(key, balance),
            (false, false) => Imbalance::Mismatch { held: balance.held, released: balance.released },
        }
    }

    fn kinds(&self, exits: &[usize]) -> BTreeSet<ExitKind> {
        exits.iter().map(|&at| self.exits[at].kind).collect()
    }

    /// Whether `exit` gives what the variable at `address` holds to its caller: returned, or in memory that outlives the call.
    pub fn hands_on(&self, exit: &Exit, address: TermId) -> bool {
        let known = lookup(&exit.state.store, address).copied();
        let is_its_value = |value: TermId| {
            let now = self.terms.without_age(value);
            known.is_some_and(|known| self.terms.without_age(known) == now)
                || known.is_none() && *self.terms.get(now) == Term::Load(address)
        };
        let outlives = |&(cell, kept): &(TermId, TermId)| !self.is_private(cell) && is_its_value(kept);
        exit.value.is_some_and(is_its_value) || exit.state.store.iter().any(outlives)
    }

    /// Whether the body gives `key` back somewhere after having taken it.
    pub fn releases(&self, key: LockKey) -> bool {
        self.events
            .iter()
            .any(|event| event.key == key && matches!(event.kind, EventKind::Released { held: true, .. }))
    }

    /// Whether the event is an operation of the body's own on the lock, rather than something that a callee's definition tells of.
    pub fn is_direct(&self, event: &Event) -> bool {
        self.callee_at(event.at).is_none_or(|name| matches!(self.meanings.of(name), CallMeaning::Effects(..)))
    }

    /// What the statement at `at` calls by its name.
    pub fn callee_at(&self, at: Location) -> Option<&Name> {
        match &self.body().cfg.statement(at)?.kind {
            StatementKind::Call { callee: Callee::Named(name), .. } => Some(name),
            _ => None,
        }
    }

    /// Whether one and the same release gives back what was taken on one path, and what was not on another.
    fn released_either_way(&self, key: LockKey) -> bool {
        let releases = |wanted: bool| {
            let events = self.events.iter().filter(move |event| event.key == key && !event.doubtful);
            events
                .filter(move |event| matches!(event.kind, EventKind::Released { held, .. } if held == wanted))
        };
        releases(true).any(|taken| releases(false).any(|other| other.at == taken.at))
    }

    fn weigh_held(&self, key: LockKey, balance: Balance) -> Imbalance {
        let Balance { held, even, .. } = balance;
        let managed = self.releases(key);
        if even.is_empty() {
            return Imbalance::HandsOver { exits: held, conditional: false, managed };
        }
        let hands = |at: &usize| self.returns_object(*at, key) || self.stores_lock(*at, key);
        if held.iter().all(hands) && !even.iter().any(hands) {
            // "Returns the next one, locked": the exits that leave this one alone return another, or none.
            return Imbalance::HandsOver { exits: held, conditional: true, managed };
        }
        let (held_kinds, even_kinds) = (self.kinds(&held), self.kinds(&even));
        let same_kind = !held_kinds.is_disjoint(&even_kinds);
        let has = |kinds: &BTreeSet<ExitKind>, class| kinds.iter().any(|kind| kind.class() == class);
        let (held_ok, held_bad) =
            (has(&held_kinds, ExitClass::Success), has(&held_kinds, ExitClass::Failure));
        let (even_ok, even_bad) =
            (has(&even_kinds, ExitClass::Success), has(&even_kinds, ExitClass::Failure));
        let failing: Vec<usize> =
            held.iter().copied().filter(|&at| self.exits[at].kind.class() != ExitClass::Success).collect();
        if held_bad && !(held_ok && even_ok) {
            // Failures hold: either successes do not, or successes always do and some failures clean up.
            if managed {
                return Imbalance::Missing { exits: failing, on_error: even_ok, same_kind };
            }
        }
        // Of a pointer that is returned untested the caller asks whether it is null.
        let null_only = |kind: &ExitKind| matches!(kind, ExitKind::Null | ExitKind::ErrorPointer);
        let untested = self.body().returns == ReturnKind::Pointer
            && held_kinds.iter().all(|kind| matches!(kind, ExitKind::Other | ExitKind::Pointer));
        if untested && even_kinds.iter().all(null_only) || held_ok && !held_bad && !even_ok && even_bad {
            return Imbalance::HandsOver { exits: held, conditional: true, managed };
        }
        if !managed || (!same_kind && held_ok && !held_bad) || self.told_by_arguments(key, &held, &even) {
            // Never released here, or told apart by the result: `if (need) lock(l);`, "returns 1 with the lock held".
            let conditional = true;
            return Imbalance::HandsOver { exits: held, conditional, managed };
        }
        Imbalance::Missing { exits: held, on_error: false, same_kind }
    }

    /// Whether exit `at` returns the object that came into being on the way and that `key` is, or lies in.
    fn returns_object(&self, at: usize, key: LockKey) -> bool {
        let value = self.exits[at].name.filter(|&value| {
            matches!(
                self.terms.get(value),
                Term::Fresh(_) | Term::Older(_) | Term::Oldest(_) | Term::Call(..)
            )
        });
        value.is_some_and(|value| self.terms.contains(key.address, value))
    }

    /// Whether exit `at` leaves the address of the lock, or of its object, where an argument leads the caller: `*lockp = lock;`
    fn stores_lock(&self, at: usize, key: LockKey) -> bool {
        let store = &self.exits[at].state.store;
        store.iter().any(|&(address, value)| {
            let behind = matches!(self.terms.get(self.terms.root(address)), Term::Input(_))
                || matches!(self.terms.get(address), Term::Input(_));
            let names = !matches!(self.terms.get(value), Term::Int(_) | Term::Input(_) | Term::Global(_));
            behind && names && self.terms.contains(key.address, value)
        })
    }

    /// Whether the exits that hold and those that never met the lock are told apart by what the arguments were: `f(x, bool lock)`.
    pub(super) fn told_by_arguments(&self, key: LockKey, held: &[usize], even: &[usize]) -> bool {
        let classes = self.kinds(held).into_iter().map(ExitKind::class).collect::<BTreeSet<_>>();
        let rival = |at: &usize| classes.contains(&self.exits[*at].kind.class());
        let rivals: Vec<usize> = even.iter().copied().filter(rival).collect();
        !rivals.is_empty()
            && rivals.iter().all(|&rival| {
                self.exits[rival].state.locks.get(key).is_none()
                    && held.iter().all(|&at| self.arguments_differ(at, rival))
            })
    }

    fn arguments_differ(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.exits[a].state, &self.exits[b].state);
        a.facts.iter().any(|(about, fact)| {
            matches!(self.terms.get(*about), Term::Input(_))
                && fact.firm
                && super::state::lookup(&b.facts, *about).is_some_and(|other| {
                    other.signs.and(fact.signs) == super::state::Signs::NONE
                        || fact.equals.is_some_and(|value| other.differs.contains(&value))
                        || other.equals.is_some_and(|value| fact.differs.contains(&value))
                        || fact.equals.is_some() && other.equals.is_some() && fact.equals != other.equals
                })
        })
    }

    fn weigh_released(&self, key: LockKey, balance: Balance) -> Imbalance {
        let Balance { even, released, .. } = balance;
        if even.is_empty() {
            return Imbalance::TakesOver { exits: released, conditional: false };
        }
        let separate = self.kinds(&released).is_disjoint(&self.kinds(&even));
        let retaken = even.iter().any(|&at| {
            let lock = self.exits[at].state.locks.get(key);
            lock.is_some_and(|lock| matches!(lock.now, Now::Held { .. }))
                && self
                    .events
                    .iter()
                    .any(|event| event.key == key && matches!(event.kind, EventKind::Acquired { .. }))
        });
        // `f(x, bool locked)`: an argument tells, and every kind of result comes of either.
        let told = !separate
            && released.iter().all(|&at| even.iter().all(|&other| self.arguments_differ(at, other)));
        if !retaken && !told && self.released_either_way(key) {
            // The same body also takes it and gives it back: on these paths it gives back what it has not taken.
            return Imbalance::Mismatch { held: Vec::new(), released };
        }
        if retaken && !separate {
            return Imbalance::NotRetaken { exits: released };
        }
        Imbalance::TakesOver { exits: released, conditional: true }
    }

    /// Another lock of the same family that is out of balance the other way: perhaps the same lock under another name.
    pub fn counterpart(&self, key: LockKey, doubtful: bool) -> Option<LockKey> {
        let mine = self.balance(key, doubtful);
        self.keys().into_iter().find(|&other| {
            if other == key || other.family != key.family {
                return false;
            }
            let theirs = self.balance(other, doubtful);
            !mine.held.is_empty() && !theirs.released.is_empty()
                || !mine.released.is_empty() && !theirs.held.is_empty()
        })
    }

    /// The preprocessor's choices that exit `at` makes, each with whether it holds.
    pub fn choices(&self, at: usize) -> impl Iterator<Item = (crate::ir::Name, bool)> + '_ {
        let facts = self.exits[at].state.facts.iter();
        facts.filter_map(|(about, fact)| match self.terms.get(*about) {
            Term::Configuration(name) => Some((name.clone(), !fact.signs.within(super::state::Signs::ZERO))),
            _ => None,
        })
    }

    /// A preprocessor choice that all of `exits` make and not all of `others`: its text, and whether it holds.
    pub fn shared_configuration(&self, exits: &[usize], others: &[usize]) -> Option<(crate::ir::Name, bool)> {
        let choices = |at: usize| self.choices(at);
        let (&first, rest) = exits.split_first()?;
        choices(first).find(|choice| {
            rest.iter().all(|&at| choices(at).any(|other| other == *choice))
                && (others.is_empty()
                    || others
                        .iter()
                        .any(|&at| choices(at).any(|other| other.0 == choice.0 && other.1 != choice.1)))
        })
    }

    /// Whether `callee` releases a lock of the family on some ways only.
    pub fn releases_sometimes(&self, callee: &crate::ir::Name, family: crate::profile::FamilyId) -> bool {
        let CallMeaning::Summary(summary) = self.meanings.of(callee) else { return false };
        let releases = |case: &super::summary::Case| {
            case.changes.iter().any(|change| change.family == family && change.state.balance() < 0)
        };
        summary.cases.iter().any(releases) && !summary.cases.iter().all(releases)
    }

    /// Whether a callee, or one of its own, does something to such locks that could not be told.
    pub fn is_unsure_of(&self, key: LockKey) -> bool {
        self.uncertain.contains(&key.family)
            || self.unsure_inside.contains(&(key.family, self.last_name(key)))
    }

    /// Whether two locks certainly differ: both are named without a value that came into being on the way, and by different paths.
    pub fn certainly_differ(&self, a: LockKey, b: LockKey) -> bool {
        let names = (self.terms.last_name(a.address), self.terms.last_name(b.address));
        // A pointer is often called like the object that it points to: `resv = &_resv`.
        let plain = |name: &crate::ir::Name| crate::ir::Name::new(name.trim_start_matches('_'));
        let alike = matches!(&names, (Some(a), Some(b)) if a != b && plain(a) == plain(b));
        if alike {
            return false;
        }
        let other_member = matches!(&names, (Some(a), Some(b)) if a != b);
        let rigid = self.terms.is_rigid(a.address) && self.terms.is_rigid(b.address);
        a != b
            && (self.nested(a, b)
                || self.same_object(a, b)
                || other_member
                || rigid && self.is_direct_path(a) && self.is_direct_path(b))
    }

    /// One lies in an object that is reached from the object of the other: `c->lock` and `c->parent->lock`.
    fn nested(&self, a: LockKey, b: LockKey) -> bool {
        match (self.terms.get(a.address), self.terms.get(b.address)) {
            (Term::Field(x, _), Term::Field(y, _)) if x != y => {
                // Further away it may be the way back: `c->child->parent->lock`.
                let loads = |whole: TermId, part: TermId| match self.terms.get(whole) {
                    Term::Load(member) => {
                        matches!(self.terms.get(*member), Term::Field(at, _) if *at == part)
                    }
                    _ => false,
                };
                loads(*x, *y) || loads(*y, *x)
            }
            _ => false,
        }
    }

    /// Two members of one object.
    fn same_object(&self, a: LockKey, b: LockKey) -> bool {
        match (self.terms.get(a.address), self.terms.get(b.address)) {
            (Term::Field(x, _), Term::Field(y, _)) => x == y,
            _ => false,
        }
    }

    /// Reached from an argument, a local or a global without following a pointer in memory.
    fn is_direct_path(&self, key: LockKey) -> bool {
        let mut direct = true;
        self.terms.walk(key.address, &mut |_, term| direct &= !matches!(term, Term::Load(_) | Term::Old(_)));
        direct
    }

    /// Whether some release of `key` is a callee's of a lock that it has no name for: which one is a guess.
    pub fn is_released_by_guess(&self, key: LockKey) -> bool {
        self.events.iter().filter(|event| event.key == key).any(|event| {
            let Some(name) = self.callee_at(event.at) else { return false };
            matches!(event.kind, EventKind::Released { .. })
                && (self.meanings.summaries)(name).is_some_and(|summary| {
                    let mut changes = summary.cases.iter().flat_map(|case| &case.changes);
                    changes.any(|change| change.path.is_none() && change.family == key.family)
                })
        })
    }

    /// Whether the place lies in a loop.
    pub fn is_in_loop(&self, at: Location) -> bool {
        self.in_cycle[at.block.0 as usize]
    }

    /// Whether the lock is one of several behind a name that changes from round to round.
    pub fn is_one_of_many(&self, key: LockKey) -> bool {
        let mut many = false;
        self.terms.walk(key.address, &mut |_, term| many |= matches!(term, Term::Older(_) | Term::Oldest(_)));
        many
    }

    /// Whether the function declares that it releases this lock, and nothing of taking any.
    pub fn only_releases(&self, key: LockKey) -> bool {
        let annotations = &self.body().annotations;
        let takes = annotations.iter().any(|a| a.name.contains("acquire") || a.name.contains("must_hold"));
        let name = self.terms.last_name(key.address);
        let names_it = |arg: &crate::ir::Name| {
            name.as_ref().is_some_and(|name| arg.ends_with(name.as_str()))
                || self.spelled(key).trim_start_matches('&') == arg.trim_start_matches('&')
        };
        !takes && annotations.iter().any(|a| a.name == "__releases" && a.args.iter().any(names_it))
    }

    /// The member or variable that the lock is; its family's name where there is only one such lock.
    pub fn last_name(&self, key: LockKey) -> Name {
        let family = || Name::new(&*self.profile().family(key.family).name);
        self.terms.last_name(key.address).unwrap_or_else(family)
    }

    /// The variable that the lock lies in, if it is one that all functions can name.
    pub fn root_global(&self, key: LockKey) -> Option<crate::ir::Name> {
        match self.terms.get(self.terms.root(key.address)) {
            Term::Global(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether the lock lies in a variable that only this function can name, and that outlives its calls.
    pub fn is_own_static(&self, key: LockKey) -> bool {
        match self.terms.get(self.terms.root(key.address)) {
            Term::Local(id) => self.body().local(*id).kind == crate::ir::LocalKind::Static,
            _ => false,
        }
    }

    /// Whether only the lock's family is known.
    pub fn is_unnamed(&self, key: LockKey) -> bool {
        self.is_wildcard(key)
    }

    /// How the source spells the lock.
    pub fn spelled(&self, key: LockKey) -> &str {
        self.spelling.get(&key).map_or("the lock", String::as_str)
    }
}
