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
use std::cmp::Reverse;
use std::collections::BinaryHeap;

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

/// One state on a path, and the last of its steps.
type Trace = (PathState, StepList);

/// The last step of a trace in [`Walk::steps`], 0 for none.
type StepList = usize;

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
    let mut walk = Walk {
        results,
        claim,
        doubtful: results.node(node).state.doubtful,
        behind: Vec::new(),
        steps: Vec::new(),
    };
    for path in &paths {
        match walk.run(analysis, path) {
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
    let distance = results.distances();
    let mut found = Vec::new();
    let mut work = BinaryHeap::new();
    // Of equally long ones the one that is nearest to the entry goes first, so that ties do not fan out.
    let far = |id: NodeId| distance[id.0 as usize];
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
            let mut longer = Vec::with_capacity(path.len() + 1);
            longer.extend_from_slice(&path);
            longer.push(from);
            work.push(Reverse((travelled + 1 + left, left, longer)));
        }
    }
    (found, true)
}

enum Outcome {
    Shown(Vec<Step>),
    Contradicts,
    Cut,
}

/// The candidates of one finding, run one after the other. What two of them begin with is run once.
struct Walk<'r> {
    results: &'r Results<PathState>,
    claim: Claim,
    /// Whether the finding's own state contradicts a presumed fact: only then may a path.
    doubtful: bool,
    /// The nodes of the last path, and the traces at the end of each.
    behind: Vec<(NodeId, Vec<Trace>)>,
    /// Steps of all traces, each with the one before it.
    steps: Vec<(StepList, Step)>,
}

impl Walk<'_> {
    fn run(&mut self, analysis: &mut LockAnalysis<'_>, path: &[NodeId]) -> Outcome {
        let Some((&end, way)) = path.split_last() else { return Outcome::Contradicts };
        let shared = self.behind.iter().zip(way).take_while(|((known, _), node)| known == *node).count();
        self.behind.truncate(shared);
        for &node in &way[shared..] {
            let mut traces = match self.enter(analysis, node) {
                Ok(traces) => traces,
                Err(outcome) => return outcome,
            };
            let block = self.results.node(node).block;
            self.execute(analysis, &mut traces, block, usize::MAX);
            self.behind.push((node, traces));
        }
        match self.enter(analysis, end) {
            Ok(traces) => self.finish(analysis, traces, end),
            Err(outcome) => outcome,
        }
    }

    /// The traces at the start of `node`, coming from the node before it.
    fn enter(&mut self, analysis: &mut LockAnalysis<'_>, node: NodeId) -> Result<Vec<Trace>, Outcome> {
        let Some((from, traces)) = self.behind.last() else { return Ok(vec![(analysis.entry(), 0)]) };
        let (block, next) = (self.results.node(*from).block, self.results.node(node).block);
        let mut on = Vec::new();
        let mut out = Vec::new();
        for (state, steps) in traces {
            for edge in analysis.body().cfg.successors(block).filter(|edge| edge.target == next) {
                analysis.edge(state.clone(), edge, &mut out);
                for state in out.drain(..).filter(|state| !state.doubtful || self.doubtful) {
                    let steps = match branch_step(analysis, block, edge) {
                        Some(step) => add_step(&mut self.steps, *steps, step),
                        None => *steps,
                    };
                    on.push((state, steps));
                }
            }
        }
        match on.len() {
            0 => Err(Outcome::Contradicts),
            len if len > STATE_LIMIT => Err(Outcome::Cut),
            _ => Ok(on),
        }
    }

    /// Runs the statements of `block` before `until`.
    fn execute(
        &mut self,
        analysis: &mut LockAnalysis<'_>,
        traces: &mut Vec<Trace>,
        block: BlockId,
        until: usize,
    ) {
        let body = analysis.body();
        let key = self.claim.key();
        let mut states = Vec::new();
        for (at, statement) in body.cfg.block(block).statements.iter().enumerate().take(until) {
            let location = Location { block, statement: at as u32 };
            let mut on = Vec::with_capacity(traces.len());
            for (state, steps) in traces.drain(..) {
                let before = lock_like(analysis, &state, key);
                states.push(state);
                analysis.statement(&mut states, location, statement);
                for state in states.drain(..) {
                    let steps = match change(before, lock_like(analysis, &state, key)) {
                        Some(kind) => add_step(&mut self.steps, steps, Step { kind, at: location }),
                        None => steps,
                    };
                    on.push((state, steps));
                }
            }
            *traces = on;
        }
    }

    /// Whether the traces at the start of the last node come to show the claim.
    fn finish(&mut self, analysis: &mut LockAnalysis<'_>, mut traces: Vec<Trace>, end: NodeId) -> Outcome {
        let block = self.results.node(end).block;
        let shown = match self.claim {
            Claim::Happens { at, key, kind } => {
                self.execute(analysis, &mut traces, block, at.statement as usize);
                traces
                    .iter()
                    .position(|(state, _)| kind.is_none_or(|kind| happens(analysis, state, at, key, kind)))
            }
            Claim::Balance { key, sign } => {
                self.execute(analysis, &mut traces, block, usize::MAX);
                traces.iter().position(|(state, _)| shows(analysis, state, key, sign))
            }
        };
        match shown {
            Some(at) => Outcome::Shown(self.steps_to(traces[at].1)),
            None => Outcome::Contradicts,
        }
    }

    fn steps_to(&self, mut last: StepList) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(at) = last.checked_sub(1) {
            let (before, step) = &self.steps[at];
            steps.push(step.clone());
            last = *before;
        }
        steps.reverse();
        steps
    }
}

fn add_step(steps: &mut Vec<(StepList, Step)>, before: StepList, step: Step) -> StepList {
    steps.push((before, step));
    steps.len()
}

/// The state of the lock, or of the first one that is called like it.
fn lock_like(analysis: &LockAnalysis<'_>, state: &PathState, key: LockKey) -> Option<LockState> {
    let name = analysis.terms.last_symbol(key.address);
    let alike =
        |other: LockKey| other.family == key.family && analysis.terms.last_symbol(other.address) == name;
    let by_name = || state.locks.iter().find(|&(other, _)| alike(other)).map(|(_, lock)| lock);
    state.locks.get(key).or_else(by_name)
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
