//! The worklist over (block, disjunct) nodes, with bounds that speak.
//!
//! Nodes are kept with all their predecessors, so that a witness is a shortest path in the node graph. A node whose
//! state was joined into another stays (paths run through it) but is not executed again.

use super::analysis::{Analysis, Merge};
use crate::ir::{BlockId, Cfg, Location};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;

/// A node of the explored graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One disjunct at the start of one block.
#[derive(Clone, Debug)]
pub struct Node<S> {
    /// The block.
    pub block: BlockId,
    /// What is known at its start.
    pub state: S,
    /// Nodes whose execution leads here; empty for the entry.
    pub predecessors: SmallVec<[NodeId; 2]>,
    /// The node that this one was joined into.
    pub joined_into: Option<NodeId>,
}

/// Bounds on the number of disjuncts. Each is a policy with a voice: what is cut is said in [`Results::cut`].
#[derive(Clone, Copy, Debug)]
pub struct DisjunctLimit {
    /// At a block: more than this, and similar disjuncts are joined.
    pub similar: usize,
    /// At a block: more than this, and disjuncts of the same property are joined.
    pub same_property: usize,
    /// At a block: more than this, and further ones are dropped; the body is not decided.
    pub block: usize,
    /// In the middle of a block: calls one after the other, each with several outcomes, may come to more than this; then the path is
    /// dropped and the body is not decided.
    pub statement: usize,
    /// In a body: more nodes than this, and exploration ends; the body is not decided.
    pub body: usize,
}

impl Default for DisjunctLimit {
    fn default() -> Self {
        DisjunctLimit { similar: 8, same_property: 32, block: 128, statement: 512, body: 12_000 }
    }
}

/// What exploring a body gave.
#[derive(Debug)]
pub struct Results<S> {
    /// All nodes, in the order of discovery; the first is the entry.
    pub nodes: Vec<Node<S>>,
    /// Where paths start: the entry, and whatever it was joined into when it is a loop head.
    pub roots: Vec<NodeId>,
    /// The nodes of each block.
    pub at_block: Vec<Vec<NodeId>>,
    /// Blocks at which disjuncts were dropped: nothing about the body is proved.
    pub cut: Vec<BlockId>,
    /// Whether any two disjuncts were joined (a finding must then be replayed before it is believed).
    pub joined: bool,
}

impl<S> Results<S> {
    /// The node.
    pub fn node(&self, id: NodeId) -> &Node<S> {
        &self.nodes[id.0 as usize]
    }

    /// The nodes of `block` that were not joined into others.
    pub fn live(&self, block: BlockId) -> impl Iterator<Item = &Node<S>> {
        self.at_block[block.0 as usize]
            .iter()
            .map(|&id| self.node(id))
            .filter(|node| node.joined_into.is_none())
    }
}

struct Explorer<'a, A: Analysis> {
    analysis: &'a mut A,
    limit: DisjunctLimit,
    loop_head: Vec<bool>,
    priority: Vec<u32>,
    results: Results<A::State>,
    /// The nodes by the hash of their block and state: a state is hashed once and never copied to be looked up.
    known: FxHashMap<u64, SmallVec<[NodeId; 1]>>,
    /// The nodes of each block that were not joined into others.
    live: Vec<Vec<NodeId>>,
    /// For each node, how it compares at the two levels of joining, as far as that was asked.
    likenesses: Vec<[Option<u64>; 2]>,
    work: BinaryHeap<Reverse<(u32, NodeId)>>,
}

/// Explores `cfg` from its entry until nothing new is found or a bound is hit.
pub fn explore<A: Analysis>(cfg: &Cfg, analysis: &mut A, limit: DisjunctLimit) -> Results<A::State> {
    let order = cfg.reverse_postorder();
    let mut priority = vec![u32::MAX; cfg.len()];
    for (at, block) in order.iter().enumerate() {
        priority[block.0 as usize] = at as u32;
    }
    let loop_head = cfg
        .blocks()
        .map(|block| {
            cfg.predecessors(block).any(|edge| priority[edge.source.0 as usize] >= priority[block.0 as usize])
        })
        .collect();
    let entry = analysis.entry();
    let mut explorer = Explorer {
        analysis,
        limit,
        loop_head,
        priority,
        results: Results {
            nodes: Vec::new(),
            roots: vec![NodeId(0)],
            at_block: vec![Vec::new(); cfg.len()],
            cut: Vec::new(),
            joined: false,
        },
        known: FxHashMap::default(),
        live: vec![Vec::new(); cfg.len()],
        likenesses: Vec::new(),
        work: BinaryHeap::new(),
    };
    explorer.insert(cfg.entry(), entry, None);
    while let Some(Reverse((_, id))) = explorer.work.pop() {
        if explorer.results.node(id).joined_into.is_some() {
            continue;
        }
        if explorer.results.nodes.len() > explorer.limit.body {
            explorer.results.cut.push(explorer.results.node(id).block);
            break;
        }
        explorer.execute(cfg, id);
    }
    explorer.results.cut.sort_unstable();
    explorer.results.cut.dedup();
    explorer.results
}

/// Runs the statements of `block` on `state`: what reaches its terminator, or `None` when that comes to more than `limit` states.
pub fn run_block<A: Analysis>(
    cfg: &Cfg,
    analysis: &mut A,
    block: BlockId,
    state: A::State,
    limit: DisjunctLimit,
) -> Option<Vec<A::State>> {
    let mut states = vec![state];
    for (at, statement) in cfg.block(block).statements.iter().enumerate() {
        analysis.statement(&mut states, Location { block, statement: at as u32 }, statement);
        if states.is_empty() {
            break;
        }
        if states.len() > limit.statement {
            return None;
        }
    }
    Some(states)
}

impl<A: Analysis> Explorer<'_, A> {
    fn execute(&mut self, cfg: &Cfg, id: NodeId) {
        let (block, state) = {
            let node = self.results.node(id);
            (node.block, node.state.clone())
        };
        self.analysis.enter(id);
        let Some(states) = run_block(cfg, self.analysis, block, state, self.limit) else {
            self.results.cut.push(block);
            return;
        };
        let mut out = Vec::new();
        for state in states {
            let edges = cfg.successors(block);
            let mut copies = edges.len();
            let mut state = Some(state);
            for edge in edges {
                copies -= 1;
                // The last edge takes the state itself.
                let Some(state) = (if copies == 0 { state.take() } else { state.clone() }) else { break };
                self.analysis.edge(state, edge, &mut out);
                for mut next in out.drain(..) {
                    self.analysis.settle(&mut next, edge.target);
                    self.insert(edge.target, next, Some(id));
                }
            }
            if let Some(state) = state {
                self.analysis.leave(state, block);
            }
        }
    }

    fn insert(&mut self, block: BlockId, state: A::State, predecessor: Option<NodeId>) {
        let hash = FxBuildHasher.hash_one((block, &state));
        if let Some(same) = self.find(hash, block, &state) {
            return self.link(same, predecessor);
        }
        if let Some(how) = self.pressure(block) {
            let likeness = self.analysis.likeness(&state, how);
            for at in 0..self.live[block.0 as usize].len() {
                let old = self.live[block.0 as usize][at];
                if self.likeness(old, how) != likeness {
                    continue;
                }
                let Some(joined) =
                    self.analysis.merge(&self.results.nodes[old.0 as usize].state, &state, block, how)
                else {
                    continue;
                };
                self.results.joined = true;
                return self.join(block, old, joined, predecessor);
            }
        }
        if self.live[block.0 as usize].len() >= self.limit.block {
            self.results.cut.push(block);
            return;
        }
        self.add(block, state, hash, predecessor);
    }

    /// The node of `block` with this very state.
    fn find(&self, hash: u64, block: BlockId, state: &A::State) -> Option<NodeId> {
        let same = |&id: &NodeId| {
            let node = self.results.node(id);
            node.block == block && node.state == *state
        };
        self.known.get(&hash)?.iter().copied().find(same)
    }

    fn likeness(&mut self, node: NodeId, how: Merge) -> u64 {
        let Node { state, .. } = &self.results.nodes[node.0 as usize];
        let known = &mut self.likenesses[node.0 as usize][usize::from(how == Merge::SameProperty)];
        *known.get_or_insert_with(|| self.analysis.likeness(state, how))
    }

    /// How hard to join at `block`: loop heads join early, or values would be unrolled.
    fn pressure(&self, block: BlockId) -> Option<Merge> {
        let live = self.live[block.0 as usize].len();
        let scale = if self.loop_head[block.0 as usize] { 3 } else { 1 };
        if live * scale >= self.limit.same_property {
            Some(Merge::SameProperty)
        } else if live * scale >= self.limit.similar {
            Some(Merge::Similar)
        } else {
            None
        }
    }

    fn join(&mut self, block: BlockId, old: NodeId, joined: A::State, predecessor: Option<NodeId>) {
        if self.results.node(old).state == joined {
            return self.link(old, predecessor);
        }
        let hash = FxBuildHasher.hash_one((block, &joined));
        let into = match self.find(hash, block, &joined) {
            Some(same) => {
                self.link(same, predecessor);
                // It may have been joined away itself, perhaps into `old`.
                self.representative(same)
            }
            None => self.add(block, joined, hash, predecessor),
        };
        if into != old {
            let inherited = std::mem::take(&mut self.results.nodes[old.0 as usize].predecessors);
            for &from in &inherited {
                self.link(into, Some(from));
            }
            let old_node = &mut self.results.nodes[old.0 as usize];
            old_node.predecessors = inherited;
            if self.results.roots.contains(&old) {
                self.results.roots.push(into);
            }
            let old_node = &mut self.results.nodes[old.0 as usize];
            if old_node.joined_into.replace(into).is_none() {
                self.live[block.0 as usize].retain(|&id| id != old);
            }
        }
    }

    fn add(&mut self, block: BlockId, state: A::State, hash: u64, predecessor: Option<NodeId>) -> NodeId {
        let id = NodeId(self.results.nodes.len() as u32);
        self.known.entry(hash).or_default().push(id);
        self.likenesses.push([None; 2]);
        self.results.nodes.push(Node {
            block,
            state,
            predecessors: predecessor.into_iter().collect(),
            joined_into: None,
        });
        self.results.at_block[block.0 as usize].push(id);
        self.live[block.0 as usize].push(id);
        self.work.push(Reverse((self.priority[block.0 as usize], id)));
        id
    }

    /// What stands for `node` now. Joins never form a circle: `into` is always one that stands for itself.
    fn representative(&self, mut node: NodeId) -> NodeId {
        while let Some(into) = self.results.node(node).joined_into {
            node = into;
        }
        node
    }

    fn link(&mut self, node: NodeId, predecessor: Option<NodeId>) {
        // A node that was joined away hands its new predecessors on.
        let node = self.representative(node);
        if let Some(from) = predecessor {
            let predecessors = &mut self.results.nodes[node.0 as usize].predecessors;
            if !predecessors.contains(&from) {
                predecessors.push(from);
            }
        }
    }
}
