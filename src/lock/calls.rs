//! Calls: what their meaning does to values, paths and locks.

use super::analysis::LockAnalysis;
use super::assume::{self, assume, constrain};
use super::effects::{Applied, Attempt};
use super::event::EventKind;
use super::meaning::{CallMeaning, ErrorPointer};
use super::relevance::addresses;
use super::state::{Fact, LockKey, LockState, Now, PathState, Signs, bind};
use super::summary::{Case, LockChange, Path, Summary, changed, without_saved};
use super::terms::{Term, TermId};
use crate::ir::{BinaryOp, Callee, Expr, LocalKind, Name, Place, UnaryOp};
use crate::profile::{
    Alias, CallEffect, Effect, FamilyId, LockFamily, LockRoot, NoReturn, ReleasedBy, ResultTest, Sharing,
};

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
    /// Executes a call on `state`.
    pub(super) fn call(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        callee: &Callee,
        args: &[Expr],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        let values: Vec<TermId> = args.iter().map(|arg| self.evaluate(&mut state, arg)).collect();
        let Callee::Named(name) = callee else {
            if self.profile.unwinds {
                self.record_held(&state, EventKind::MayUnwind, |_| true);
            }
            let result = self.unknown_call(&mut state, None, place, args, &values);
            return self.finish(state, place, result, out);
        };
        if self.profile.suspends.contains(name) {
            self.record_held(&state, EventKind::Suspended, |family| !family.asynchronous);
        }
        match self.meanings.of(name) {
            CallMeaning::Summary(summary) => {
                self.apply_summary(state, place, name, summary, args, &values, spelled, out);
            }
            CallMeaning::Effects(effects) => {
                self.apply_effects(state, place, name, effects, args, &values, spelled, out);
            }
            CallMeaning::NoReturn(NoReturn::Always) => {}
            CallMeaning::NoReturn(condition) => {
                let Some(&first) = values.first() else { return self.finish_zero(state, place, out) };
                // An assertion about a lock query is no guard: it must not look like one.
                if self.terms.has_query(first)
                    || assume(&mut self.terms, &mut state, first, condition == NoReturn::IfFalse)
                {
                    self.finish_zero(state, place, out);
                }
            }
            CallMeaning::Transparent => {
                let result = values.first().copied().unwrap_or_else(|| self.terms.int(0));
                self.finish(state, place, result, out);
            }
            CallMeaning::Alias(alias) => {
                let result = self.alias(&mut state, alias, &values);
                self.finish(state, place, result, out);
            }
            CallMeaning::ErrorPointer(kind) => self.error_pointer(state, place, kind, &values, out),
            CallMeaning::Unknown => {
                let result = self.unknown_call(&mut state, Some(name), place, args, &values);
                self.finish(state, place, result, out);
            }
        }
    }

    /// Notes of each lock that is held, of the families wanted, that something happens meanwhile.
    fn record_held(&mut self, state: &PathState, kind: EventKind, wanted: impl Fn(&LockFamily) -> bool) {
        let held: Vec<LockKey> = state
            .locks
            .iter()
            .filter(|(key, lock)| lock.is_held() && wanted(self.profile.family(key.family)))
            .map(|(key, _)| key)
            .collect();
        for key in held {
            self.record(state, key, kind.clone());
        }
    }

    fn finish_zero(&mut self, state: PathState, place: Option<&Place>, out: &mut Vec<PathState>) {
        let zero = self.terms.int(0);
        self.finish(state, place, zero, out);
    }

    pub(super) fn finish(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        result: TermId,
        out: &mut Vec<PathState>,
    ) {
        if let Some(place) = place {
            self.write(&mut state, place, result);
        }
        if !out.contains(&state) {
            out.push(state);
        }
    }

    /// A callee of which nothing is known: memory may change, locals whose address it got too.
    pub(super) fn unknown_call(
        &mut self,
        state: &mut PathState,
        name: Option<&Name>,
        place: Option<&Place>,
        args: &[Expr],
        values: &[TermId],
    ) -> TermId {
        if let Some(name) = name.filter(|name| name.contains("unlock")) {
            self.presume_released(state, name, values);
        }
        if let Some(family) = name.and_then(|name| self.unlocked_by_counterpart(name)) {
            self.uncertain.insert(family);
        }
        self.lend(state, name, values);
        self.disturb(state, args);
        match name {
            Some(name)
                if (is_question(name)
                    || is_conversion(name)
                    || self.is_accessor(place)
                    || self.is_settled(place, values))
                    && !values.iter().any(|&value| self.terms.too_deep(value)) =>
            {
                self.terms.intern(Term::Call(name.clone(), values.iter().copied().collect()))
            }
            _ => self.fresh(state),
        }
    }

    /// `if (feature_on(&key))`: what is asked of nothing that changes in this function presumably has one answer. In a loop it is
    /// asked again to see whether the answer has changed.
    fn is_settled(&self, place: Option<&Place>, values: &[TermId]) -> bool {
        let asked = place.and_then(Place::as_local).map(|id| self.body.local(id).kind);
        let fixed = |value: &TermId| {
            matches!(self.terms.get(*value), Term::Int(_) | Term::Const(_) | Term::Global(_) | Term::Str)
        };
        asked == Some(LocalKind::Temporary)
            && !self.in_cycle[self.here.block.0 as usize]
            && values.iter().all(fixed)
    }

    /// `of(x)->lock`: a call whose result is followed at once gives the same object for the same arguments, or its locks
    /// would have no name.
    fn is_accessor(&self, place: Option<&Place>) -> bool {
        place.and_then(Place::as_local).is_some_and(|id| self.relevance.is_followed(id))
    }

    /// A callee out of sight that says "unlock" and is given the object of a held lock: it may have released it.
    fn presume_released(&mut self, state: &mut PathState, name: &str, values: &[TermId]) {
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
    fn unlocked_by_counterpart(&self, name: &str) -> Option<FamilyId> {
        if name.contains("unlock") || !name.contains("lock") {
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
    fn lend(&mut self, state: &mut PathState, name: Option<&Name>, values: &[TermId]) {
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

    pub(super) fn disturb(&mut self, state: &mut PathState, args: &[Expr]) {
        self.disturb_memory(state);
        if self.profile.lends_explicitly {
            return;
        }
        let mut given = Vec::new();
        for arg in args {
            addresses(arg, &mut |id| given.push(id));
        }
        for id in given {
            self.disturb_local(state, id);
        }
    }

    fn alias(&mut self, state: &mut PathState, alias: &Alias, values: &[TermId]) -> TermId {
        let LockRoot::Argument(n) = alias.equals.root else { return self.fresh(state) };
        let Some(&start) = values.get(usize::from(n)) else { return self.fresh(state) };
        let mut at = start;
        for member in &alias.equals.members {
            let address = self.terms.field(at, member.clone());
            at = self.value_at(state, address);
        }
        if self.terms.too_deep(at) { self.fresh(state) } else { at }
    }

    fn error_pointer(
        &mut self,
        state: PathState,
        place: Option<&Place>,
        kind: ErrorPointer,
        values: &[TermId],
        out: &mut Vec<PathState>,
    ) {
        let zero = self.terms.int(0);
        let Some(&value) = values.first() else { return self.finish(state, place, zero, out) };
        match kind {
            ErrorPointer::Convert => self.finish(state, place, value, out),
            ErrorPointer::Test => {
                let test = assume::binary(&mut self.terms, BinaryOp::Lt, value, zero);
                self.finish(state, place, test, out);
            }
            ErrorPointer::TestOrNull => {
                let test = assume::binary(&mut self.terms, BinaryOp::Le, value, zero);
                self.finish(state, place, test, out);
            }
            ErrorPointer::ValueOrZero => {
                for (signs, result) in [(Signs::NEGATIVE, value), (Signs::NOT_NEGATIVE, zero)] {
                    let mut side = state.clone();
                    if constrain(&mut self.terms, &mut side, value, signs) {
                        self.finish(side, place, result, out);
                    }
                }
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn apply_effects(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        name: &Name,
        effects: &[CallEffect],
        args: &[Expr],
        values: &[TermId],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        let result = self.fresh(&mut state);
        let mut sides = vec![Applied { state, result, disturbs: false }];
        for effect in effects {
            let mut next = Vec::new();
            for mut side in sides {
                if !self.is_for_caller(&side.state, effect, values) {
                    side.disturbs = true;
                    next.push(side);
                    continue;
                }
                let key = self.effect_key(&mut side.state, effect, values, side.result, spelled, name);
                let attempt = self.attempt(&side.state, effect, place, values);
                self.apply_effect(side, effect, key, args, attempt, &mut next);
            }
            sides = next;
        }
        for mut side in sides {
            if side.disturbs {
                self.disturb_memory(&mut side.state);
            }
            self.finish(side.state, place, side.result, out);
        }
    }

    /// Whether the effect is one on a lock that the caller owns afterwards.
    fn is_for_caller(&self, state: &PathState, effect: &CallEffect, values: &[TermId]) -> bool {
        self.are_zero(state, &effect.only_if_zero, values)
    }

    /// Whether these arguments are all proved to be zero or null.
    fn are_zero(&self, state: &PathState, arguments: &[u8], values: &[TermId]) -> bool {
        arguments.iter().all(|n| {
            let value = values.get(usize::from(*n));
            value.is_some_and(|&value| assume::signs(&self.terms, state, value, false) == Signs::ZERO)
        })
    }

    /// What becomes of the result, and whether there is any doubt about it.
    fn attempt(
        &self,
        state: &PathState,
        effect: &CallEffect,
        place: Option<&Place>,
        values: &[TermId],
    ) -> Attempt {
        let sure = !effect.sure_if_zero.is_empty() && self.are_zero(state, &effect.sure_if_zero, values);
        match place {
            _ if sure => Attempt::Certain,
            None => Attempt::Ignored,
            // Nobody can mean that of an attempt whose point is that it may fail.
            Some(place) if place.as_local().is_some_and(|id| self.body.local(id).ty == "void") => {
                match effect.effect {
                    Effect::TryAcquire(ResultTest::Zero | ResultTest::ZeroElseNegative) => Attempt::Certain,
                    _ => Attempt::Ignored,
                }
            }
            Some(_) => Attempt::Kept,
        }
    }

    /// The lock that an effect is about, and how the source spells it.
    fn effect_key(
        &mut self,
        state: &mut PathState,
        effect: &CallEffect,
        values: &[TermId],
        result: TermId,
        spelled: &[Name],
        name: &Name,
    ) -> LockKey {
        let argument = |n: &u8| values.get(usize::from(*n)).copied();
        let text = |n: &u8| spelled.get(usize::from(*n)).map(|text| text.to_string());
        if let (LockRoot::Argument(n), true) = (&effect.lock.root, self.profile.family(effect.family).guarded)
            && let Some(address) = argument(n)
        {
            constrain(&mut self.terms, state, address, Signs::POSITIVE);
        }
        let (start, mut spelling) = match &effect.lock.root {
            LockRoot::Argument(n) => (argument(n), text(n)),
            LockRoot::ThroughArgument(n) => {
                let address = argument(n);
                if let (Some(address), Effect::Acquire | Effect::TryAcquire(_)) = (address, effect.effect) {
                    // The call stores a pointer to the lock there.
                    let stored = self.fresh(state);
                    self.write_at(state, address, stored);
                }
                let lock = address.map(|address| self.value_at(state, address));
                (lock, text(n).map(|text| text.strip_prefix('&').map_or(format!("*{text}"), str::to_owned)))
            }
            LockRoot::Pair(a, b) => match (argument(a), argument(b)) {
                (Some(a_value), Some(b_value)) => {
                    let pair = self.terms.intern(Term::Pair(a_value, b_value));
                    (Some(pair), text(a).zip(text(b)).map(|(a, b)| format!("{a}, {b}")))
                }
                _ => (None, None),
            },
            LockRoot::Result => (Some(result), Some(format!("{name}()"))),
            LockRoot::Global => (Some(self.terms.int(0)), None),
            LockRoot::Unknown => (None, None),
        };
        let mut address = start.unwrap_or_else(|| self.wildcard());
        for (at, member) in effect.lock.members.iter().enumerate() {
            address = self.terms.field(address, member.clone());
            if at + 1 < effect.lock.members.len() {
                address = self.value_at(state, address);
            }
            spelling = spelling.map(|text| match text.strip_prefix('&') {
                Some(object) => format!("{object}.{member}"),
                None => format!("{text}->{member}"),
            });
        }
        let key = LockKey { family: effect.family, address: self.terms.canonical(address) };
        let family = &self.profile.family(effect.family).name;
        self.spelling.entry(key).or_insert_with(|| spelling.unwrap_or_else(|| family.to_string()));
        key
    }

    /// Stands for a lock of which only the family is known.
    pub(super) fn wildcard(&mut self) -> TermId {
        self.terms.intern(Term::Const(Name::new_static("?")))
    }

    #[allow(clippy::too_many_arguments)]
    fn apply_summary(
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
        if let Some((family, path, positive)) = &summary.query {
            let zero = self.terms.int(0);
            if let Some(address) = self.instantiate(&state, path, values, zero) {
                let address = self.terms.canonical(address);
                let query = self.terms.intern(Term::Query(*family, address));
                let result =
                    if *positive { query } else { assume::unary(&mut self.terms, UnaryOp::Not, query) };
                return self.finish(state, place, result, out);
            }
        }
        for (family, path, shared) in &summary.takes {
            let zero = self.terms.int(0);
            if let Some(address) = self.instantiate(&state, path, values, zero) {
                let key = LockKey { family: *family, address: self.terms.canonical(address) };
                self.spell(key, path, spelled);
                let held = state.locks.get(key).filter(|lock| lock.is_held());
                if held.is_some_and(|lock| !(*shared && self.goes_with_readers(key, lock))) {
                    self.record(&state, key, EventKind::DoubleAcquire { by: Some(name.clone()) });
                }
            }
        }
        if summary.unknown && summary.cases.iter().all(|case| case.changes.is_empty()) {
            let result = self.unknown_call(&mut state, Some(name), place, args, values);
            return self.finish(state, place, result, out);
        }
        for case in &summary.cases {
            let mut side = state.clone();
            side.doubtful |= self.is_guessed(&state, summary, case, values);
            self.apply_case(side, place, name, case, args, values, spelled, out);
        }
    }

    /// Whether it is a mere guess that the call ends in this way: it leaves alone what another way changes, nothing that it returns
    /// tells them apart, and nobody here has looked at the arguments that do. `if (!size) return 0; lock(object); return 0;`
    fn is_guessed(&mut self, state: &PathState, summary: &Summary, case: &Case, values: &[TermId]) -> bool {
        let rival = |other: &Case| {
            !other.changes.is_empty()
                && other.result.and(case.result) != Signs::NONE
                && (other.value.is_none() || case.value.is_none() || other.value == case.value)
        };
        if !case.changes.is_empty() || !summary.cases.iter().any(rival) {
            return false;
        }
        let zero = self.terms.int(0);
        case.conditions.iter().any(|(path, signs, _)| {
            let Some(term) = self.instantiate(state, path, values, zero) else { return true };
            !assume::signs(&self.terms, state, term, true).within(*signs)
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn apply_case(
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
                self.hand_over(&mut state, key, without_saved(after.now), name);
            } else {
                let mode = match after.now {
                    Now::Held { mode, .. } => mode,
                    _ => crate::profile::LockMode {
                        sharing: crate::profile::Sharing::Any,
                        context: crate::profile::Context::Any,
                    },
                };
                self.release(&mut state, key, mode, None);
            }
        }
        self.finish(state, place, result, out);
    }

    /// The lock that the callee changed, in this body's terms.
    fn changed_key(
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
    fn named_stores(
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
    fn store_presumed(&mut self, state: &mut PathState, address: TermId, value: TermId, firm: bool) {
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
    fn hand_over(&mut self, state: &mut PathState, key: LockKey, now: Now, by: &Name) {
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
    fn goes_with_readers(&self, key: LockKey, lock: LockState) -> bool {
        let family = self.profile.family(key.family);
        let exclusive = matches!(lock.now, Now::Held { mode, .. } if mode.sharing == Sharing::Exclusive);
        family.guarded && family.shared_nests && !exclusive
    }

    pub(super) fn is_wildcard(&self, key: LockKey) -> bool {
        matches!(self.terms.get(key.address), Term::Const(name) if name == "?")
    }

    fn spell(&mut self, key: LockKey, path: &super::summary::Path, spelled: &[Name]) {
        fn text(path: &Path, spelled: &[Name]) -> Option<String> {
            Some(match path {
                Path::Argument(n) => spelled.get(*n)?.to_string(),
                Path::Global(name) => format!("&{name}"),
                Path::Load(inner) => text(inner, spelled)?.trim_start_matches('&').to_owned(),
                Path::Field(base, name) => {
                    let base = text(base, spelled)?;
                    match base.strip_prefix('&') {
                        Some(object) => format!("&{object}.{name}"),
                        None => format!("&{base}->{name}"),
                    }
                }
                Path::Index(base, _) => format!("{}[…]", text(base, spelled)?),
                Path::Pair(a, b) => format!("{}, {}", text(a, spelled)?, text(b, spelled)?),
                Path::Int(value) => value.to_string(),
                Path::Const(name) => name.to_string(),
                Path::Result => "the result".to_owned(),
            })
        }
        if self.spelling.contains_key(&key) {
            return;
        }
        let family = &self.profile.family(key.family).name;
        let text = match path {
            Path::Int(_) => None,
            other => text(other, spelled),
        };
        self.spelling.insert(key, text.unwrap_or_else(|| family.to_string()));
    }
}

/// Whether a call only finds one object by way of another: `to_foo(dev)`, `FOO_I(inode)`, `foo_priv(dev)`.
pub(super) fn is_conversion(name: &str) -> bool {
    const ENDS: [&str; 8] = ["_I", "_SB", "_M", "_INFO", "_PRIV", "_SERVER", "_priv", "drvdata"];
    name.starts_with("to_") || ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether a call's name reads as a question.
fn is_question(name: &str) -> bool {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let asks = |word: &str| PREDICATE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    words.any(asks)
}
