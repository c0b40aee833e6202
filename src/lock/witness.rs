//! From a finding back to one path that shows it, replayed without joins before anybody hears of it.
//!
//! The explored nodes form a graph; candidates are its paths from the entry to the finding's node, shortest first. Each is run again
//! with every fact kept. If it contradicts itself, the next is tried; if none survives there is no finding.

use super::analysis::LockAnalysis;
use super::event::EventKind;
use super::state::{LockKey, LockState, PathState};
use crate::engine::{Analysis, NodeId, Results};
use crate::ir::cfg::TerminatorKind;
use crate::ir::{BlockId, Location};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Paths that are replayed before a finding is given up.
const CANDIDATE_LIMIT: usize = 24;
/// Partial paths that are looked at to find them.
const SEARCH_LIMIT: usize = 4_000;
/// States followed side by side on one path.
const STATE_LIMIT: usize = 24;

/// One step of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What happened.
    pub kind: StepKind,
    /// Where.
    pub at: Location,
}

/// What a step shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The lock was taken.
    Acquired,
    /// It was given back.
    Released,
    /// An attempt to take it failed.
    Failed,
    /// A branch went this way.
    Branch {
        /// The condition held.
        taken: bool,
    },
    /// A switch or a loop macro went to this block.
    Into(BlockId),
}

/// Whether and how a finding can happen.
#[derive(Clone, Debug)]
pub enum Replay {
    /// This path shows it.
    Shown(Vec<Step>),
    /// No candidate survives.
    Refuted,
    /// Not all candidates could be tried.
    Undecided,
}

/// What the end of the path must show.
#[derive(Clone, Copy, Debug)]
pub enum Claim {
    /// On leaving, the lock is held more (positive) or less (negative) than on entry.
    Balance {
        /// The lock.
        key: LockKey,
        /// Sign of the balance.
        sign: i32,
    },
    /// The statement is reached, and the same thing happens there again.
    Happens {
        /// The lock.
        key: LockKey,
        /// The statement.
        at: Location,
        /// What happens; `None` when reaching it is enough.
        kind: Option<std::mem::Discriminant<EventKind>>,
    },
}

impl Claim {
    fn key(&self) -> LockKey {
        match self {
            Claim::Balance { key, .. } | Claim::Happens { key, .. } => *key,
        }
    }
}

type Trace = (PathState, Vec<Step>);

/// Looks for a path to `node` that shows `claim`.
pub fn replay(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    node: NodeId,
    claim: Claim,
) -> Replay {
    let (paths, complete) = candidates(results, node);
    let recording = std::mem::replace(&mut analysis.recording, false);
    let mut cut = !complete;
    let mut shown = None;
    for path in &paths {
        match run(analysis, results, path, claim) {
            Outcome::Shown(steps) => {
                shown = Some(steps);
                break;
            }
            Outcome::Contradicts => {}
            Outcome::Cut => cut = true,
        }
    }
    analysis.recording = recording;
    match shown {
        Some(steps) => Replay::Shown(steps),
        None if cut => Replay::Undecided,
        None => Replay::Refuted,
    }
}

/// Paths from the entry to `node`, shortest first, and whether these are all (loops taken once).
fn candidates<S>(results: &Results<S>, node: NodeId) -> (Vec<Vec<NodeId>>, bool) {
    let distance = distances(results);
    let mut found = Vec::new();
    let mut work = BinaryHeap::new();
    // Of equally long ones the one that is nearest to the entry goes first, so that ties do not fan out.
    let far = |id: NodeId| distance.get(&id).copied();
    if let Some(length) = far(node) {
        work.push(Reverse((length, length, vec![node])));
    }
    let mut looked_at = 0;
    while let Some(Reverse((estimate, left, path))) = work.pop() {
        looked_at += 1;
        if looked_at > SEARCH_LIMIT {
            return (found, false);
        }
        let head = *path.last().expect("a path holds its target");
        if left == 0 && results.roots.contains(&head) {
            found.push(path.iter().rev().copied().collect());
            if found.len() == CANDIDATE_LIMIT {
                return (found, work.is_empty());
            }
            continue;
        }
        let travelled = estimate - left;
        for &from in &results.node(head).predecessors {
            if path.iter().filter(|&&on| on == from).count() >= 2 {
                continue;
            }
            let Some(left) = far(from) else { continue };
            let mut longer = path.clone();
            longer.push(from);
            work.push(Reverse((travelled + 1 + left, left, longer)));
        }
    }
    (found, true)
}

/// Number of steps from the entry to each node.
fn distances<S>(results: &Results<S>) -> FxHashMap<NodeId, usize> {
    let mut successors: Vec<Vec<NodeId>> = vec![Vec::new(); results.nodes.len()];
    for (at, node) in results.nodes.iter().enumerate() {
        for from in &node.predecessors {
            successors[from.0 as usize].push(NodeId(at as u32));
        }
    }
    let mut distance = FxHashMap::default();
    distance.extend(results.roots.iter().map(|&root| (root, 0)));
    let mut work = VecDeque::from(results.roots.clone());
    while let Some(node) = work.pop_front() {
        let next = distance[&node] + 1;
        for &to in &successors[node.0 as usize] {
            if let std::collections::hash_map::Entry::Vacant(e) = distance.entry(to) {
                e.insert(next);
                work.push_back(to);
            }
        }
    }
    distance
}

enum Outcome {
    Shown(Vec<Step>),
    Contradicts,
    Cut,
}

fn run(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    path: &[NodeId],
    claim: Claim,
) -> Outcome {
    let cfg = &analysis.body().cfg;
    let mut traces: Vec<Trace> = vec![(analysis.entry(), Vec::new())];
    for (at, &node) in path.iter().enumerate() {
        let block = results.node(node).block;
        let last = at + 1 == path.len();
        if let (true, Claim::Happens { at, key, kind }) = (last, claim) {
            run_statements(analysis, &mut traces, block, key, at.statement as usize);
            traces.retain(|(state, _)| kind.is_none_or(|kind| happens(analysis, state, at, key, kind)));
            return finish(traces, &|_| true);
        }
        run_statements(analysis, &mut traces, block, claim.key(), usize::MAX);
        if last {
            let Claim::Balance { key, sign } = claim else { return Outcome::Contradicts };
            return finish(traces, &|state| shows(analysis, state, key, sign));
        }
        let next = results.node(path[at + 1]).block;
        let mut on = Vec::new();
        for (state, steps) in &traces {
            for edge in cfg.successors(block).filter(|edge| edge.target == next) {
                let mut out = Vec::new();
                analysis.edge(state, edge, &mut out);
                for state in out {
                    let mut steps = steps.clone();
                    steps.extend(branch_step(analysis, block, edge));
                    on.push((state, steps));
                }
            }
        }
        on.retain(|(state, _)| !state.doubtful || results.node(path[path.len() - 1]).state.doubtful);
        if on.is_empty() {
            return Outcome::Contradicts;
        }
        if on.len() > STATE_LIMIT {
            return Outcome::Cut;
        }
        traces = on;
    }
    Outcome::Contradicts
}

/// Whether executing the statement at `at` records such an event again.
fn happens(
    analysis: &mut LockAnalysis<'_>,
    state: &PathState,
    at: Location,
    key: LockKey,
    kind: std::mem::Discriminant<EventKind>,
) -> bool {
    let Some(statement) = analysis.body().cfg.statement(at) else { return true };
    let events = std::mem::take(&mut analysis.events);
    analysis.recording = true;
    analysis.statement(&mut vec![state.clone()], at, statement);
    analysis.recording = false;
    let found = std::mem::replace(&mut analysis.events, events);
    let name = analysis.terms.last_symbol(key.address);
    found.iter().any(|event| {
        std::mem::discriminant(&event.kind) == kind
            && (event.key == key
                || event.key.family == key.family && analysis.terms.last_symbol(event.key.address) == name)
    })
}

fn finish(traces: Vec<Trace>, shows: &dyn Fn(&PathState) -> bool) -> Outcome {
    match traces.into_iter().find(|(state, _)| shows(state)) {
        Some((_, steps)) => Outcome::Shown(steps),
        None => Outcome::Contradicts,
    }
}

/// Whether the lock is out of balance. A lock named by a joined value has another name on a single path.
fn shows(analysis: &LockAnalysis<'_>, state: &PathState, key: LockKey, sign: i32) -> bool {
    let fits = |lock: LockState| lock.balance().signum() == sign;
    if let Some(lock) = state.locks.get(key) {
        return fits(lock);
    }
    if sign == 0 {
        return true;
    }
    if analysis.terms.is_rigid(key.address) {
        return false;
    }
    let name = analysis.terms.last_symbol(key.address);
    state.locks.iter().any(|(other, lock)| {
        other.family == key.family && fits(lock) && analysis.terms.last_symbol(other.address) == name
    })
}

fn run_statements(
    analysis: &mut LockAnalysis<'_>,
    traces: &mut Vec<Trace>,
    block: BlockId,
    key: LockKey,
    until: usize,
) {
    let body = analysis.body();
    for (at, statement) in body.cfg.block(block).statements.iter().enumerate().take(until) {
        let location = Location { block, statement: at as u32 };
        let mut on = Vec::with_capacity(traces.len());
        for (state, steps) in traces.drain(..) {
            let before = state.locks.clone();
            let mut states = vec![state];
            analysis.statement(&mut states, location, statement);
            for state in states {
                let mut steps = steps.clone();
                let same = |locks: &super::state::LockSet| {
                    locks.get(key).or_else(|| {
                        let name = analysis.terms.last_symbol(key.address);
                        let mut alike = locks.iter().filter(|(other, _)| {
                            other.family == key.family && analysis.terms.last_symbol(other.address) == name
                        });
                        alike.next().map(|(_, lock)| lock)
                    })
                };
                if let Some(kind) = change(same(&before), same(&state.locks)) {
                    steps.push(Step { kind, at: location });
                }
                on.push((state, steps));
            }
        }
        *traces = on;
    }
}

fn change(before: Option<LockState>, after: Option<LockState>) -> Option<StepKind> {
    let depth = |lock: Option<LockState>| {
        lock.map_or(0, |lock| match lock.now {
            super::state::Now::Held { depth, .. } => i32::from(depth),
            _ => 0,
        })
    };
    if before == after {
        return None;
    }
    match after.map(|lock| lock.now) {
        Some(super::state::Now::Failed) => Some(StepKind::Failed),
        _ if depth(after) > depth(before) => Some(StepKind::Acquired),
        Some(super::state::Now::Released) => Some(StepKind::Released),
        _ if depth(after) < depth(before) => Some(StepKind::Released),
        _ => None,
    }
}

fn branch_step(analysis: &LockAnalysis<'_>, block: BlockId, edge: crate::ir::cfg::Edge<'_>) -> Option<Step> {
    use crate::ir::EdgeKind;
    let body = analysis.body();
    let at = Location { block, statement: body.cfg.block(block).statements.len() as u32 };
    let kind = match (&body.cfg.block(block).terminator.kind, edge.kind) {
        (TerminatorKind::Branch(_), EdgeKind::True) => StepKind::Branch { taken: true },
        (TerminatorKind::Branch(_), _) => StepKind::Branch { taken: false },
        (TerminatorKind::Switch(_) | TerminatorKind::Choice, _) => StepKind::Into(edge.target),
        _ => return None,
    };
    Some(Step { kind, at })
}
