//! From a finding back to one path that shows it, replayed without joins before anybody hears of it.
//!
//! The explored nodes form a graph; looked for is a path through it from the entry to the finding's node that, run again with every fact
//! kept, does not contradict itself and shows what is claimed. If there is none, there is no finding.

use super::analysis::LockAnalysis;
use super::event::EventKind;
use super::replay::{Blind, Blocked, Follower, Trace, enter, execute};
use super::search::{Found, search};
use super::state::{LockKey, LockState, PathState};
use crate::engine::{Analysis, NodeId, Results};
use crate::ir::cfg::{Edge, TerminatorKind};
use crate::ir::{BlockId, EdgeKind, Location};

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
    /// The text says that the caller holds it: an assertion.
    Presumed,
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

/// Looks for a path to `node` that shows `claim`.
pub fn replay(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    node: NodeId,
    claim: Claim,
) -> Replay {
    let doubtful = results.node(node).state.doubtful;
    let recording = std::mem::replace(&mut analysis.recording, false);
    let found = search(analysis, results, node, &mut |analysis, blocks, traces| {
        let shown = showing(analysis, blocks, traces, claim)?;
        Ok(shown.map(|trace| (blocks.to_vec(), trace)))
    });
    let replay = match found {
        Found::Shown((blocks, trace)) => Replay::Shown(explain(analysis, &blocks, doubtful, claim, trace)),
        Found::Nothing => Replay::Refuted,
        Found::GaveUp => Replay::Undecided,
    };
    analysis.recording = recording;
    replay
}

/// Which of the traces, run on through the last of `blocks`, shows the claim.
fn showing(
    analysis: &mut LockAnalysis<'_>,
    blocks: &[BlockId],
    traces: &[Trace<()>],
    claim: Claim,
) -> Result<Option<usize>, Blocked> {
    let Some(&last) = blocks.last() else { return Ok(None) };
    let until = match claim {
        Claim::Balance { .. } => usize::MAX,
        Claim::Happens { at, .. } => at.statement as usize,
    };
    let traces = execute(analysis, traces.to_vec(), last, until, &mut Blind)?;
    Ok(match claim {
        Claim::Balance { key, sign } => {
            traces.iter().position(|(state, ())| shows(analysis, state, key, sign))
        }
        Claim::Happens { at, key, kind } => {
            let happens =
                |(state, ()): &Trace<()>| kind.is_none_or(|kind| happens(analysis, state, at, key, kind));
            traces.iter().position(happens)
        }
    })
}

/// The steps of the trace numbered `trace` at the end of `path`: it is run once more, this time written down.
fn explain(
    analysis: &mut LockAnalysis<'_>,
    path: &[BlockId],
    doubtful: bool,
    claim: Claim,
    trace: usize,
) -> Vec<Step> {
    let mut steps = Steps { key: claim.key(), list: Vec::new() };
    let mut traces = vec![(analysis.entry(), 0)];
    for (nth, &block) in path.iter().enumerate() {
        if nth > 0 {
            traces =
                enter(analysis, &traces, (path[nth - 1], block), doubtful, &mut steps).unwrap_or_default();
        }
        let until = match claim {
            Claim::Happens { at, .. } if nth + 1 == path.len() => at.statement as usize,
            _ => usize::MAX,
        };
        traces = execute(analysis, traces, block, until, &mut steps).unwrap_or_default();
    }
    traces.get(trace).map(|&(_, last)| steps.up_to(last)).unwrap_or_default()
}

/// Writes down what happens to one lock. Traces that split share the steps before.
struct Steps {
    key: LockKey,
    /// Each with the number of the one before it, counted from 1.
    list: Vec<(usize, Step)>,
}

impl Steps {
    fn add(&mut self, before: usize, kind: StepKind, at: Location) -> usize {
        self.list.push((before, Step { kind, at }));
        self.list.len()
    }

    fn up_to(&self, mut last: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(at) = last.checked_sub(1) {
            steps.push(self.list[at].1.clone());
            last = self.list[at].0;
        }
        steps.reverse();
        steps
    }
}

impl Follower for Steps {
    type Kept = usize;
    type Seen = Option<LockState>;

    /// The state of the lock, or of the first one that is called like it.
    fn look(&self, analysis: &LockAnalysis<'_>, state: &PathState) -> Option<LockState> {
        let name = analysis.terms.last_symbol(self.key.address);
        let alike = |other: LockKey| {
            other.family == self.key.family && analysis.terms.last_symbol(other.address) == name
        };
        let by_name = || state.locks.iter().find(|&(other, _)| alike(other)).map(|(_, lock)| lock);
        state.locks.get(self.key).or_else(by_name)
    }

    fn executed(
        &mut self,
        kept: &usize,
        at: Location,
        before: &Option<LockState>,
        after: &Option<LockState>,
    ) -> usize {
        change(*before, *after).map_or(*kept, |kind| self.add(*kept, kind, at))
    }

    fn taken(&mut self, kept: &usize, analysis: &LockAnalysis<'_>, edge: Edge<'_>) -> usize {
        branch(analysis, edge).map_or(*kept, |step| self.add(*kept, step.kind, step.at))
    }
}

/// The step that the edge is, if it is one.
pub(super) fn branch(analysis: &LockAnalysis<'_>, edge: Edge<'_>) -> Option<Step> {
    let block = analysis.body().cfg.block(edge.source);
    let at = Location { block: edge.source, statement: block.statements.len() as u32 };
    let kind = match (&block.terminator.kind, edge.kind) {
        (TerminatorKind::Branch(_), kind) => StepKind::Branch { taken: *kind == EdgeKind::True },
        (TerminatorKind::Switch(_) | TerminatorKind::Choice, _) => StepKind::Into(edge.target),
        _ => return None,
    };
    Some(Step { kind, at })
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
pub(super) fn shows(analysis: &LockAnalysis<'_>, state: &PathState, key: LockKey, sign: i32) -> bool {
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

pub(super) fn change(before: Option<LockState>, after: Option<LockState>) -> Option<StepKind> {
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
        Some(super::state::Now::Held { .. })
            if before.is_none() && after.is_some_and(|lock| lock.entry == super::state::Entry::Held) =>
        {
            Some(StepKind::Presumed)
        }
        _ if depth(after) > depth(before) => Some(StepKind::Acquired),
        Some(super::state::Now::Released) => Some(StepKind::Released),
        _ if depth(after) < depth(before) => Some(StepKind::Released),
        _ => None,
    }
}
