//! Calls: what their meaning does to values, paths and locks.

use super::analysis::LockAnalysis;
use super::assume::{self, assume, constrain, disbelieve};
use super::effects::{Applied, Attempt};
use super::event::EventKind;
use super::fold;
use super::locals::addresses;
use super::meaning::{CallMeaning, ErrorPointer};
use super::path::Path;
use super::presume::{is_conversion, is_question};
use super::state::{LockKey, PathState, Signs};
use super::terms::{Term, TermId};
use crate::ir::{BinaryOp, Callee, Expr, LocalKind, Name, Place};
use crate::profile::{Alias, CallEffect, Effect, LockFamily, LockRoot, NoReturn, ResultTest};

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
            if let Some(meaning) = self.slot_meaning(callee) {
                return self.call_slot(state, place, meaning, args, &values, spelled, out);
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
            CallMeaning::Effects(effects, path) => {
                self.apply_effects(state, place, name, (effects, path), args, &values, spelled, out);
            }
            CallMeaning::NoReturn(NoReturn::Always) => {
                if self.profile.thread_ends.contains(name) {
                    self.record_held(&state, EventKind::ThreadEnds, |_| true);
                }
            }
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
                if !self.profile.warnings.contains(name) {
                    return self.finish(state, place, result, out);
                }
                self.warn(state, place, args, &values, result, out);
            }
            CallMeaning::Alias(alias) => {
                let result = self.alias(&mut state, alias, &values);
                if !self.profile.warnings.contains(name) {
                    return self.finish(state, place, result, out);
                }
                self.warn(state, place, args, &values, result, out);
            }
            CallMeaning::ErrorPointer(kind) => self.error_pointer(state, place, kind, &values, out),
            CallMeaning::Unknown => {
                let result = self.unknown_call(&mut state, Some(name), place, args, &values);
                self.finish(state, place, result, out);
            }
        }
    }

    /// `WARN_ON(condition);` as a statement: nobody believes that the condition is ever true. Where a branch hangs on the warning,
    /// it is a way out like any other (unless it asks whether a lock is held: that is no guard either), and so is what stands behind
    /// `WARN_ON(1);`.
    fn warn(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        args: &[Expr],
        values: &[TermId],
        condition: TermId,
        out: &mut Vec<PathState>,
    ) {
        let asks = self.terms.has_query(condition);
        if place.is_none() && !asks {
            let written = args.iter().zip(values).find(|(_, value)| **value == condition);
            if !written.is_some_and(|(arg, _)| matches!(arg, Expr::Int(_) | Expr::Const(_))) {
                disbelieve(&mut self.terms, &mut state, condition);
            }
        }
        if place.is_some() && asks {
            self.finish_zero(state.clone(), place, out);
            state.doubtful = true;
            let one = self.terms.int(1);
            return self.finish(state, place, one, out);
        }
        self.finish(state, place, condition, out);
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

    pub(super) fn disturb(&mut self, state: &mut PathState, args: &[Expr]) {
        self.disturb_memory(state);
        if self.profile.lends_explicitly {
            return;
        }
        let mut given = Vec::new();
        for arg in args {
            addresses(self.body, arg, &mut |id| given.push(id));
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
        mut state: PathState,
        place: Option<&Place>,
        kind: ErrorPointer,
        values: &[TermId],
        out: &mut Vec<PathState>,
    ) {
        let zero = self.terms.int(0);
        let Some(&value) = values.first() else { return self.finish(state, place, zero, out) };
        match kind {
            ErrorPointer::Make => {
                // `if (err) return ERR_PTR(err);` is not written for positive numbers.
                let known = assume::signs(&self.terms, &state, value, true);
                if known != Signs::NEGATIVE && known.within(Signs::NONZERO) && known != Signs::POSITIVE {
                    constrain(&mut self.terms, &mut state, value, Signs::NEGATIVE);
                }
                self.finish(state, place, value, out);
            }
            ErrorPointer::Convert => self.finish(state, place, value, out),
            ErrorPointer::Test => {
                let test = fold::binary(&mut self.terms, BinaryOp::Lt, value, zero);
                self.finish(state, place, test, out);
            }
            ErrorPointer::TestOrNull => {
                let test = fold::binary(&mut self.terms, BinaryOp::Le, value, zero);
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
        (effects, path): (&[CallEffect], Option<&Path>),
        args: &[Expr],
        values: &[TermId],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        let result = self.fresh(&mut state);
        let told = path.and_then(|path| {
            let address = self.instantiate(&state, path, values, result)?;
            Some((self.terms.canonical(address), path.spelled(spelled)?))
        });
        let mut sides = vec![Applied { state, result, disturbs: false }];
        for effect in effects {
            let mut next = Vec::new();
            for mut side in sides {
                // Otherwise something else owns the lock afterwards.
                if !self.are_zero(&side.state, &effect.only_if_zero, values) {
                    side.disturbs = true;
                    next.push(side);
                    continue;
                }
                let key = match &told {
                    Some((address, text)) => {
                        let key = LockKey { family: effect.family, address: *address };
                        self.spelling.entry(key).or_insert_with(|| text.clone());
                        key
                    }
                    None => self.effect_key(&mut side.state, effect, values, side.result, spelled, name),
                };
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
            None if effect.rarely_fails => Attempt::Certain,
            Some(_) if effect.rarely_fails => Attempt::Unlikely,
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

    pub(super) fn is_wildcard(&self, key: LockKey) -> bool {
        matches!(self.terms.get(key.address), Term::Const(name) if name == "?")
    }
}
