//! Certificates: the states at block entries, and a checker that re-derives them in one pass.
//!
//! The checker knows no worklist and no joins of its own: from every state of every block it takes one step and looks whether what
//! comes out is covered by a state of the block it comes to. What it accepts is an inductive invariant of the body (Necula, POPL
//! 1997, in spirit: the proof is checked apart from the search for it).

use super::analysis::LockAnalysis;
use super::state::PathState;
use crate::engine::explore::run_block;
use crate::engine::{Analysis, DisjunctLimit, Merge, Results};

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
    let entry = analysis.entry();
    if !covered(analysis, results, cfg.entry(), &entry) {
        return false;
    }
    for block in cfg.blocks() {
        for node in results.live(block) {
            let limit = DisjunctLimit::default();
            let Some(states) = run_block(cfg, analysis, block, node.state.clone(), limit) else {
                return false;
            };
            let mut out = Vec::new();
            for state in &states {
                for edge in cfg.successors(block) {
                    analysis.edge(state.clone(), edge, &mut out);
                    for mut next in out.drain(..) {
                        analysis.settle(&mut next, edge.target);
                        if !covered(analysis, results, edge.target, &next) {
                            return false;
                        }
                    }
                }
            }
        }
    }
    true
}

fn covered(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    block: crate::ir::BlockId,
    state: &PathState,
) -> bool {
    results.live(block).any(|node| {
        node.state == *state
            || analysis.merge(&node.state, state, block, Merge::SameProperty).as_ref() == Some(&node.state)
    })
}

fn hash(results: &Results<PathState>) -> String {
    let mut hasher = blake3::Hasher::new();
    for node in results.nodes.iter().filter(|node| node.joined_into.is_none()) {
        hasher.update(format!("{} {:?}\n", node.block.0, node.state.locks).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
