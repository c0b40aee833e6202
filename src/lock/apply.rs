//! What the summary of a callee does at a call.

use super::analysis::LockAnalysis;
use super::assume::{self, constrain};
use super::event::EventKind;
use super::fold;
use super::path::Path;
use super::presume::is_question;
use super::state::{Fact, LockKey, LockState, Now, PathState, Signs, bind, lookup, unbind};
use super::summary::{Case, LockChange, Summary, Want, changed, without_saved};
use super::terms::{Term, TermId};
use crate::ir::{BinaryOp, Expr, Name, Place, UnaryOp};
use crate::profile::{Context, LockMode, Sharing};

impl LockAnalysis<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn apply_summary(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        name: &Name,
        summary: &Summary,
        args: &[Expr],
        values: &[TermId],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        self.uncertain.extend(summary.uncertain.iter().copied());
        self.unsure_callees.extend(summary.unsure.iter().cloned());
        self.unsure_inside.extend(summary.unsure_inside.iter().cloned());
        if let Some((family, path, positive)) = &summary.query {
            let zero = self.terms.int(0);
            if let Some(address) = self.instantiate(&state, path, values, zero) {
                let address = self.terms.canonical(address);
                let query = self.terms.intern(Term::Query(*family, address));
                let result =
                    if *positive { query } else { fold::unary(&mut self.terms, UnaryOp::Not, query) };
                return self.finish(state, place, result, out);
            }
        }
        for take in &summary.takes {
            self.take_in_callee(&state, take, name, values, spelled);
        }
        self.check_wants(&state, name, &summary.wants, values);
        if summary.unknown && summary.cases.iter().all(|case| case.changes.is_empty()) {
            let result = self.unknown_call(&mut state, Some(name), place, args, values);
            return self.finish(state, place, result, out);
        }
        for case in &summary.cases {
            let mut side = state.clone();
            side.doubtful |= self.is_guessed(&state, summary, case, place.is_some(), values);
            self.apply_case(side, place, name, case, args, values, spelled, out);
        }
    }

    /// Whether this path holds what the callee says that it wants, as far as the path itself has had to do with it.
    fn check_wants(&mut self, state: &PathState, callee: &Name, wants: &[Want], values: &[TermId]) {
        let zero = self.terms.int(0);
        for want in wants {
            let mut met: Vec<(LockKey, LockState)> = Vec::new();
            for path in &want.paths {
                let Some(address) = self.instantiate(state, path, values, zero) else { continue };
                let address = self.terms.canonical(address);
                let fits = |key: LockKey| {
                    key.address == address
                        && self.profile.family(key.family).reported
                        && (want.families.is_empty() || want.families.contains(&key.family))
                };
                met.extend(state.locks.iter().filter(|(key, _)| fits(*key)));
            }
            let held = met.iter().find(|(_, lock)| lock.is_held());
            let (callee, word) = (callee.clone(), want.word.clone());
            match (held, met.first()) {
                (Some(&(key, _)), _) if !want.held => {
                    self.record(state, key, EventKind::CalledHolding { callee, word });
                }
                (None, Some(&(key, lock)))
                    if want.held && matches!(lock.now, Now::Released | Now::Failed) =>
                {
                    self.record(state, key, EventKind::CalledWithout { callee, word });
                }
                _ => {}
            }
        }
    }

    /// Whether it is a mere guess that the call ends in this way: it leaves alone what another way changes, nothing that it returns
    /// tells them apart (or nobody looks at what it returns), and nobody here has looked at the arguments that do:
    /// `if (!size) return 0; lock(object); return 0;`
    pub(super) fn is_guessed(
        &mut self,
        state: &PathState,
        summary: &Summary,
        case: &Case,
        looked_at: bool,
        values: &[TermId],
    ) -> bool {
        if !case.changes.is_empty() {
            return false;
        }
        let changing = || summary.cases.iter().filter(|other| !other.changes.is_empty());
        // Whoever does not look whether it was taken takes it that it was.
        let takes = |other: &Case| other.changes.iter().any(|change| change.state.balance() > 0);
        let succeeds = |other: &Case| takes(other) && other.result == Signs::ZERO;
        if !looked_at && case.result.within(Signs::NONZERO) && changing().any(succeeds) {
            return true;
        }
        if changing().all(|other| looked_at && other.answers_otherwise(case)) {
            return false;
        }
        let zero = self.terms.int(0);
        case.conditions.iter().any(|(path, signs, _)| {
            let Some(term) = self.instantiate(state, path, values, zero) else { return true };
            !assume::signs(&self.terms, state, term, true).within(*signs)
        })
    }

    /// Whether a lock that this path holds lies in the object that `pointer` points to: there is one.
    fn leads_to_held(&mut self, state: &PathState, pointer: TermId) -> bool {
        let pointer = self.terms.canonical(pointer);
        let lies_in = |key: LockKey| {
            let mut at = key.address;
            while let Term::Field(base, _) | Term::Index(base, _) = *self.terms.get(at) {
                at = base;
            }
            at == pointer && at != key.address
        };
        state.locks.iter().any(|(key, lock)| lock.is_held() && lies_in(key))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn apply_case(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        name: &Name,
        case: &Case,
        args: &[Expr],
        values: &[TermId],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        let zero = self.terms.int(0);
        for (path, signs, firm) in &case.conditions {
            let Some(term) = self.instantiate(&state, path, values, zero) else { continue };
            if signs.and(Signs::POSITIVE) == Signs::NONE && self.leads_to_held(&state, term) {
                return;
            }
            if let Term::Query(family, address) = *self.terms.get(term) {
                let lock = state.locks.get(LockKey { family, address });
                if *signs == Signs::ZERO && lock.is_some_and(|lock| lock.is_held()) {
                    return;
                }
                continue;
            }
            let possible = constrain(&mut self.terms, &mut state, term, *signs);
            if !possible && *firm {
                return;
            }
            state.doubtful |= !possible;
        }
        // What is released is named by what memory held before the call.
        let given = case.gives.as_ref().and_then(|path| self.instantiate(&state, path, values, zero));
        let result = match case.value {
            Some(value) => self.terms.int(value),
            None if given.is_some() => given.unwrap_or(zero),
            None if case.changes.is_empty() && is_question(name) => {
                self.terms.intern(Term::Call(name.clone(), values.iter().copied().collect()))
            }
            None => self.fresh(&mut state),
        };
        let released: Vec<Option<LockKey>> = case
            .changes
            .iter()
            .map(|change| {
                let before = changed(change).balance() <= 0;
                before.then(|| self.changed_key(&state, change, values, result, spelled))
            })
            .collect();
        let stores = self.named_stores(&state, case, values, result);
        self.disturb(&mut state, args);
        for (address, value, firm) in stores {
            self.store_presumed(&mut state, address, value, firm);
        }
        // What was taken may lie in what the callee made: `make_locked(&object)`.
        let mut keys = Vec::with_capacity(released.len());
        for (change, key) in case.changes.iter().zip(released) {
            keys.push(key.unwrap_or_else(|| self.changed_key(&state, change, values, result, spelled)));
        }
        let told = if given.is_some() { Signs::POSITIVE } else { case.result };
        // A guard that the caller cannot tell to be one ends somewhere out of sight.
        let unseen = place
            .is_none_or(|place| place.as_local().is_none_or(|id| self.body.local(id).ty != crate::ir::GUARD));
        let attempted_in_vain = case.changes.iter().zip(&keys).any(|(change, &key)| {
            change.attempt
                && self.profile.family(key.family).guarded
                && state.locks.get(key).is_some_and(|lock| lock.is_held())
        });
        if attempted_in_vain || !constrain(&mut self.terms, &mut state, result, told) {
            return;
        }
        if let (Some((code, negated)), None) = (&case.code, case.value) {
            let positive = self.terms.intern(Term::Const(code.clone()));
            let constant =
                if *negated { fold::unary(&mut self.terms, UnaryOp::Neg, positive) } else { positive };
            let equal = fold::binary(&mut self.terms, BinaryOp::Eq, result, constant);
            if !assume::assume(&mut self.terms, &mut state, equal, true) {
                return;
            }
        }
        for (change, key) in case.changes.iter().zip(keys) {
            let after = changed(change);
            // So does one of which nobody can tell what it holds.
            let told = given.is_some() || matches!(change.path, Some(Path::Result));
            let guarded = case.by_guard && self.profile.family(key.family).guarded;
            if guarded && after.balance() > 0 && (unseen || !told) {
                continue;
            }
            if after.balance() > 0 {
                self.presume_object(&mut state, key.address);
                self.find_object(&mut state, key);
                if self.terms.contains(key.address, result) && key.address != result {
                    self.presume_object(&mut state, result);
                }
                self.hand_over(&mut state, key, without_saved(after.now), name);
            } else {
                let key = self.held_by_another_path(&state, change, key).unwrap_or(key);
                self.release_in_callee(&mut state, key, change, after.now);
            }
        }
        for lock in &case.retaken {
            let address = self.instantiate(&state, &lock.path, values, result);
            let Some(address) = address.map(|address| self.terms.canonical(address)) else { continue };
            let key = LockKey { family: lock.family, address };
            if state.locks.get(key).is_some_and(|held| held.is_held()) {
                self.change_sharing(&mut state, key, lock.sharing);
            }
        }
        self.finish(state, place, result, out);
    }

    /// A callee has taken a lock in an object that it tells its caller of: there is one, whatever was presumed of the variable before.
    fn find_object(&mut self, state: &mut PathState, key: LockKey) {
        let object = self.terms.root(key.address);
        if object != key.address && lookup(&state.facts, object).is_some_and(|fact| !fact.firm) {
            unbind(&mut state.facts, object);
        }
        self.presume_valid(state, key);
    }

    /// A callee has released `key`, and left whatever else its release leaves: `local_bh_disable(); …; spin_unlock_bh(l);`
    fn release_in_callee(&mut self, state: &mut PathState, key: LockKey, change: &LockChange, after: Now) {
        let held = match state.locks.get(self.known_under(state, key)) {
            Some(LockState { now: Now::Held { mode, .. }, .. }) => Some(mode.context),
            _ => None,
        };
        let mode = match after {
            Now::Held { mode, .. } => mode,
            // Whoever holds it knows how; whoever hands it through says how it was released.
            _ => LockMode {
                sharing: Sharing::Any,
                context: if held.is_some() { Context::Any } else { change.leaves },
            },
        };
        self.release(state, key, mode, None);
        if held == Some(Context::Plain) && matches!(change.leaves, Context::Bh | Context::Irq) {
            self.leave_context(state, change.leaves);
        }
    }

    /// A callee releases a lock that it reached through memory, and this path holds no such lock: the only one of that member that it
    /// does hold may be the same, `log->lock` for `iclog->log->lock`.
    fn held_by_another_path(&self, state: &PathState, change: &LockChange, key: LockKey) -> Option<LockKey> {
        let through_memory = change.path.as_ref().is_some_and(Path::follows_pointer);
        if !through_memory || state.locks.get(key).is_some() {
            return None;
        }
        let member = self.terms.last_symbol(key.address)?;
        let mut held = state.locks.iter().filter(|(other, lock)| {
            lock.is_held()
                && other.family == key.family
                && self.terms.last_symbol(other.address) == Some(member)
        });
        let (only, _) = held.next().filter(|_| held.next().is_none())?;
        (!self.certainly_differ(only, key)).then_some(only)
    }

    /// The lock that the callee changed, in this body's terms.
    pub(super) fn changed_key(
        &mut self,
        state: &PathState,
        change: &LockChange,
        values: &[TermId],
        result: TermId,
        spelled: &[Name],
    ) -> LockKey {
        let address = change.path.as_ref().and_then(|path| self.instantiate(state, path, values, result));
        let address = address.unwrap_or_else(|| self.wildcard());
        let key = LockKey { family: change.family, address: self.terms.canonical(address) };
        if let Some(path) = &change.path {
            self.spell(key, path, spelled);
        }
        key
    }

    /// What the callee leaves in memory, in this body's terms: addresses and values are those of before the call.
    pub(super) fn named_stores(
        &mut self,
        state: &PathState,
        case: &Case,
        values: &[TermId],
        result: TermId,
    ) -> Vec<(TermId, TermId, bool)> {
        let mut named = Vec::with_capacity(case.stores.len());
        for store in &case.stores {
            let address = self.instantiate(state, &store.address, values, result);
            let value = self.instantiate(state, &store.value, values, result);
            if let (Some(address), Some(value)) = (address, value) {
                named.push((address, value, store.firm));
            }
        }
        named
    }

    /// A callee left `value` at `address`; what it only presumed is only presumed here.
    pub(super) fn store_presumed(
        &mut self,
        state: &mut PathState,
        address: TermId,
        value: TermId,
        firm: bool,
    ) {
        if firm {
            return self.write_at(state, address, value);
        }
        if !matches!(self.terms.get(value), Term::Int(_)) {
            if let Some(kept) = self.terms.presumed(value) {
                self.write_at(state, address, kept);
            }
            return;
        }
        let kept = self.fresh(state);
        self.write_at(state, address, kept);
        let mut fact =
            Fact { equals: Some(value), ..Fact::signs(assume::signs(&self.terms, state, value, true)) };
        fact.doubt();
        bind(&mut state.facts, kept, fact);
    }

    /// A callee returns with `key` held.
    pub(super) fn hand_over(&mut self, state: &mut PathState, key: LockKey, now: Now, by: &Name) {
        let before = self.lock_state(state, key);
        let nests = self.profile.family(key.family).nests;
        match before {
            Some(lock) if lock.is_held() && !nests && !self.is_wildcard(key) => {
                self.record(state, key, EventKind::DoubleAcquire { by: Some(by.clone()) });
            }
            Some(LockState { entry, now: Now::Held { depth, mode, saved } }) => {
                let now = Now::Held { depth: depth.saturating_add(1).min(8), mode, saved };
                state.locks.set(key, LockState { entry, now });
            }
            Some(lock) => state.locks.set(key, LockState { now, ..lock }),
            None => state.locks.set(key, LockState { entry: super::state::Entry::Free, now }),
        }
        self.record(state, key, EventKind::Acquired { by: Some(by.clone()) });
    }

    /// Whether a reader more is let in beside who holds the lock.
    pub(super) fn goes_with_readers(&self, key: LockKey, lock: LockState) -> bool {
        let family = self.profile.family(key.family);
        let exclusive = matches!(lock.now, Now::Held { mode, .. } if mode.sharing == Sharing::Exclusive);
        family.guarded && family.shared_nests && !exclusive
    }

    pub(super) fn spell(&mut self, key: LockKey, path: &Path, spelled: &[Name]) {
        if self.spelling.contains_key(&key) {
            return;
        }
        let family = &self.profile.family(key.family).name;
        let text = match path {
            Path::Int(_) => None,
            other => other.spelled(spelled),
        };
        self.spelling.insert(key, text.unwrap_or_else(|| family.to_string()));
    }
}
