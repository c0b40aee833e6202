//! What a profile's effect does to the lock set.

use super::analysis::LockAnalysis;
use super::assume::{self, constrain};
use super::calls::is_conversion;
use super::event::EventKind;
use super::state::{Debt, Entry, LockKey, LockState, Now, PathState, Signs};
use super::terms::{Term, TermId};
use crate::ir::{Expr, UnaryOp};
use crate::profile::{CallEffect, Context, Effect, LockMode, LockRoot, ResultTest, SavedState, Sharing};

/// Nesting deeper than this is not counted further.
const DEPTH_LIMIT: u8 = 8;

/// One outcome of a call in the making.
pub(super) struct Applied {
    pub(super) state: PathState,
    pub(super) result: TermId,
    pub(super) disturbs: bool,
}

/// The signs of a result that passes `test`.
pub(super) fn passing(test: ResultTest) -> Signs {
    match test {
        ResultTest::Nonzero => Signs::NONZERO,
        ResultTest::Zero | ResultTest::ZeroElseNegative => Signs::ZERO,
        ResultTest::NotNegative => Signs::NOT_NEGATIVE,
        ResultTest::Negative => Signs::NEGATIVE,
        ResultTest::Positive => Signs::POSITIVE,
    }
}

/// The signs of a result that does not.
pub(super) fn failing(test: ResultTest) -> Signs {
    match test {
        ResultTest::ZeroElseNegative => Signs::NEGATIVE,
        other => passing(other).complement(),
    }
}

/// What becomes of the result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Somebody may look at it.
    Kept,
    /// Thrown away.
    Ignored,
    /// It cannot fail with these arguments, or the author says so: `(void)lock_interruptible(l)`.
    Certain,
}

impl LockAnalysis<'_> {
    /// Applies one effect to one outcome.
    pub(super) fn apply_effect(
        &mut self,
        mut side: Applied,
        effect: &CallEffect,
        key: LockKey,
        args: &[Expr],
        attempt: Attempt,
        out: &mut Vec<Applied>,
    ) {
        let saved = self.saved_variable(&mut side.state, effect, args);
        self.presume_valid(&mut side.state, key);
        if effect.effect == Effect::Acquire {
            self.presume_pointer(&mut side.state, effect, args);
        }
        match effect.effect {
            Effect::Acquire => {
                self.acquire(&mut side.state, key, effect.mode, saved);
                side.disturbs = true;
            }
            Effect::TryAcquire(test) => {
                return self.try_acquire(side, key, effect.mode, saved, test, attempt, out);
            }
            Effect::Release => {
                self.release(&mut side.state, key, effect.mode, saved);
                side.disturbs = true;
            }
            Effect::ReleaseIf(test) => return self.release_if(side, key, effect.mode, test, out),
            Effect::GuardRelease => {
                let lock = side.state.locks.get(key);
                if lock.is_some_and(|lock| lock.is_held()) {
                    self.release(&mut side.state, key, any_context(effect.mode), None);
                } else if lock.is_some_and(|lock| lock.now == Now::Released)
                    && self.profile.family(key.family).guarded
                {
                    self.record(&side.state, key, EventKind::ReleasedUnderGuard);
                }
            }
            Effect::Query(test) => {
                let query = self.terms.intern(Term::Query(key.family, key.address));
                side.result = match test {
                    ResultTest::Zero | ResultTest::ZeroElseNegative => {
                        assume::unary(&mut self.terms, UnaryOp::Not, query)
                    }
                    _ => query,
                };
            }
            Effect::Assert => {
                if side.state.locks.get(key).is_none() && !self.is_wildcard(key) {
                    let now = Now::Held { depth: 1, mode: effect.mode, saved: None };
                    side.state.locks.set(key, LockState { entry: Entry::Held, now });
                }
            }
            Effect::DropAndRetake => {
                if side.state.locks.get(key).is_none() && !self.is_wildcard(key) {
                    let now = Now::Held { depth: 1, mode: effect.mode, saved: None };
                    side.state.locks.set(key, LockState { entry: Entry::Held, now });
                }
                side.disturbs = true;
            }
            Effect::Downgrade => self.change_sharing(&mut side.state, key, Sharing::Shared),
            Effect::Upgrade(_) => self.change_sharing(&mut side.state, key, Sharing::Exclusive),
            Effect::Transfer => {
                if let Some(lock) = side.state.locks.get(key) {
                    side.state.locks.set(key, LockState { now: Now::Transferred, ..lock });
                }
            }
            Effect::Leak => {
                if side.state.locks.get(key).is_some_and(|lock| lock.is_held()) {
                    self.record(&side.state, key, EventKind::Leaked);
                }
            }
            Effect::MayRelease => {
                self.lend_family(&mut side.state, key);
                side.disturbs = true;
            }
            Effect::Init => side.state.locks.remove(key),
            Effect::Destroy => {
                let held =
                    side.state.locks.get(key).is_some_and(|lock| lock.is_held() && lock.entry == Entry::Free);
                if held {
                    self.record(&side.state, key, EventKind::DestroyedHeld);
                } else {
                    side.state.locks.remove(key);
                }
            }
        }
        out.push(side);
    }

    /// Held locks of the family, or the one named, may be gone after this.
    fn lend_family(&self, state: &mut PathState, key: LockKey) {
        let any = self.is_wildcard(key);
        let gone = state
            .locks
            .iter()
            .filter(|(other, lock)| lock.is_held() && other.family == key.family && (any || *other == key));
        let gone: Vec<LockKey> = gone.map(|(key, _)| key).collect();
        state.lent.extend(gone);
        state.lent.sort_unstable();
        state.lent.dedup();
    }

    /// An operation on `&p->lock` is undefined unless `p` points to an object: it is neither null nor an error pointer.
    fn presume_valid(&mut self, state: &mut PathState, key: LockKey) {
        let object = self.terms.root(key.address);
        if object == key.address {
            return;
        }
        if assume::signs(&self.terms, state, object, false).and(Signs::POSITIVE) != Signs::NONE {
            constrain(&mut self.terms, state, object, Signs::POSITIVE);
        }
    }

    /// Nobody waits for a lock at a null pointer, and a variable that may be null tells by its value what was taken:
    /// `lock = find(q); spin_lock(lock); … if (lock) spin_unlock(lock);`
    fn presume_pointer(&mut self, state: &mut PathState, effect: &CallEffect, args: &[Expr]) {
        let LockRoot::Argument(n) = effect.lock.root else { return };
        let Some(Expr::Read(place)) = args.get(usize::from(n)) else { return };
        if !place.as_local().is_some_and(|local| self.relevance.is_optional(local)) {
            return;
        }
        let value = self.evaluate(state, &args[usize::from(n)]);
        self.presume_object(state, value);
    }

    /// Where a lock was taken there is an object: its address is neither null nor an error pointer.
    pub(super) fn presume_object(&mut self, state: &mut PathState, address: TermId) {
        let computed = matches!(
            self.terms.get(address),
            Term::Int(_)
                | Term::Const(_)
                | Term::Field(..)
                | Term::Index(..)
                | Term::Local(_)
                | Term::Pair(..)
        );
        if !computed && assume::signs(&self.terms, state, address, false).and(Signs::POSITIVE) != Signs::NONE
        {
            constrain(&mut self.terms, state, address, Signs::POSITIVE);
        }
    }

    /// Both outcomes of an attempt, each with what its result must be.
    #[allow(clippy::too_many_arguments)]
    fn try_acquire(
        &mut self,
        mut side: Applied,
        key: LockKey,
        mode: LockMode,
        saved: Option<TermId>,
        test: ResultTest,
        attempt: Attempt,
        out: &mut Vec<Applied>,
    ) {
        let before = side.state.locks.get(key);
        if before.is_some_and(|lock| lock.is_held()) && self.fails_while_held(&side.state, key, mode) {
            if constrain(&mut self.terms, &mut side.state, side.result, failing(test)) {
                out.push(side);
            }
            return;
        }
        let mut taken = Applied { state: side.state.clone(), disturbs: true, ..side };
        if attempt == Attempt::Ignored {
            self.record(&taken.state, key, EventKind::ResultIgnored);
        }
        // What fails with an error code waits: on a lock that is held it waits for ever.
        let attempt_is_safe = attempt != Attempt::Certain && test != ResultTest::ZeroElseNegative;
        let was_taken = self.taken.contains(&key);
        self.acquire_quietly(&mut taken.state, key, mode, saved, attempt_is_safe);
        self.presume_object(&mut taken.state, key.address);
        if !was_taken && attempt_is_safe {
            // Only what is taken for certain may not be held by callers.
            self.taken.remove(&key);
        }
        if constrain(&mut self.terms, &mut taken.state, taken.result, passing(test)) {
            out.push(taken);
        }
        if attempt != Attempt::Kept {
            return;
        }
        let mut failed = side;
        if failed.state.locks.get(key).is_none_or(|lock| !lock.is_held()) {
            let entry = failed.state.locks.get(key).map_or(Entry::Unknown, |lock| lock.entry);
            failed.state.locks.set(key, LockState { entry, now: Now::Failed });
            self.record(&failed.state, key, EventKind::AttemptFailed);
        }
        if constrain(&mut self.terms, &mut failed.state, failed.result, failing(test)) {
            out.push(failed);
        }
    }

    fn release_if(
        &mut self,
        side: Applied,
        key: LockKey,
        mode: LockMode,
        test: ResultTest,
        out: &mut Vec<Applied>,
    ) {
        let mut released = Applied { state: side.state.clone(), disturbs: true, ..side };
        if constrain(&mut self.terms, &mut released.state, released.result, passing(test)) {
            self.release(&mut released.state, key, mode, None);
            out.push(released);
        }
        let mut kept = side;
        if constrain(&mut self.terms, &mut kept.state, kept.result, failing(test)) {
            out.push(kept);
        }
    }

    /// Whether an attempt on a held lock is known to fail.
    fn fails_while_held(&self, state: &PathState, key: LockKey, mode: LockMode) -> bool {
        let Some(LockState { now: Now::Held { mode: first, .. }, .. }) = state.locks.get(key) else {
            return false;
        };
        self.profile.family(key.family).guarded
            && !self.is_wildcard(key)
            && !self.is_counted(key, first, mode)
    }

    /// Whether taking a lock again that is held as `first` is counted rather than waited for.
    fn is_counted(&self, key: LockKey, first: LockMode, again: LockMode) -> bool {
        let family = self.profile.family(key.family);
        // One upgradable holder goes with readers.
        let shared = |mode: LockMode| mode.sharing != Sharing::Exclusive;
        let both_shared = shared(first)
            && shared(again)
            && (first.sharing == Sharing::Shared || again.sharing == Sharing::Shared);
        family.nests || family.shared_nests && both_shared
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
    fn acquire_quietly(
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
                let counted = self.is_counted(key, first, mode) || self.is_wildcard(key);
                if !counted && !attempt {
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
    fn check_saved(&mut self, state: &PathState, key: LockKey, mode: LockMode, saved: Option<TermId>) {
        let Some(saved) = saved.filter(|_| mode.context == Context::IrqSave) else { return };
        let other = state.locks.iter().find(|(other, lock)| {
            *other != key && matches!(lock.now, Now::Held { saved: Some(s), mode, .. } if s == saved && mode.context == Context::IrqSave)
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
        self.record(state, key, EventKind::Released { queried, held });
        if !held && self.settle_debt(state, mode.context) {
            return;
        }
        match before {
            None => state.locks.set(key, LockState { entry: Entry::Held, now: Now::Released }),
            Some(LockState { entry, now: Now::Held { depth, mode: taken, saved: first } }) => {
                // Of nested ones, only the outermost's variable is remembered.
                let kept = first.filter(|_| depth == 1);
                self.check_flavour(state, key, taken, mode, kept, saved);
                let now = if depth > 1 {
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
    fn known_under(&mut self, state: &PathState, key: LockKey) -> LockKey {
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
    fn known_in(&self, state: &PathState, key: LockKey) -> Option<LockKey> {
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

    fn check_flavour(
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
        if held.context == released.context
            || held.context == Context::Any
            || released.context == Context::Any
        {
            return;
        }
        for (context, open) in [(held.context, true), (released.context, false)] {
            if context != Context::Plain {
                self.owe(state, Debt { context, open, key, at: self.here });
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
        let stands_for_it = state.locks.iter().find(|(key, lock)| {
            matches!(self.terms.get(key.address), Term::Int(_))
                && matches!(lock.now, Now::Held { mode, .. } if mode.context == debt.context)
        });
        if let Some((key, lock)) = stands_for_it.filter(|_| !debt.open) {
            state.locks.set(key, LockState { now: Now::Released, ..lock });
            return;
        }
        if !state.debts.iter().any(|other| other.context == debt.context && other.key == debt.key) {
            state.debts.push(debt);
            state.debts.sort_unstable();
        }
    }

    /// `spin_lock_irqsave(a, f); … spin_unlock(a); local_irq_restore(f)`: the last call settles what the second left open.
    fn settle_debt(&self, state: &mut PathState, context: Context) -> bool {
        let owed = state.debts.iter().position(|debt| debt.open && debt.context == context);
        owed.map(|at| state.debts.remove(at)).is_some()
    }

    fn change_sharing(&mut self, state: &mut PathState, key: LockKey, sharing: Sharing) {
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

    /// Address of the variable that a call saves its state in, or restores it from.
    fn saved_variable(
        &mut self,
        state: &mut PathState,
        effect: &CallEffect,
        args: &[Expr],
    ) -> Option<TermId> {
        let Some(SavedState::Argument(n)) = effect.saved else { return None };
        match args.get(usize::from(n))? {
            Expr::Read(place) | Expr::AddressOf(place) => Some(self.address(state, place)),
            _ => None,
        }
    }
}

fn any_context(mode: LockMode) -> LockMode {
    LockMode { sharing: mode.sharing, context: Context::Any }
}
