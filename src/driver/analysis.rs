//! The tree's functions, judged: bottom-up over the call graph, then once more where callers and siblings have something to say.
//!
//! ```text
//! direct functions ─▶ levels ─▶ judge (phase 1) ─▶ summaries ─ tell callers something? ─▶ those callers too, to a fixed point
//!                                                     └─ changes in doubt ─▶ evidence of callers, siblings ─▶ judge (phase 2)
//!                                                           └─ blamed: summary mended, its callers judged again
//! ```
//!
//! Only what `demanded` names and depends on is looked at. The order of work never shows in the result.

use super::Settings;
use super::evidence::{Doubt, Partners};
use super::judge::{FunctionOutcome, Judged, judge};
use super::reading::ReadTree;
use super::slots::Slots;
use crate::diagnostic::Diagnostic;
use crate::interproc::evidence::Evidence;
use crate::interproc::schedule::levels;
use crate::interproc::tree::FunctionId;
use crate::lock::summary::Summary;
use crate::rules::contract_mismatch;
use crate::source::{FileId, SourceMap, TextProvider};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// How often functions are added because a callee turned out to change locks.
const ROUND_LIMIT: usize = 8;
/// How often the functions of a circle are judged to let their summaries settle.
const CIRCLE_LIMIT: usize = 3;
/// In trees of at most so many functions, those too are looked at that have nothing to do with locks but that they call functions that take
/// one and give it back: whoever holds it must not call them. In larger ones that would be most functions.
const SMALL_TREE: usize = 20_000;
/// How often changes that no caller bears out are taken back.
const DOUBT_LIMIT: usize = 3;

pub(super) type Targets = SmallVec<[FunctionId; 1]>;

/// The analysis of a tree.
pub struct TreeAnalysis<'a> {
    pub(super) read: ReadTree,
    pub(super) sources: &'a SourceMap,
    provider: &'a dyn TextProvider,
    pub(super) settings: &'a Settings,
    /// Nobody outside the tree calls its functions.
    pub(super) closed: bool,
    pub(super) judged: FxHashMap<FunctionId, Judged>,
    /// Functions whose changes of locks no caller bears out, with what was asked of callers while they still saw them.
    pub(super) doubted: FxHashMap<FunctionId, Doubt>,
    /// Functions that leave locks out of balance, as first judged.
    pub(super) partners: Partners,
    /// Summaries of names that may mean several definitions.
    pub(super) joined: FxHashMap<Targets, Summary>,
    /// What calls through tables do, and what that asks of whoever is put there.
    pub(super) slots: Slots,
}

/// A function's outcome, with its place.
pub type Outcomes = Vec<(FunctionId, FunctionOutcome)>;

impl<'a> TreeAnalysis<'a> {
    /// Of what was read; `closed` when it is the whole of a project.
    pub fn new(
        read: ReadTree,
        sources: &'a SourceMap,
        provider: &'a dyn TextProvider,
        settings: &'a Settings,
        closed: bool,
    ) -> Self {
        let (judged, joined) = (FxHashMap::default(), FxHashMap::default());
        let (doubted, partners) = (FxHashMap::default(), Partners::default());
        let slots = Slots::of(&read, settings);
        let mut analysis = TreeAnalysis {
            read,
            sources,
            provider,
            settings,
            closed,
            judged,
            doubted,
            partners,
            joined,
            slots,
        };
        let concerned = analysis.slots.concerned(&analysis.read.tree);
        analysis.read.direct.extend(concerned);
        analysis.read.direct.sort_unstable();
        analysis.read.direct.dedup();
        analysis
    }

    /// Judges every function of the files that `given` answers for, in the order of files and text; functions without locks are
    /// left out. Between them, contracts in the source that cannot be read.
    pub fn run(mut self, given: &dyn Fn(FileId) -> bool) -> (ReadTree, Vec<Diagnostic>, Outcomes) {
        self.settle(given);
        let mut outcomes: Outcomes = self
            .judged
            .into_iter()
            .filter(|(function, _)| given(self.read.tree.definition(*function).file))
            .map(|(function, judged)| (function, judged.outcome))
            .filter(|(_, outcome)| !outcome.verdicts.is_empty() || !outcome.diagnostics.is_empty())
            .collect();
        outcomes.sort_unstable_by_key(|(function, _)| *function);
        (self.read, self.slots.faults, outcomes)
    }

    /// All phases, for the functions of the files that `given` answers for.
    pub(super) fn settle(&mut self, given: &dyn Fn(FileId) -> bool) {
        let demanded = self.demanded(given);
        let mut members = self.first_phase(demanded.as_ref());
        self.learn_slots(&mut members);
        self.partners = self.partners();
        self.doubt(&members);
        self.second_phase(given);
    }

    /// The functions that the given ones depend on: themselves, who calls them, who shares a slot with them, and all that those
    /// call. `None`: all.
    fn demanded(&self, given: &dyn Fn(FileId) -> bool) -> Option<FxHashSet<FunctionId>> {
        let tree = &self.read.tree;
        if self.sources.files().all(given) {
            return None;
        }
        let mut work: Vec<FunctionId> =
            tree.functions().filter(|&function| given(tree.definition(function).file)).collect();
        for function in work.clone() {
            work.extend_from_slice(tree.callers(function));
            for slot in tree.slots_of(function) {
                work.extend_from_slice(tree.implementors(slot));
            }
        }
        let mut demanded: FxHashSet<FunctionId> = work.iter().copied().collect();
        while let Some(function) = work.pop() {
            for &(_, callee) in tree.edges(function) {
                if demanded.insert(callee) {
                    work.push(callee);
                }
            }
        }
        Some(demanded)
    }

    /// Judges everything that matters; answers what that was, sorted.
    fn first_phase(&mut self, demanded: Option<&FxHashSet<FunctionId>>) -> Vec<FunctionId> {
        let wanted = |function: &FunctionId| demanded.is_none_or(|demanded| demanded.contains(function));
        let mut members: Vec<FunctionId> = self.read.direct.iter().copied().filter(wanted).collect();
        let mut fresh: FxHashSet<FunctionId> = members.iter().copied().collect();
        for _ in 0..ROUND_LIMIT {
            let new: Vec<FunctionId> = fresh.iter().copied().collect();
            self.read.load(&new, self.sources, self.provider);
            let spreading = self.round(&members, std::mem::take(&mut fresh));
            for function in spreading {
                for &caller in self.read.tree.callers(function).iter().filter(|caller| wanted(caller)) {
                    if members.binary_search(&caller).is_err() {
                        fresh.insert(caller);
                    }
                }
            }
            if fresh.is_empty() {
                break;
            }
            members.extend(fresh.iter().copied());
            members.sort_unstable();
        }
        members
    }

    /// What the functions of undeclared slots have in common may change what their callers are taken to do, and makes the one that
    /// deviates remarkable.
    fn learn_slots(&mut self, members: &mut Vec<FunctionId>) {
        let again = self.slots.infer(&self.read, &self.judged, members);
        if again.is_empty() {
            return;
        }
        self.read.load(&again, self.sources, self.provider);
        members.extend(again.iter().copied());
        members.sort_unstable();
        members.dedup();
        self.round(members, again.into_iter().collect());
    }

    /// A function that leaves locks changed without saying so, and whose callers mostly act as if it did not, is either wrong or not
    /// understood. Either way its callers are not to be judged by what it seems to do.
    fn doubt(&mut self, members: &[FunctionId]) {
        for _ in 0..DOUBT_LIMIT {
            let mut dirty: FxHashSet<FunctionId> = FxHashSet::default();
            let alone: Vec<(FunctionId, Doubt)> =
                members.iter().filter_map(|&function| Some((function, self.doubtful(function)?))).collect();
            if alone.is_empty() {
                return;
            }
            for (function, doubt) in alone {
                if let Some(judged) = self.judged.get_mut(&function) {
                    judged.summary.doubt(&doubt.families);
                }
                match self.doubted.get_mut(&function) {
                    Some(known) => known.families.extend(doubt.families),
                    None => drop(self.doubted.insert(function, doubt)),
                }
                dirty.extend(
                    self.read.tree.callers(function).iter().filter(|f| members.binary_search(f).is_ok()),
                );
            }
            self.round(members, dirty);
        }
    }

    /// Judges the `dirty` ones among `members`, and whoever depends on what changes by that. Answers whose summary tells callers
    /// something that they did not know.
    fn round(&mut self, members: &[FunctionId], mut dirty: FxHashSet<FunctionId>) -> Vec<FunctionId> {
        let order =
            levels(members, &|function| self.read.tree.edges(function).iter().map(|edge| edge.1).collect());
        let mut spreading = Vec::new();
        let small = self.read.tree.len() <= SMALL_TREE;
        for level in order {
            let work: Vec<&Vec<FunctionId>> = level
                .iter()
                .filter(|component| component.iter().any(|function| dirty.contains(function)))
                .collect();
            self.join_twins(work.iter().flat_map(|component| component.iter().copied()));
            let done: Vec<Vec<(FunctionId, Judged)>> =
                work.par_iter().map(|component| self.component(component)).collect();
            for (function, mut judged) in done.into_iter().flatten() {
                if let Some(doubt) = self.doubted.get(&function) {
                    judged.summary.doubt(&doubt.families);
                }
                let before = self.judged.get(&function).map(|judged| &judged.summary);
                let changed = match before {
                    Some(before) => *before != judged.summary,
                    None => judged.summary.tells_something(),
                };
                if changed {
                    dirty.extend(self.read.tree.callers(function).iter().copied());
                    if judged.summary.spreads() || small && !judged.summary.takes.is_empty() {
                        spreading.push(function);
                    }
                }
                self.judged.insert(function, judged);
            }
        }
        spreading
    }

    /// Judges the functions of one component; within a circle each is judged with what the others said last.
    fn component(&self, component: &[FunctionId]) -> Vec<(FunctionId, Judged)> {
        let nothing = FxHashMap::default();
        let calls_itself = |function: &FunctionId| {
            self.read.tree.edges(*function).iter().any(|(_, callee)| callee == function)
        };
        if let [function] = component
            && !calls_itself(function)
        {
            return self
                .judge(*function, None, &nothing)
                .map(|judged| (*function, judged))
                .into_iter()
                .collect();
        }
        let mut summaries: FxHashMap<FunctionId, Summary> = FxHashMap::default();
        let mut results = Vec::new();
        for _ in 0..CIRCLE_LIMIT {
            results.clear();
            let mut settled = true;
            for &function in component {
                let Some(mut judged) = self.judge(function, None, &summaries) else { continue };
                // What was taken is taken, though a finding about just that be made of it now.
                if let Some(before) = summaries.get(&function) {
                    for take in &before.takes {
                        if !judged.summary.takes.contains(take) {
                            judged.summary.takes.push(take.clone());
                        }
                    }
                }
                settled &= summaries.get(&function) == Some(&judged.summary);
                results.push((function, judged));
            }
            summaries = results
                .iter()
                .map(|(function, judged): &(_, Judged)| (*function, judged.summary.clone()))
                .collect();
            if settled {
                return results;
            }
        }
        // Each summary rests on another that may still change.
        for (_, judged) in &mut results {
            judged.summary.forget();
        }
        results
    }

    /// Makes the summaries of names that mean several definitions, for callers in `functions`.
    fn join_twins(&mut self, functions: impl Iterator<Item = FunctionId>) {
        for function in functions {
            let edges = self.read.tree.edges(function);
            for twins in edges.chunk_by(|a, b| a.0 == b.0).filter(|twins| twins.len() > 1) {
                let targets: Targets = twins.iter().map(|edge| edge.1).collect();
                let summaries: Vec<Option<&Summary>> = targets
                    .iter()
                    .map(|target| self.judged.get(target).map(|judged| &judged.summary))
                    .collect();
                if let Some(joined) = Summary::join(&summaries) {
                    self.joined.insert(targets, joined);
                }
            }
        }
    }

    fn judge(
        &self,
        function: FunctionId,
        evidence: Option<Evidence>,
        circle: &FxHashMap<FunctionId, Summary>,
    ) -> Option<Judged> {
        self.with_body(function, circle, |body, meanings, text, declared| {
            let certify =
                self.settings.verdicts || self.settings.require_proved && !meanings.contract.is_empty();
            let mut judged = judge(body, meanings, text, evidence, certify);
            judged.summary.wants.extend(declared.wants);
            let faults = declared.faults.into_iter();
            let unreadable = faults.map(|(span, error)| {
                contract_mismatch::unreadable(&contract_mismatch::META, &body.name, span, error)
            });
            judged.outcome.diagnostics.extend(unreadable);
            judged
        })
    }

    fn second_phase(&mut self, given: &dyn Fn(FileId) -> bool) {
        let mut pending: Vec<FunctionId> =
            self.judged.iter().filter(|(_, judged)| judged.pending).map(|(function, _)| *function).collect();
        pending.extend(self.thread_functions());
        pending.sort_unstable();
        pending.dedup();
        let nothing = FxHashMap::default();
        let again = |this: &Self, functions: &[FunctionId]| -> Vec<(FunctionId, Judged)> {
            let done = functions.par_iter().filter_map(|&function| {
                let asked = this.doubted.get(&function).map(|doubt| doubt.evidence.clone());
                let evidence = asked.unwrap_or_else(|| this.evidence(function));
                this.judge(function, Some(evidence), &nothing).map(|judged| (function, judged))
            });
            done.collect()
        };
        let mut touched: Vec<FunctionId> = Vec::new();
        for (function, mut judged) in again(self, &pending) {
            if let Some(doubt) = self.doubted.get(&function) {
                judged.summary.doubt(&doubt.families);
            }
            let before = self.judged.get(&function);
            if judged.blamed && before.is_some_and(|before| before.summary != judged.summary) {
                touched.extend_from_slice(self.read.tree.callers(function));
            }
            self.judged.insert(function, judged);
        }
        touched.sort_unstable();
        touched.dedup();
        touched.retain(|function| {
            given(self.read.tree.definition(*function).file) && self.judged.contains_key(function)
        });
        self.join_twins(touched.iter().copied());
        for (function, judged) in again(self, &touched) {
            self.judged.insert(function, judged);
        }
    }
}
