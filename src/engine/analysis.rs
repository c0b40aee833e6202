//! What a path-sensitive analysis must say of itself for the engine to run it.

use super::explore::NodeId;
use crate::ir::cfg::Edge;
use crate::ir::{BlockId, Location, Statement};

/// How much two disjuncts may differ and still be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Only in what no branch to come can tell apart, as far as is known.
    Similar,
    /// In anything but the property itself (Das, Lerner, Seigle: ESP, PLDI 2002).
    SameProperty,
}

/// A forward analysis over sets of states.
///
/// One state stands for one set of executions; each transfer may answer none (the path is impossible), one or several.
pub trait Analysis {
    /// What is known at a point on some path.
    type State: Clone + Eq + std::hash::Hash;

    /// The state on entry of the body.
    fn entry(&mut self) -> Self::State;

    /// Told before a node's block is executed, so that findings can be tied to it.
    fn enter(&mut self, _node: NodeId) {}

    /// Executes one statement: replaces `states` by what follows from each.
    fn statement(&mut self, states: &mut Vec<Self::State>, location: Location, statement: &Statement);

    /// Follows one edge out of a block: what of `state` can take it.
    fn edge(&mut self, state: Self::State, edge: Edge<'_>, out: &mut Vec<Self::State>);

    /// The state leaves the function at the end of `block`.
    fn leave(&mut self, state: Self::State, block: BlockId);

    /// Forgets what does not matter from the start of `block` on; makes equal what differs without consequence.
    fn settle(&mut self, state: &mut Self::State, block: BlockId);

    /// A number that is the same for all states that [`Self::merge`] may join with `state` at this level. Of thirty attempts to
    /// join, one succeeds; the others mostly end here.
    fn likeness(&self, state: &Self::State, how: Merge) -> u64;

    /// The join of two states at the start of `block`, or `None` when they may not be joined at this level.
    /// The result must stand for everything that `old` and `new` stand for.
    fn merge(
        &mut self,
        old: &Self::State,
        new: &Self::State,
        block: BlockId,
        how: Merge,
    ) -> Option<Self::State>;
}
