//! What is known on one path: the store, the facts, the locks.
//!
//! Two states with equal locks may be joined when disjuncts grow too many; states with different locks never are.
//! Where a lock was taken is witness, not state.

use super::terms::TermId;
use crate::profile::{FamilyId, LockMode};
use std::hash::{Hash, Hasher};

/// The only notion of "the same lock": family and canonical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockKey {
    /// Family.
    pub family: FamilyId,
    /// Canonical address term (see [`super::terms::Terms::canonical`]).
    pub address: TermId,
}

/// What the function presumes of a lock when it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// Not told.
    Unknown,
    /// Not held: it was acquired first.
    Free,
    /// Held by the caller: it was released, or asserted, first.
    Held,
}

/// Whether the lock is held now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Now {
    /// Held.
    Held {
        /// How often.
        depth: u8,
        /// How.
        mode: LockMode,
        /// The variable (its address) that holds the saved state.
        saved: Option<TermId>,
    },
    /// Released on this path.
    Released,
    /// An attempt to take it failed on this path.
    Failed,
    /// Handed on to somebody who releases it.
    Transferred,
}

/// One lock on one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockState {
    /// On entry.
    pub entry: Entry,
    /// Now.
    pub now: Now,
}

impl LockState {
    /// How many times more (positive) or less (negative) it is held than on entry.
    pub fn balance(&self) -> i32 {
        let now = match self.now {
            Now::Held { depth, .. } => i32::from(depth),
            Now::Released | Now::Failed => 0,
            // Whoever it was handed to releases it: nothing is owed.
            Now::Transferred => i32::from(self.entry == Entry::Held),
        };
        now - i32::from(self.entry == Entry::Held)
    }

    /// Held, for certain, by this path.
    pub fn is_held(&self) -> bool {
        matches!(self.now, Now::Held { .. })
    }
}

/// The locks that a path has touched; what is absent is untouched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LockSet(Vec<(LockKey, LockState)>);

impl LockSet {
    /// The state of `key`, if touched.
    pub fn get(&self, key: LockKey) -> Option<LockState> {
        self.0.binary_search_by_key(&key, |entry| entry.0).ok().map(|at| self.0[at].1)
    }

    /// Sets the state of `key`.
    pub fn set(&mut self, key: LockKey, state: LockState) {
        match self.0.binary_search_by_key(&key, |entry| entry.0) {
            Ok(at) => self.0[at].1 = state,
            Err(at) => self.0.insert(at, (key, state)),
        }
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: LockKey) {
        self.0.retain(|entry| entry.0 != key);
    }

    /// All touched locks, by key.
    pub fn iter(&self) -> impl Iterator<Item = (LockKey, LockState)> + '_ {
        self.0.iter().copied()
    }

    /// Keeps what `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(LockKey, LockState) -> bool) {
        self.0.retain(|entry| keep(entry.0, entry.1));
    }

    /// Whether no lock was touched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Renames keys; of two that become one the held one stays.
    pub fn rename(&mut self, mut rename: impl FnMut(TermId) -> TermId) {
        let entries = std::mem::take(&mut self.0);
        for (key, state) in entries {
            let key = LockKey { address: rename(key.address), ..key };
            match self.get(key) {
                Some(other) if other.is_held() => {}
                _ => self.set(key, state),
            }
        }
    }
}

/// Which signs a value may have: bits for negative (error codes, error pointers), zero (null, false), positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signs(pub u8);

impl Signs {
    /// Negative.
    pub const NEGATIVE: Signs = Signs(1);
    /// Zero.
    pub const ZERO: Signs = Signs(2);
    /// Positive.
    pub const POSITIVE: Signs = Signs(4);
    /// Not zero.
    pub const NONZERO: Signs = Signs(5);
    /// Not negative.
    pub const NOT_NEGATIVE: Signs = Signs(6);
    /// Not positive.
    pub const NOT_POSITIVE: Signs = Signs(3);
    /// Anything.
    pub const ANY: Signs = Signs(7);
    /// Nothing: the path is impossible.
    pub const NONE: Signs = Signs(0);

    /// Both.
    pub fn and(self, other: Signs) -> Signs {
        Signs(self.0 & other.0)
    }

    /// Either.
    pub fn or(self, other: Signs) -> Signs {
        Signs(self.0 | other.0)
    }

    /// The others.
    pub fn complement(self) -> Signs {
        Signs(!self.0 & 7)
    }

    /// Whether every value of `self` is one of `other`.
    pub fn within(self, other: Signs) -> bool {
        self.0 & !other.0 == 0
    }

    /// Of an integer.
    pub fn of(value: i64) -> Signs {
        match value.signum() {
            -1 => Signs::NEGATIVE,
            0 => Signs::ZERO,
            _ => Signs::POSITIVE,
        }
    }

    /// Of the negated value.
    pub fn negated(self) -> Signs {
        Signs((self.0 & 2) | (self.0 & 1) << 2 | self.0 >> 2)
    }
}

/// More constants than this that a value differs from are not kept.
const DIFFERS_LIMIT: usize = 6;

/// A few constants, sorted; kept in place, so that a fact is plain bytes: states are copied at every branch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Constants {
    ids: [TermId; DIFFERS_LIMIT],
    len: u8,
}

impl Default for Constants {
    fn default() -> Self {
        // The unused places always hold the same, or equal sets would differ.
        Constants { ids: [TermId(0); DIFFERS_LIMIT], len: 0 }
    }
}

impl std::ops::Deref for Constants {
    type Target = [TermId];

    fn deref(&self) -> &[TermId] {
        &self.ids[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for Constants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Constants {
    /// Adds `value`, unless the set is full.
    pub fn insert(&mut self, value: TermId) {
        let len = usize::from(self.len);
        if let (Err(at), true) = (self.binary_search(&value), len < DIFFERS_LIMIT) {
            self.ids.copy_within(at..len, at + 1);
            self.ids[at] = value;
            self.len += 1;
        }
    }

    /// What both hold.
    pub fn intersection(&self, other: &Constants) -> Constants {
        let mut both = Constants::default();
        self.iter().filter(|value| other.contains(value)).for_each(|&value| both.insert(value));
        both
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its possible signs.
    pub signs: Signs,
    /// Those of them that are proved even where the whole is only presumed: `signs` lies within.
    pub sure: Signs,
    /// A constant that it equals.
    pub equals: Option<TermId>,
    /// Constants that it differs from (bounded).
    pub differs: Constants,
    /// Proved. Otherwise presumed: it held before something happened that may have changed it.
    pub firm: bool,
}

/// Packed into one word, for most facts have no list: hashing states field by field cost a tenth of exploration.
impl Hash for Fact {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let equals = self.equals.map_or(0, |id| u64::from(id.0) + 1);
        let flags = u64::from(self.signs.0)
            | u64::from(self.firm) << 3
            | (self.differs.len() as u64) << 4
            | u64::from(self.sure.0) << 7;
        hasher.write_u64(equals << 10 | flags);
        self.differs.iter().for_each(|id| hasher.write_u32(id.0));
    }
}

impl Fact {
    /// Nothing known.
    pub fn any() -> Self {
        Fact::signs(Signs::ANY)
    }

    /// Only the signs.
    pub fn signs(signs: Signs) -> Self {
        Fact { signs, sure: signs, equals: None, differs: Constants::default(), firm: true }
    }

    /// The signs, of which only `sure` is proved.
    pub fn presumed(signs: Signs, sure: Signs) -> Self {
        Fact { firm: signs == sure, sure, ..Fact::signs(signs) }
    }

    /// Something happened that may have changed the value.
    pub fn doubt(&mut self) {
        (self.sure, self.firm) = (Signs::ANY, false);
    }

    /// What is proved of it.
    pub fn proved(&self) -> Fact {
        if self.firm { *self } else { Fact::signs(self.sure) }
    }

    /// Its signs are proved to be among `allowed`. Answers whether what was presumed can still be true.
    pub fn narrow(&mut self, allowed: Signs) -> bool {
        let (signs, sure) = (self.signs.and(allowed), self.sure.and(allowed));
        if signs == Signs::NONE {
            *self = Fact::signs(sure);
            return false;
        }
        (self.signs, self.sure) = (signs, sure);
        self.firm |= signs == sure && self.equals.is_none() && self.differs.is_empty();
        true
    }

    /// What is known of a value of which one of two facts holds.
    pub fn either(&self, other: &Fact) -> Fact {
        Fact {
            signs: self.signs.or(other.signs),
            sure: self.sure.or(other.sure),
            equals: self.equals.filter(|_| self.equals == other.equals),
            differs: self.differs.intersection(&other.differs),
            firm: self.firm && other.firm,
        }
    }

    /// Whether it says nothing.
    pub fn is_any(&self) -> bool {
        self.signs == Signs::ANY && self.equals.is_none() && self.differs.is_empty()
    }
}

/// A map from terms, sorted by id.
pub type TermMap<V> = Vec<(TermId, V)>;

/// Goes through two maps side by side: each key that is in either, with its values.
pub fn side_by_side<'m, V>(
    left: &'m TermMap<V>,
    right: &'m TermMap<V>,
) -> impl Iterator<Item = (TermId, Option<&'m V>, Option<&'m V>)> {
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    std::iter::from_fn(move || {
        let key = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => left.0.min(right.0),
            (Some(only), None) | (None, Some(only)) => only.0,
            (None, None) => return None,
        };
        let left = left.next_if(|entry| entry.0 == key).map(|entry| &entry.1);
        let right = right.next_if(|entry| entry.0 == key).map(|entry| &entry.1);
        Some((key, left, right))
    })
}

/// Looks `key` up.
#[inline]
pub fn lookup<V>(map: &TermMap<V>, key: TermId) -> Option<&V> {
    map.binary_search_by_key(&key, |entry| entry.0).ok().map(|at| &map[at].1)
}

/// Binds `key`.
pub fn bind<V>(map: &mut TermMap<V>, key: TermId, value: V) {
    match map.binary_search_by_key(&key, |entry| entry.0) {
        Ok(at) => map[at].1 = value,
        Err(at) => map.insert(at, (key, value)),
    }
}

/// Unbinds `key`.
pub fn unbind<V>(map: &mut TermMap<V>, key: TermId) {
    if let Ok(at) = map.binary_search_by_key(&key, |entry| entry.0) {
        map.remove(at);
    }
}

/// One disjunct.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathState {
    /// Value bound to each address that this path wrote (or that was given a value of its own).
    pub store: TermMap<TermId>,
    /// Facts about values.
    pub facts: TermMap<Fact>,
    /// The locks.
    pub locks: LockSet,
    /// Mismatched contexts that another call has yet to settle: `spin_lock_irqsave(a) … spin_unlock(a)` leaves interrupts
    /// off for somebody else to restore.
    pub debts: smallvec::SmallVec<[Debt; 1]>,
    /// Held locks whose object was given to a callee that may release it.
    pub lent: smallvec::SmallVec<[LockKey; 1]>,
    /// The path contradicts a presumed fact: possible, but nobody knows.
    pub doubtful: bool,
}

/// Each binding of the store is one word; debts and lent locks are rare enough to be left to the comparison.
impl Hash for PathState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for (address, value) in &self.store {
            hasher.write_u64(u64::from(address.0) << 32 | u64::from(value.0));
        }
        for (about, fact) in &self.facts {
            hasher.write_u32(about.0);
            fact.hash(hasher);
        }
        self.locks.hash(hasher);
        hasher.write_u8(u8::from(self.doubtful));
    }
}

impl PathState {
    /// Whether a callee may have released `key`.
    pub fn is_lent(&self, key: LockKey) -> bool {
        self.lent.contains(&key)
    }
}

/// A context that was entered with one lock and not left with it, or left without having been entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Debt {
    /// The context.
    pub context: crate::profile::Context,
    /// Entered and not left (`true`), or left and not entered.
    pub open: bool,
    /// The lock whose release did it.
    pub key: LockKey,
    /// Where.
    pub at: crate::ir::Location,
    /// The variable (its address) in which the state still waits that has to be restored.
    pub saved: Option<TermId>,
}
