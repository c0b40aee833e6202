//! Taking a lock and giving it back: the state of one lock, and what is wrong with a change of it.

use super::analysis::LockAnalysis;
use super::event::EventKind;
use super::presume::is_conversion;
use super::state::{Debt, Entry, LockKey, LockState, Now, PathState};
use super::terms::{Term, TermId};
use crate::profile::{Context, LockMode, Sharing};

/// Nesting deeper than this is not counted further.
const DEPTH_LIMIT: u8 = 8;

impl LockAnalysis<'_> {
    /// Whether an attempt on a held lock is known to fail.
    pub(super) fn fails_while_held(&self, state: &PathState, key: LockKey, mode: LockMode) -> bool {
        let Some(LockState { now: Now::Held { mode: first, .. }, .. }) = state.locks.get(key) else {
            return false;
        };
        self.profile.family(key.family).guarded
            && !self.is_wildcard(key)
            && !self.is_counted(key, first, mode)
    }

    /// Whether taking a lock again that is held as `first` is counted rather than waited for.
    pub(super) fn is_counted(&self, key: LockKey, first: LockMode, again: LockMode) -> bool {
        let family = self.profile.family(key.family);
        // One upgradable holder goes with readers.
        let shared = |mode: LockMode| mode.sharing != Sharing::Exclusive;
        let both_shared = shared(first)
            && shared(again)
            && (first.sharing == Sharing::Shared || again.sharing == Sharing::Shared);
        family.nests || family.shared_nests && both_shared || self.is_recursive(key)
    }

    /// Whether the lock was made so that its holder may take it again.
    pub(super) fn is_recursive(&self, key: LockKey) -> bool {
        let named = || Some((self.meanings.recursive?, self.terms.last_name(key.address)?));
        named().is_some_and(|(sets, name)| sets.iter().any(|names| names.contains(&name)))
    }

    /// Takes `key` once more, if it is held already.
    pub(super) fn nest(&mut self, state: &mut PathState, key: LockKey) -> bool {
        let Some(LockState { entry, now: Now::Held { depth, mode, saved } }) = state.locks.get(key) else {
            return false;
        };
        let depth = depth.saturating_add(1).min(DEPTH_LIMIT);
        state.locks.set(key, LockState { entry, now: Now::Held { depth, mode, saved } });
        self.record(state, key, EventKind::Acquired { by: None });
        true
    }

    /// Takes `key`.
    pub(super) fn acquire(
        &mut self,
        state: &mut PathState,
        key: LockKey,
        mode: LockMode,
        saved: Option<TermId>,
    ) {
        self.acquire_quietly(state, key, mode, saved, false);
    }

    /// Takes `key`; an attempt on a lock that is held fails rather than deadlocks, so it is no fault by itself.
    pub(super) fn acquire_quietly(
        &mut self,
        state: &mut PathState,
        key: LockKey,
        mode: LockMode,
        saved: Option<TermId>,
        attempt: bool,
    ) {
        self.check_saved(state, key, mode, saved);
        if mode.sharing != Sharing::Shared && !attempt && self.query_answer(state, key) == Some(false) {
            self.record(state, key, EventKind::QueryAcquire);
        }
        if !attempt && state.locks.get(key).is_none() && self.is_asserted(state, key) {
            self.record(state, key, EventKind::TakenAlthoughAsserted);
        }
        let held = Now::Held { depth: 1, mode, saved };
        if !attempt
            && !self.is_wildcard(key)
            && state.locks.get(key).is_none_or(|lock| lock.entry == Entry::Free)
        {
            self.taken.insert(key);
        }
        if mode.sharing == Sharing::Exclusive {
            self.taken_exclusively.insert(key);
        }
        match state.locks.get(key) {
            None => state.locks.set(key, LockState { entry: Entry::Free, now: held }),
            Some(LockState { entry, now: Now::Held { depth, mode: first, saved: old } }) => {
                // Interrupts that are off stay off: only what saves their state nests.
                let idle = mode.context == Context::Irq && self.is_switch(key);
                let counted = (self.is_counted(key, first, mode) || self.is_wildcard(key)) && !idle;
                if !counted && !attempt && !idle {
                    self.record(state, key, EventKind::DoubleAcquire { by: None });
                } else if counted {
                    let depth = depth.saturating_add(1).min(DEPTH_LIMIT);
                    state
                        .locks
                        .set(key, LockState { entry, now: Now::Held { depth, mode: first, saved: old } });
                }
            }
            Some(lock) => {
                let entry = if lock.entry == Entry::Unknown { Entry::Free } else { lock.entry };
                state.locks.set(key, LockState { entry, now: held });
            }
        }
        self.record(state, key, EventKind::Acquired { by: None });
    }

    /// Saved state must not be put where another lock's saved state still waits.
    pub(super) fn check_saved(
        &mut self,
        state: &PathState,
        key: LockKey,
        mode: LockMode,
        saved: Option<TermId>,
    ) {
        let Some(saved) = saved.filter(|_| mode.context == Context::IrqSave) else { return };
        let other = state.locks.iter().find(|(other, lock)| {
            (*other != key || self.is_switch(key))
                && matches!(lock.now, Now::Held { saved: Some(s), mode, .. } if s == saved && mode.context == Context::IrqSave)
        });
        if let Some((other, _)) = other {
            self.record(state, key, EventKind::SavedStateReused { other });
        }
    }

    /// Gives `key` back.
    pub(super) fn release(
        &mut self,
        state: &mut PathState,
        key: LockKey,
        mode: LockMode,
        saved: Option<TermId>,
    ) {
        let key = self.known_under(state, key);
        state.lent.retain(|lent| *lent != key);
        let queried = self.query_answer(state, key) == Some(true);
        let before = state.locks.get(key);
        let held = before.is_some_and(|lock| lock.is_held());
        self.record(state, key, EventKind::Released { queried, held, context: mode.context });
        if !held && self.settle_debt(state, mode.context) {
            return;
        }
        // `spin_lock_irqsave(l, f); local_irq_disable(); spin_unlock(l); local_irq_restore(f)`: what `f` saved undoes both.
        if self.is_switch(key) && saved.is_some() && self.settle_saved(state, saved) {
            if let Some(LockState { entry, .. }) = before {
                state.locks.set(key, LockState { entry, now: Now::Released });
            }
            return;
        }
        match before {
            None => state.locks.set(key, LockState { entry: Entry::Held, now: Now::Released }),
            Some(LockState { entry, now: Now::Held { depth, mode: taken, saved: first } }) => {
                // Of nested ones, only the outermost's variable is remembered.
                let kept = first.filter(|_| depth == 1);
                self.check_flavour(state, key, taken, mode, kept, saved);
                // Giving back what the outermost saved undoes whatever nests in it: `save(f); disable(); restore(f)`. Switching
                // interrupts on does so too.
                let restores_all =
                    saved.is_some() && saved == first || mode.context == Context::Irq && self.is_switch(key);
                let now = if depth > 1 && !restores_all {
                    Now::Held { depth: depth - 1, mode: taken, saved: first }
                } else {
                    Now::Released
                };
                state.locks.set(key, LockState { entry, now });
            }
            Some(LockState { now: Now::Failed, .. }) => {
                self.record(state, key, EventKind::ReleaseAfterFailure);
            }
            Some(LockState { entry, now: Now::Transferred }) => {
                state.locks.set(key, LockState { entry, now: Now::Released });
            }
            Some(LockState { entry, now: Now::Released }) => {
                // Of what nests the caller may hold more than one.
                let lent = entry == Entry::Held && self.profile.family(key.family).nests;
                if !queried && !self.is_wildcard(key) {
                    self.record(state, key, EventKind::DoubleRelease { lent });
                }
            }
        }
        if self.is_wildcard(key) && !state.locks.get(key).is_some_and(|lock| lock.is_held()) {
            state.locks.remove(key);
        }
    }

    /// A lock that was taken under a name nobody can follow is given back under any name of its family.
    pub(super) fn known_under(&mut self, state: &PathState, key: LockKey) -> LockKey {
        if state.locks.get(key).is_some_and(|lock| lock.is_held()) {
            return key;
        }
        if self.is_wildcard(key) {
            // Released under a name nobody can follow: whichever lock of the family is held.
            let held = state.locks.iter().find(|(other, lock)| other.family == key.family && lock.is_held());
            return held.map_or(key, |(other, _)| other);
        }
        let wild = LockKey { address: self.wildcard(), ..key };
        if state.locks.get(wild).is_some_and(|lock| lock.is_held()) {
            return wild;
        }
        self.known_in(state, key).unwrap_or(key)
    }

    /// The held lock of the object that the object of `key` was converted from: `lock(&inode->lock); foo_unlock(FOO_I(inode));`
    pub(super) fn known_in(&self, state: &PathState, key: LockKey) -> Option<LockKey> {
        let object = self.terms.root(key.address);
        if !matches!(self.terms.get(object), Term::Call(name, _) if is_conversion(name)) {
            return None;
        }
        let held = state.locks.iter().filter(|(_, lock)| lock.is_held());
        held.map(|(other, _)| other).find(|&other| {
            // Two members of one object are two locks.
            !self.terms.contains(other.address, object) && self.is_object_of(other, object)
        })
    }

    pub(super) fn check_flavour(
        &mut self,
        state: &mut PathState,
        key: LockKey,
        held: LockMode,
        released: LockMode,
        kept: Option<TermId>,
        saved: Option<TermId>,
    ) {
        let sharing = held.sharing != released.sharing
            && held.sharing != Sharing::Any
            && released.sharing != Sharing::Any;
        let variables = matches!((kept, saved), (Some(kept), Some(saved)) if kept != saved)
            && held.context == Context::IrqSave
            && released.context == Context::IrqSave;
        if sharing || variables {
            self.record(state, key, EventKind::WrongFlavour { held, released });
            return;
        }
        if released.context == Context::Irq
            || released.context == Context::Any && held.context == Context::Irq
        {
            let outer = state.locks.iter().find(|(other, lock)| {
                *other != key
                    && matches!(lock.now, Now::Held { mode, .. } if mode.context == Context::IrqSave)
            });
            if let Some((outer, _)) = outer {
                self.record(state, key, EventKind::EnabledUnder { outer });
            }
        }
        // `local_save_flags(f); disable(); … restore(f)`
        let restored =
            held.context == Context::Irq && released.context == Context::IrqSave && self.is_switch(key);
        if held.context == released.context
            || restored
            || held.context == Context::Any
            || released.context == Context::Any
        {
            return;
        }
        for (context, open) in [(held.context, true), (released.context, false)] {
            if context != Context::Plain {
                self.owe(state, Debt { context, open, key, at: self.here, saved: kept.filter(|_| open) });
            }
        }
    }

    /// Books a context that was left open or closed; opposite debts cancel, and so does a lock that stands for the context itself
    /// (`local_irq_disable`).
    pub(super) fn owe(&mut self, state: &mut PathState, debt: Debt) {
        let opposite =
            state.debts.iter().position(|other| other.context == debt.context && other.open != debt.open);
        if let Some(at) = opposite {
            state.debts.remove(at);
            return;
        }
        if !debt.open && self.leave_context(state, debt.context) {
            return;
        }
        if !state.debts.iter().any(|other| other.context == debt.context && other.key == debt.key) {
            state.debts.push(debt);
            state.debts.sort_unstable();
        }
    }

    /// Gives back the lock that stands for `context` itself, if it is held: `local_bh_disable(); … spin_unlock_bh(l);`
    pub(super) fn leave_context(&mut self, state: &mut PathState, context: Context) -> bool {
        let stands_for_it = state.locks.iter().find(|(key, lock)| {
            self.is_switch(*key) && matches!(lock.now, Now::Held { mode, .. } if mode.context == context)
        });
        let Some((key, _)) = stands_for_it else { return false };
        self.release(state, key, LockMode { sharing: Sharing::Any, context }, None);
        true
    }

    /// Settles what was left open when the state in the variable `saved` was saved.
    fn settle_saved(&self, state: &mut PathState, saved: Option<TermId>) -> bool {
        let owed = state.debts.iter().position(|debt| debt.open && debt.saved == saved);
        owed.map(|at| state.debts.remove(at)).is_some()
    }

    /// Whether the lock is a state of the processor rather than an object.
    pub fn is_switch(&self, key: LockKey) -> bool {
        matches!(self.terms.get(key.address), Term::Int(_))
    }

    /// `spin_lock_irqsave(a, f); … spin_unlock(a); local_irq_restore(f)`: the last call settles what the second left open.
    pub(super) fn settle_debt(&self, state: &mut PathState, context: Context) -> bool {
        let owed = state.debts.iter().position(|debt| debt.open && debt.context == context);
        owed.map(|at| state.debts.remove(at)).is_some()
    }

    pub(super) fn change_sharing(&mut self, state: &mut PathState, key: LockKey, sharing: Sharing) {
        let (entry, depth, context, saved) = match state.locks.get(key) {
            Some(LockState { entry, now: Now::Held { depth, mode, saved } }) => {
                (entry, depth, mode.context, saved)
            }
            Some(_) => return,
            None => (Entry::Held, 1, Context::Plain, None),
        };
        let mode = LockMode { sharing, context };
        state.locks.set(key, LockState { entry, now: Now::Held { depth, mode, saved } });
    }
}
