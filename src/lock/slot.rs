//! Calls through a member of a table: what they do is what the slot declares, or what the functions put there seem to do.

use super::analysis::LockAnalysis;
use super::contract::Term;
use super::path::Path;
use super::state::{Entry, LockKey, LockState, Now, PathState, Signs};
use super::summary::{Case, LockChange, Summary};
use super::terms::TermId;
use crate::ir::{Callee, Expr, Name, Place};
use crate::profile::{Context, FamilyId, LockMode};

/// What a call through a slot does.
#[derive(Clone, Debug)]
pub struct SlotMeaning {
    /// The slot: `row.action`.
    pub slot: Name,
    /// What it does.
    pub effect: SlotEffect,
}

/// See [`SlotMeaning`].
#[derive(Clone, Debug)]
pub enum SlotEffect {
    /// Declared: exactly this.
    Declared(Vec<Term>),
    /// Nobody says so, but functions that are put there give back these locks of their callers': a caller that holds one may have
    /// lost it, and nothing is concluded from that.
    Presumed(Vec<(FamilyId, Path)>),
}

impl SlotMeaning {
    /// Families and last member names of the locks that a call may release; without a family where only the call tells it.
    pub(super) fn released_shapes(&self) -> Vec<(FamilyId, Option<Name>)> {
        let named = |families: &[FamilyId], path: &Path| -> Vec<_> {
            families.iter().map(|family| (*family, super::path::last_name(path))).collect()
        };
        match &self.effect {
            SlotEffect::Declared(terms) => {
                let released = terms.iter().filter(|term| term.promise.balance() < 0);
                released
                    .flat_map(|term| term.paths.iter().flat_map(|path| named(&term.families, path)))
                    .collect()
            }
            SlotEffect::Presumed(released) => {
                released.iter().flat_map(|(family, path)| named(&[*family], path)).collect()
            }
        }
    }
}

impl<'a> LockAnalysis<'a> {
    /// What a call through `callee` means, when a slot says so.
    pub(super) fn slot_meaning(&self, callee: &Callee) -> Option<&'a SlotMeaning> {
        let Callee::Through(place) = callee else { return None };
        let (table, member) = self.body.member_of(place)?;
        (self.meanings.slots)(table, member)
    }

    /// Executes a call through a slot.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_slot(
        &mut self,
        mut state: PathState,
        place: Option<&Place>,
        meaning: &SlotMeaning,
        args: &[Expr],
        values: &[TermId],
        spelled: &[Name],
        out: &mut Vec<PathState>,
    ) {
        match &meaning.effect {
            SlotEffect::Declared(terms) => {
                let meant: Vec<(&Term, FamilyId, Path)> = terms
                    .iter()
                    .filter_map(|term| {
                        self.lock_meant(&state, term, values).map(|(family, path)| (term, family, path))
                    })
                    .collect();
                let summary = declared(&meant);
                self.apply_summary(state, place, &meaning.slot, &summary, args, values, spelled, out);
            }
            SlotEffect::Presumed(released) => {
                let zero = self.terms.int(0);
                for (family, path) in released {
                    self.uncertain.insert(*family);
                    let Some(address) = self.instantiate(&state, path, values, zero) else { continue };
                    let key = LockKey { family: *family, address: self.terms.canonical(address) };
                    if let Some(lock) = state.locks.get(key).filter(LockState::is_held) {
                        state.locks.set(key, LockState { now: Now::Transferred, ..lock });
                    }
                }
                let result = self.unknown_call(&mut state, None, place, args, values);
                self.finish(state, place, result, out);
            }
        }
    }

    /// Which of the locks that `term` may mean is meant at a call: one that the caller holds, else the likeliest. Of a lock without a
    /// family, the one that the caller deals with elsewhere under such a name; `None` when there is none.
    fn lock_meant(&mut self, state: &PathState, term: &Term, values: &[TermId]) -> Option<(FamilyId, Path)> {
        let zero = self.terms.int(0);
        for path in &term.paths {
            let Some(address) = self.instantiate(state, path, values, zero) else { continue };
            let address = self.terms.canonical(address);
            let fits = |family| term.families.is_empty() || term.families.contains(&family);
            let mut held = state.locks.iter().filter(|(key, lock)| lock.is_held() && key.address == address);
            if let Some((key, _)) = held.find(|(key, _)| fits(key.family)) {
                return Some((key.family, path.clone()));
            }
        }
        let path = term.paths.first()?;
        let elsewhere = || self.relevance.family_of(super::path::last_name(path).as_ref());
        let family = term.families.first().copied().or_else(elsewhere)?;
        Some((family, path.clone()))
    }
}

/// What a call does whose effect is declared.
fn declared(meant: &[(&Term, FamilyId, Path)]) -> Summary {
    let case = |signs: Signs, value: Option<i64>| {
        let change = |(term, family, path): &(&Term, FamilyId, Path)| {
            let state = match term.balance_at(signs, value).unwrap_or(0) {
                0 => return None,
                balance if balance < 0 => LockState { entry: Entry::Held, now: Now::Released },
                _ => {
                    let mode = LockMode { sharing: term.sharing, context: Context::Any };
                    LockState { entry: Entry::Free, now: Now::Held { depth: 1, mode, saved: None } }
                }
            };
            Some(LockChange {
                family: *family,
                path: Some(path.clone()),
                state,
                attempt: false,
                leaves: Context::Any,
            })
        };
        let changes = meant.iter().filter_map(change).collect();
        Case { result: signs, value, changes, ..Case::unknown() }
    };
    let conditions = || meant.iter().filter_map(|(term, ..)| term.on.as_ref());
    let mut cases: Vec<Case> = Vec::new();
    if conditions().next().is_none() {
        cases.push(case(Signs::ANY, None));
    } else {
        for signs in [Signs::NEGATIVE, Signs::ZERO, Signs::POSITIVE] {
            let this = case(signs, None);
            match cases.iter_mut().find(|other| other.changes == this.changes) {
                Some(other) => other.result = other.result.or(signs),
                None => cases.push(this),
            }
        }
        // Zero is a sign of its own; another number is one of many of its sign.
        let mut numbers: Vec<i64> =
            conditions().filter_map(|on| on.value).filter(|&value| value != 0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        cases.extend(numbers.into_iter().map(|value| case(Signs::of(value), Some(value))));
    }
    Summary {
        cases,
        takes: Vec::new(),
        wants: Vec::new(),
        query: None,
        uncertain: Vec::new(),
        unsure: Vec::new(),
        unsure_inside: Vec::new(),
        unknown: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::contract::Contract;
    use crate::profile::Profile;

    fn effect(contract: &str) -> Vec<(u8, Option<i64>, Vec<i32>)> {
        let terms = Contract::parse(contract).expect("a contract").bind(&Profile::default(), &[]);
        let meant: Vec<_> = terms.iter().map(|term| (term, FamilyId(0), term.paths[0].clone())).collect();
        let balances = |case: &Case| case.changes.iter().map(|change| change.state.balance()).collect();
        declared(&meant).cases.iter().map(|case| (case.result.0, case.value, balances(case))).collect()
    }

    #[test]
    fn a_declared_call_ends_in_as_many_ways_as_its_conditions_tell_apart() {
        assert_eq!(effect("releases(arg0) holds(arg1)"), [(7, None, vec![-1])]);
        assert_eq!(effect("acquires(arg0, on = 0)"), [(5, None, vec![]), (2, None, vec![1])]);
        assert_eq!(
            effect("acquires(arg0, on = zero) releases(arg1, on = negative)"),
            [(1, None, vec![-1]), (2, None, vec![1]), (4, None, vec![])]
        );
        assert_eq!(effect("acquires(arg0, on = 1)"), [(7, None, vec![]), (4, Some(1), vec![1])]);
    }
}
