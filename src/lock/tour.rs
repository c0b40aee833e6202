//! One path to each way out of a body, with what happens to every lock on it: what `locks why` shows.
//!
//! A finding's witness follows one lock; a tour follows all of them, for it explains a whole way of ending.

use super::analysis::LockAnalysis;
use super::event::Exit;
use super::replay::{Follower, Trace, enter, execute};
use super::search::{Found, search};
use super::state::{LockKey, LockSet, PathState};
use super::witness::{Step, branch, change, shows};
use crate::engine::{Analysis, Results};
use crate::ir::cfg::Edge;
use crate::ir::{BlockId, Location};

/// A step, and the lock that it changes; branches change none.
pub type Stop = (Option<LockKey>, Step);

/// One path that leaves through exit `at` as the exit says, replayed without joins; `None` when none shows it.
pub fn tour(analysis: &mut LockAnalysis<'_>, results: &Results<PathState>, at: usize) -> Option<Vec<Stop>> {
    let exit = analysis.exits[at].clone();
    let recording = std::mem::replace(&mut analysis.recording, false);
    let found =
        search(analysis, results, exit.node, &mut |analysis, blocks, _| Ok(walk(analysis, blocks, &exit)));
    analysis.recording = recording;
    match found {
        Found::Shown(stops) => Some(stops),
        Found::Nothing | Found::GaveUp => None,
    }
}

fn walk(analysis: &mut LockAnalysis<'_>, path: &[BlockId], exit: &Exit) -> Option<Vec<Stop>> {
    let mut stops = Stops::default();
    let mut traces: Vec<Trace<usize>> = vec![(analysis.entry(), 0)];
    let doubtful = exit.state.doubtful;
    for (nth, &block) in path.iter().enumerate() {
        if nth > 0 {
            traces = enter(analysis, &traces, (path[nth - 1], block), doubtful, &mut stops).ok()?;
        }
        traces = execute(analysis, traces, block, usize::MAX, &mut stops).ok()?;
    }
    let &(_, last) = traces.iter().find(|(state, _)| leaves_so(analysis, state, exit))?;
    Some(stops.up_to(last))
}

/// Whether leaving in `state` is leaving as `exit` does: what is returned is of its kind, and its locks are as out of balance.
fn leaves_so(analysis: &mut LockAnalysis<'_>, state: &PathState, exit: &Exit) -> bool {
    let changed = exit.state.locks.iter().map(|(key, lock)| (key, lock.balance().signum()));
    let fits = changed.into_iter().all(|(key, sign)| sign == 0 || shows(analysis, state, key, sign));
    let even = exit.state.locks.iter().all(|(_, lock)| lock.balance() == 0);
    if !fits || even && state.locks.iter().any(|(_, lock)| lock.balance() != 0) {
        return false;
    }
    let exits = std::mem::take(&mut analysis.exits);
    analysis.recording = true;
    analysis.leave(state.clone(), exit.block);
    analysis.recording = false;
    let left = std::mem::replace(&mut analysis.exits, exits);
    left.iter().any(|other| other.kind == exit.kind)
}

/// Writes down what happens to all locks. Traces that split share the stops before.
#[derive(Default)]
struct Stops {
    /// Each with the number of the one before it, counted from 1.
    list: Vec<(usize, Stop)>,
}

impl Stops {
    fn add(&mut self, before: usize, stop: Stop) -> usize {
        self.list.push((before, stop));
        self.list.len()
    }

    fn up_to(&self, mut last: usize) -> Vec<Stop> {
        let mut stops = Vec::new();
        while let Some(at) = last.checked_sub(1) {
            stops.push(self.list[at].1.clone());
            last = self.list[at].0;
        }
        stops.reverse();
        stops
    }
}

impl Follower for Stops {
    type Kept = usize;
    type Seen = LockSet;

    fn look(&self, _: &LockAnalysis<'_>, state: &PathState) -> LockSet {
        state.locks.clone()
    }

    fn executed(&mut self, kept: &usize, at: Location, before: &LockSet, after: &LockSet) -> usize {
        let mut last = *kept;
        for (key, lock) in after.iter() {
            // A lock whose name only changed, as the value that it hangs on grew older.
            let renamed = before.get(key).is_none()
                && before
                    .iter()
                    .any(|(old, was)| old.family == key.family && was == lock && after.get(old).is_none());
            if let (Some(kind), false) = (change(before.get(key), Some(lock)), renamed) {
                last = self.add(last, (Some(key), Step { kind, at }));
            }
        }
        last
    }

    fn taken(&mut self, kept: &usize, analysis: &LockAnalysis<'_>, edge: Edge<'_>) -> usize {
        branch(analysis, edge).map_or(*kept, |step| self.add(*kept, (None, step)))
    }
}
