//! Runs paths of blocks again, without joins, and remembers what it ran.
//!
//! What comes out at the end of a path depends on its blocks alone, not on the nodes that led there, so the candidates of all
//! findings of a body share one tree: what two of them begin with is run once.

use super::analysis::LockAnalysis;
use super::state::PathState;
use crate::engine::Analysis;
use crate::ir::cfg::Edge;
use crate::ir::{BlockId, Location};
use smallvec::SmallVec;

/// States followed side by side on one path.
const STATE_LIMIT: usize = 24;
/// States that the statements of one block may come to in between.
const SPLIT_LIMIT: usize = 512;
/// States remembered; with more, the tree is cut down and grows anew. It only saves work, so nothing is lost but time.
const MEMORY_LIMIT: usize = 4_000;

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

struct Run {
    /// The states at the end of the path, or why there are none.
    end: Result<Vec<Trace<()>>, Blocked>,
    longer: SmallVec<[(BlockId, usize); 2]>,
}

/// The paths of one body that were run, as a tree; below its first two nodes, paths that may be doubtful and paths that may not.
#[derive(Default)]
pub struct Replays {
    runs: Vec<Run>,
    states: usize,
}

impl Replays {
    /// The states at the end of `path`, which starts at the entry.
    pub fn follow(
        &mut self,
        analysis: &mut LockAnalysis<'_>,
        path: &[BlockId],
        doubtful: bool,
    ) -> Result<&[Trace<()>], Blocked> {
        if self.runs.is_empty() || self.states > MEMORY_LIMIT {
            let root = || Run { end: Ok(vec![(analysis.entry(), ())]), longer: SmallVec::new() };
            *self = Replays { runs: std::iter::repeat_with(root).take(2).collect(), states: 0 };
        }
        let mut at = usize::from(doubtful);
        for (nth, &block) in path.iter().enumerate() {
            let known = self.runs[at].longer.iter().find(|(next, _)| *next == block);
            at = match known {
                Some(&(_, known)) => known,
                None => self.extend(
                    analysis,
                    at,
                    (nth.checked_sub(1).map(|before| path[before]), block),
                    doubtful,
                ),
            };
            self.runs[at].end.as_ref().map_err(|blocked| *blocked)?;
        }
        self.runs[at].end.as_deref().map_err(|blocked| *blocked)
    }

    fn extend(
        &mut self,
        analysis: &mut LockAnalysis<'_>,
        at: usize,
        (from, block): (Option<BlockId>, BlockId),
        doubtful: bool,
    ) -> usize {
        let start = match (&self.runs[at].end, from) {
            (Err(blocked), _) => Err(*blocked),
            (Ok(traces), None) => Ok(traces.clone()),
            (Ok(traces), Some(from)) => enter(analysis, traces, (from, block), doubtful, &mut Blind),
        };
        let end = start.and_then(|traces| execute(analysis, traces, block, usize::MAX, &mut Blind));
        self.states += end.as_ref().map_or(0, Vec::len);
        let new = self.runs.len();
        self.runs.push(Run { end, longer: SmallVec::new() });
        self.runs[at].longer.push((block, new));
        new
    }
}
