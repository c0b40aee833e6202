//! Looks for one path to a node of the explored graph that shows something.
//!
//! The graph holds joined states, so not each of its paths can be walked. Best-first (A*, with the number of steps left as the estimate,
//! which is exact in the graph): every partial path is run as it grows, without joins, and what contradicts itself is followed no further.

use super::analysis::LockAnalysis;
use super::replay::{Blind, Blocked, Trace, enter, execute};
use super::state::PathState;
use crate::engine::{Analysis, NodeId, Results};
use crate::ir::BlockId;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use smallvec::SmallVec;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::hash::{Hash, Hasher};

/// Blocks that are run to find a path.
const SEARCH_LIMIT: usize = 1_500;
/// How often one path may come by one node: the counted loops of drivers go round a few times.
const ROUND_LIMIT: usize = 12;

/// What came of a search.
pub(super) enum Found<T> {
    /// This.
    Shown(T),
    /// No path shows it.
    Nothing,
    /// Not all paths could be tried: a bound was hit.
    GaveUp,
}

/// What a path that reaches the node shows; given are its blocks, and its states at the start of the last of them.
pub(super) type Shows<'s, T> =
    dyn FnMut(&mut LockAnalysis<'_>, &[BlockId], &[Trace<()>]) -> Result<Option<T>, Blocked> + 's;

/// Looks for a path from the entry to `node`, nearest first, of which `shows` tells something.
pub(super) fn search<T>(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    node: NodeId,
    shows: &mut Shows<'_, T>,
) -> Found<T> {
    let doubtful = results.node(node).state.doubtful;
    let ways = Ways::to(results, node);
    let mut work = BinaryHeap::new();
    let mut seen: FxHashSet<(NodeId, u64)> = FxHashSet::default();
    for &root in &results.roots {
        if let Some(&left) = ways.left.get(&root) {
            work.push(Reverse(Partial { path: vec![root], left, traces: vec![(analysis.entry(), ())] }));
        }
    }
    let (mut run, mut cut) = (0, false);
    while let Some(Reverse(partial)) = work.pop() {
        let here = partial.head();
        if partial.left == 0 {
            let blocks: Vec<BlockId> = partial.path.iter().map(|&node| results.node(node).block).collect();
            match shows(analysis, &blocks, &partial.traces) {
                Ok(Some(found)) => return Found::Shown(found),
                Ok(None) | Err(Blocked::Contradicts) => {}
                Err(Blocked::Cut) => cut = true,
            }
        }
        let Some(next) = ways.next.get(&here) else { continue };
        run += 1;
        if run > SEARCH_LIMIT {
            return Found::GaveUp;
        }
        let block = results.node(here).block;
        let Ok(traces) = execute(analysis, partial.traces.clone(), block, usize::MAX, &mut Blind) else {
            cut = true;
            continue;
        };
        for &to in next {
            if partial.path.iter().filter(|&&on| on == to).count() >= ROUND_LIMIT {
                cut = true;
                continue;
            }
            match enter(analysis, &traces, (block, results.node(to).block), doubtful, &mut Blind) {
                Ok(traces) => {
                    if seen.insert((to, digest(&traces))) {
                        work.push(Reverse(partial.longer(to, ways.left[&to], traces)));
                    }
                }
                Err(Blocked::Contradicts) => {}
                Err(Blocked::Cut) => cut = true,
            }
        }
    }
    if cut { Found::GaveUp } else { Found::Nothing }
}

/// The part of the graph from which a node can be reached.
struct Ways {
    /// Steps left from each node.
    left: FxHashMap<NodeId, usize>,
    /// Where each leads, as far as the node is reached from there.
    next: FxHashMap<NodeId, SmallVec<[NodeId; 2]>>,
}

impl Ways {
    fn to(results: &Results<PathState>, node: NodeId) -> Self {
        let mut ways = Ways { left: FxHashMap::default(), next: FxHashMap::default() };
        let mut work = VecDeque::from([(node, 0)]);
        ways.left.insert(node, 0);
        while let Some((at, left)) = work.pop_front() {
            for &from in &results.node(at).predecessors {
                ways.next.entry(from).or_default().push(at);
                ways.left.entry(from).or_insert_with(|| {
                    work.push_back((from, left + 1));
                    left + 1
                });
            }
        }
        ways
    }
}

/// A path that may yet reach the node.
struct Partial {
    path: Vec<NodeId>,
    /// Steps that are left at least.
    left: usize,
    /// The states at the start of its last block.
    traces: Vec<Trace<()>>,
}

impl Partial {
    fn head(&self) -> NodeId {
        *self.path.last().expect("a path holds where it starts")
    }

    fn longer(&self, to: NodeId, left: usize, traces: Vec<Trace<()>>) -> Self {
        let mut path = Vec::with_capacity(self.path.len() + 1);
        path.extend_from_slice(&self.path);
        path.push(to);
        Partial { path, left, traces }
    }

    /// Of equally long ones the one that is nearest goes first, so that ties do not fan out.
    fn rank(&self) -> (usize, usize, &[NodeId]) {
        (self.path.len() + self.left, self.left, &self.path)
    }
}

impl PartialEq for Partial {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Partial {}

impl PartialOrd for Partial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Partial {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

fn digest(traces: &[Trace<()>]) -> u64 {
    let mut hasher = FxHasher::default();
    traces.iter().for_each(|(state, ())| state.hash(&mut hasher));
    hasher.finish()
}
