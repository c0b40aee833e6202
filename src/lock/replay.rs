//! Runs paths of blocks again, without joins.

use super::analysis::LockAnalysis;
use super::state::PathState;
use crate::engine::Analysis;
use crate::ir::cfg::Edge;
use crate::ir::{BlockId, Location};

/// States followed side by side on one path.
const STATE_LIMIT: usize = 24;
/// States that the statements of one block may come to in between.
const SPLIT_LIMIT: usize = 512;

/// Why a path cannot be followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It contradicts itself.
    Contradicts,
    /// It splits into too many states.
    Cut,
}

/// One state on a path, and what its follower keeps beside it.
pub type Trace<K> = (PathState, K);

/// Keeps something beside each state of a path that is run.
pub trait Follower {
    /// What it keeps.
    type Kept: Clone;
    /// What it sees of a state.
    type Seen;

    /// What it looks at before and after each statement.
    fn look(&self, analysis: &LockAnalysis<'_>, state: &PathState) -> Self::Seen;

    /// The statement at `at` turned the one into the other.
    fn executed(
        &mut self,
        kept: &Self::Kept,
        at: Location,
        before: &Self::Seen,
        after: &Self::Seen,
    ) -> Self::Kept;

    /// The edge is taken.
    fn taken(&mut self, kept: &Self::Kept, analysis: &LockAnalysis<'_>, edge: Edge<'_>) -> Self::Kept;
}

/// Keeps nothing.
pub struct Blind;

impl Follower for Blind {
    type Kept = ();
    type Seen = ();

    fn look(&self, _: &LockAnalysis<'_>, _: &PathState) {}

    fn executed(&mut self, _: &(), _: Location, _: &(), _: &()) {}

    fn taken(&mut self, _: &(), _: &LockAnalysis<'_>, _: Edge<'_>) {}
}

/// The traces at the start of `to`, of those at the end of `from`. Paths that contradict a presumed fact end here unless `doubtful`.
pub fn enter<F: Follower>(
    analysis: &mut LockAnalysis<'_>,
    traces: &[Trace<F::Kept>],
    (from, to): (BlockId, BlockId),
    doubtful: bool,
    follower: &mut F,
) -> Result<Vec<Trace<F::Kept>>, Blocked> {
    let cfg = &analysis.body().cfg;
    let (mut on, mut out) = (Vec::new(), Vec::new());
    for (state, kept) in traces {
        for edge in cfg.successors(from).filter(|edge| edge.target == to) {
            analysis.edge(state.clone(), edge, &mut out);
            for state in out.drain(..).filter(|state| !state.doubtful || doubtful) {
                on.push((state, follower.taken(kept, analysis, edge)));
            }
        }
    }
    match on.len() {
        0 => Err(Blocked::Contradicts),
        len if len > STATE_LIMIT => Err(Blocked::Cut),
        _ => Ok(on),
    }
}

/// Runs the statements of `block` before `until`.
pub fn execute<F: Follower>(
    analysis: &mut LockAnalysis<'_>,
    mut traces: Vec<Trace<F::Kept>>,
    block: BlockId,
    until: usize,
    follower: &mut F,
) -> Result<Vec<Trace<F::Kept>>, Blocked> {
    let body = analysis.body();
    let mut states = Vec::new();
    for (at, statement) in body.cfg.block(block).statements.iter().enumerate().take(until) {
        let location = Location { block, statement: at as u32 };
        let mut on = Vec::with_capacity(traces.len());
        for (state, kept) in traces {
            let before = follower.look(analysis, &state);
            states.push(state);
            analysis.statement(&mut states, location, statement);
            for state in states.drain(..) {
                let after = follower.look(analysis, &state);
                on.push((state, follower.executed(&kept, location, &before, &after)));
            }
        }
        if on.len() > SPLIT_LIMIT {
            return Err(Blocked::Cut);
        }
        traces = on;
    }
    Ok(traces)
}
