//! What a profile's effect does to the lock set.

use super::analysis::LockAnalysis;
use super::assume::{self, constrain};
use super::event::EventKind;
use super::fold;
use super::state::{Entry, Fact, LockKey, LockState, Now, PathState, Signs, bind, lookup};
use super::terms::{Term, TermId};
use crate::ir::{Expr, Name, UnaryOp};
use crate::profile::{CallEffect, Context, Effect, LockMode, LockRoot, ResultTest, SavedState, Sharing};

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
    /// Somebody may look at it, but it hardly ever tells of a failure.
    Unlikely,
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
        if effect.effect == Effect::Acquire && effect.lock.root == LockRoot::Result {
            // "Returns it locked": what it returns exists.
            self.presume_object(&mut side.state, side.result);
        }
        match effect.effect {
            Effect::Acquire => {
                if !(effect.nests && self.nest(&mut side.state, key)) {
                    self.acquire(&mut side.state, key, effect.mode, saved);
                }
                side.disturbs = true;
            }
            Effect::TryAcquire(test) => {
                return self.try_acquire(side, key, effect, saved, test, attempt, out);
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
                        fold::unary(&mut self.terms, UnaryOp::Not, query)
                    }
                    _ => query,
                };
            }
            Effect::AssertNot => {
                let held = self.at_one_address(&side.state, key).find(|(_, lock)| lock.is_held());
                if let Some((held, _)) = held {
                    self.record(&side.state, held, EventKind::AssertedFree);
                }
            }
            Effect::Assert => {
                let gone = |lock: &LockState| matches!(lock.now, Now::Released | Now::Failed);
                let mut known = self.at_one_address(&side.state, key);
                let first = known.next();
                if let Some((other, lock)) = first
                    && gone(&lock)
                    && known.all(|(_, lock)| gone(&lock))
                {
                    self.record(&side.state, other, EventKind::AssertedHeld);
                }
                if side.state.locks.get(key).is_none() {
                    self.asserted.insert(key);
                }
                if side.state.locks.get(key).is_none() && !self.is_wildcard(key) {
                    let now = Now::Held { depth: 1, mode: effect.mode, saved: None };
                    side.state.locks.set(key, LockState { entry: Entry::Held, now });
                }
            }
            Effect::DropAndRetake => {
                if side
                    .state
                    .locks
                    .get(key)
                    .is_some_and(|lock| matches!(lock.now, Now::Released | Now::Failed))
                    && let Some(callee) = self.callee_at(self.here).cloned()
                {
                    let word = Name::new_static("its purpose");
                    self.record(&side.state, key, EventKind::CalledWithout { callee, word });
                }
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

    /// Whether the text has asserted, of whatever lock lies at the address of `key`, that it is held.
    pub(super) fn is_asserted(&self, state: &PathState, key: LockKey) -> bool {
        let general = |other: LockKey| !self.profile.family(other.family).reported && other != key;
        let global = matches!(self.terms.get(key.address), Term::Int(_)) || self.is_wildcard(key);
        !global
            && state.locks.iter().any(|(other, lock)| {
                general(other)
                    && other.address == key.address
                    && self.asserted.contains(&other)
                    && lock.is_held()
            })
    }

    /// The locks that `key` may mean: itself, or, when it only names an address (an assertion that serves all kinds of locks), those
    /// that lie there.
    pub(super) fn at_one_address(
        &self,
        state: &PathState,
        key: LockKey,
    ) -> impl Iterator<Item = (LockKey, LockState)> + use<> {
        let general = !self.profile.family(key.family).reported;
        let one_for_all = matches!(self.terms.get(key.address), Term::Int(_)) || self.is_wildcard(key);
        let fits = |other: LockKey| {
            let family = self.profile.family(other.family);
            other == key || general && !one_for_all && other.address == key.address && family.reported
        };
        let met: Vec<(LockKey, LockState)> = state
            .locks
            .iter()
            .filter(|(other, _)| fits(*other) && self.profile.family(other.family).reported)
            .collect();
        met.into_iter()
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
    pub(super) fn presume_valid(&mut self, state: &mut PathState, key: LockKey) {
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
        effect: &CallEffect,
        saved: Option<TermId>,
        test: ResultTest,
        attempt: Attempt,
        out: &mut Vec<Applied>,
    ) {
        let mode = effect.mode;
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
        let attempt_is_safe =
            matches!(attempt, Attempt::Kept | Attempt::Ignored) && test != ResultTest::ZeroElseNegative;
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
        if !matches!(attempt, Attempt::Kept | Attempt::Unlikely) {
            return;
        }
        let mut failed = side;
        failed.state.doubtful |= attempt == Attempt::Unlikely;
        if failed.state.locks.get(key).is_none_or(|lock| !lock.is_held()) {
            let entry = failed.state.locks.get(key).map_or(Entry::Unknown, |lock| lock.entry);
            failed.state.locks.set(key, LockState { entry, now: Now::Failed });
            self.record(&failed.state, key, EventKind::AttemptFailed);
        }
        if constrain(&mut self.terms, &mut failed.state, failed.result, failing(test)) {
            if let Some(code) = &effect.fails_with {
                self.presume_code(&mut failed, code.clone());
            }
            out.push(failed);
        }
    }

    /// What fails presumably fails for being held already: `if (trylock(l) == EBUSY) return;`
    fn presume_code(&mut self, failed: &mut Applied, code: Name) {
        let code = self.terms.intern(Term::Const(code));
        let mut fact = lookup(&failed.state.facts, failed.result).copied().unwrap_or_else(Fact::any);
        (fact.equals, fact.firm) = (Some(code), false);
        bind(&mut failed.state.facts, failed.result, fact);
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
