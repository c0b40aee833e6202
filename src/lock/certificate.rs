//! Certificates: the states at block entries, and a checker that re-derives them in one pass.
//!
//! The checker knows no worklist and no joins of its own: from every state of every block it takes one step and looks whether what
//! comes out is covered by a state of the block it comes to. What it accepts is an inductive invariant of the body (Necula, POPL
//! 1997, in spirit: the proof is checked apart from the search for it).

use super::analysis::LockAnalysis;
use super::state::PathState;
use crate::engine::explore::run_block;
use crate::engine::{Analysis, DisjunctLimit, Merge, Results};
use crate::ir::{BlockId, Cfg};
use rustc_hash::FxHashSet;

/// Checks that the states in `results` are closed under execution; answers a hash that names them.
pub fn certify(analysis: &mut LockAnalysis<'_>, results: &Results<PathState>) -> Option<String> {
    if !results.cut.is_empty() {
        return None;
    }
    let recording = std::mem::replace(&mut analysis.recording, false);
    let accepted = is_closed(analysis, results);
    analysis.recording = recording;
    accepted.then(|| hash(results))
}

fn is_closed(analysis: &mut LockAnalysis<'_>, results: &Results<PathState>) -> bool {
    let cfg = &analysis.body().cfg;
    let invariant = Invariant::of(analysis, results, cfg);
    let entry = analysis.entry();
    if !invariant.covers(analysis, cfg.entry(), &entry) {
        return false;
    }
    for block in cfg.blocks() {
        for (state, _) in &invariant.joinable[block.0 as usize] {
            let limit = DisjunctLimit::default();
            let Some(states) = run_block(cfg, analysis, block, (*state).clone(), limit) else {
                return false;
            };
            let mut out = Vec::new();
            for state in &states {
                for edge in cfg.successors(block) {
                    analysis.edge(state.clone(), edge, &mut out);
                    for mut next in out.drain(..) {
                        analysis.settle(&mut next, edge.target);
                        if !invariant.covers(analysis, edge.target, &next) {
                            return false;
                        }
                    }
                }
            }
        }
    }
    true
}

/// The states that stand at each block, prepared to be asked for: nearly always a state that comes out is there as it is.
struct Invariant<'r> {
    exact: FxHashSet<(BlockId, &'r PathState)>,
    /// With what tells that a state cannot be joined into it.
    joinable: Vec<Vec<(&'r PathState, u64)>>,
}

impl<'r> Invariant<'r> {
    fn of(analysis: &LockAnalysis<'_>, results: &'r Results<PathState>, cfg: &Cfg) -> Self {
        let mut exact = FxHashSet::default();
        let states = cfg.blocks().map(|block| {
            let live = results.live(block).map(|node| &node.state);
            let states = live.map(|state| (state, analysis.likeness(state, Merge::SameProperty)));
            states.inspect(|(state, _)| _ = exact.insert((block, *state))).collect()
        });
        let joinable = states.collect();
        Invariant { exact, joinable }
    }

    fn covers(&self, analysis: &mut LockAnalysis<'_>, block: BlockId, state: &PathState) -> bool {
        if self.exact.contains(&(block, state)) {
            return true;
        }
        let likeness = analysis.likeness(state, Merge::SameProperty);
        let alike = self.joinable[block.0 as usize].iter().filter(|(_, other)| *other == likeness);
        alike
            .map(|(old, _)| *old)
            .any(|old| analysis.merge(old, state, block, Merge::SameProperty).as_ref() == Some(old))
    }
}

fn hash(results: &Results<PathState>) -> String {
    let mut hasher = blake3::Hasher::new();
    for node in results.nodes.iter().filter(|node| node.joined_into.is_none()) {
        hasher.update(format!("{} {:?}\n", node.block.0, node.state.locks).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
