//! What a callee out of sight presumably does with the locks of what it is given, by its name and by what it is given.

use super::analysis::LockAnalysis;
use super::state::{LockKey, LockState, Now, PathState};
use super::terms::{Term, TermId};
use crate::ir::{Name, Place};
use crate::profile::{Effect, FamilyId, ReleasedBy};

/// Words that mark a call as a question: asked again on the same arguments, it presumably gives the same answer.
const PREDICATE_WORDS: [&str; 24] = [
    "is",
    "has",
    "can",
    "need",
    "needs",
    "should",
    "test",
    "empty",
    "enabled",
    "supported",
    "valid",
    "ready",
    "running",
    "pending",
    "capable",
    "present",
    "active",
    "want",
    "uses",
    "use",
    "allowed",
    "available",
    "must",
    "in",
];

impl LockAnalysis<'_> {
    /// A callee out of sight that says "unlock" and is given the object of a held lock: it may have released it.
    pub(super) fn presume_released(&mut self, state: &mut PathState, name: &str, values: &[TermId]) {
        if name.contains("unlocked") || self.profile.not_locks.contains(name) {
            return;
        }
        let given: Vec<TermId> = values.iter().map(|&value| self.terms.canonical(value)).collect();
        let held: Vec<(LockKey, LockState)> = state.locks.iter().filter(|(_, lock)| lock.is_held()).collect();
        for (key, lock) in held {
            if given.iter().any(|&value| self.is_object_of(key, value)) {
                state.locks.set(key, LockState { now: Now::Transferred, ..lock });
            }
        }
    }

    /// The family that `name` presumably takes a lock of: it is unknown, but the name that it would be undone by is not.
    pub(super) fn unlocked_by_counterpart(&self, name: &str) -> Option<FamilyId> {
        if name.contains("unlock") || !name.contains("lock") || self.profile.not_locks.contains(name) {
            return None;
        }
        ["trylock", "lock"].iter().filter(|word| name.contains(**word)).find_map(|word| {
            let effects = self.profile.calls.get(name.replacen(word, "unlock", 1).as_str())?;
            effects.iter().find(|effect| effect.effect == Effect::Release).map(|effect| effect.family)
        })
    }

    /// Whether `value` is the object that `key` lies in, or was converted from it.
    pub(super) fn is_object_of(&self, key: LockKey, value: TermId) -> bool {
        match self.terms.get(value) {
            Term::Int(_) | Term::Const(_) | Term::Str => false,
            Term::Call(name, args) if is_conversion(name) => {
                args.iter().any(|&arg| self.is_object_of(key, arg))
            }
            _ => self.terms.contains(key.address, value),
        }
    }

    /// A callee out of sight is given the object of a held lock of a family that callees may release.
    pub(super) fn lend(&mut self, state: &mut PathState, name: Option<&Name>, values: &[TermId]) {
        let lent: Vec<LockKey> = state
            .locks
            .iter()
            .filter(|(key, lock)| {
                let family = self.profile.family(key.family);
                let keeps = name.is_some_and(|name| {
                    is_question(name) || family.keeps.iter().any(|prefix| name.starts_with(prefix.as_str()))
                });
                lock.is_held() && family.released_by == ReleasedBy::Callee && !keeps
            })
            .map(|(key, _)| key)
            .filter(|key| values.iter().any(|&value| self.terms.contains(value, key.address)))
            .collect();
        for key in lent {
            if !state.is_lent(key) {
                state.lent.push(key);
                state.lent.sort_unstable();
            }
        }
    }

    /// The object of a held lock of a family that callees may release is put where others find it: `request->pages[n] = page;`
    pub(super) fn lend_stored(&mut self, state: &mut PathState, place: &Place, value: TermId) {
        if place.projections.is_empty() || state.locks.is_empty() {
            return;
        }
        let released_by = |key: LockKey| self.profile.family(key.family).released_by;
        let stored = state.locks.iter().filter(|(key, lock)| {
            lock.is_held() && key.address == value && released_by(*key) == ReleasedBy::Callee
        });
        let stored: Vec<LockKey> = stored.map(|(key, _)| key).filter(|key| !state.is_lent(*key)).collect();
        state.lent.extend(stored);
        state.lent.sort_unstable();
    }
}

/// Whether a call only finds one object by way of another: `to_foo(dev)`, `FOO_I(inode)`, `foo_priv(dev)`.
pub(super) fn is_conversion(name: &str) -> bool {
    const ENDS: [&str; 8] = ["_I", "_SB", "_M", "_INFO", "_PRIV", "_SERVER", "_priv", "drvdata"];
    name.starts_with("to_") || ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether a call's name reads as a question.
pub(super) fn is_question(name: &str) -> bool {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let asks = |word: &str| PREDICATE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    words.any(asks)
}
