//! The control-flow graph: basic blocks on petgraph, spoken of as blocks and edges.

use super::place::{Expr, Name, Place};
use crate::source::Span;
use petgraph::algo;
use petgraph::graph::{DiGraph, NodeIndex};
use smallvec::SmallVec;

/// A basic block of a [`Cfg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

/// An edge of a [`Cfg`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId(pub u32);

/// A point in a body: before statement `statement` of `block` (its terminator when past the last).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The block.
    pub block: BlockId,
    /// Index of the statement.
    pub statement: u32,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function or function-like macro by its name.
    Named(Name),
    /// Through a pointer or a member: `x->ops->f(…)`.
    Through(Place),
}

/// A statement and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where it stands; inside an expanded macro, the place of its use.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// `place = value`
    Assign {
        /// Written place.
        place: Place,
        /// Its new value.
        value: Expr,
    },
    /// `place = callee(args)`
    Call {
        /// Where the result goes; `None` when it is thrown away.
        place: Option<Place>,
        /// What is called.
        callee: Callee,
        /// Arguments, already evaluated.
        args: Vec<Expr>,
        /// Argument texts as written, for calls whose arguments are types or statements; same length as `args`.
        spelled: Vec<Name>,
    },
    /// A variable comes into being without a value (its old value, from an earlier loop round, is gone).
    Declare(Place),
    /// Something that was not understood: it may do anything to values; the body is degraded.
    Opaque(&'static str),
}

/// How a block ends, and where that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminator {
    /// How it ends.
    pub kind: TerminatorKind,
    /// Where.
    pub span: Span,
}

/// What decides a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Predicate {
    /// The expression is not zero.
    Holds(Expr),
    /// A preprocessor condition, normalised: the same text always takes the same side.
    Configuration(Name),
    /// Unknown: both sides possible, each time anew (iterator macros).
    Either,
}

/// How a block ends; the targets are the edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminatorKind {
    /// One `Next` edge.
    Goto,
    /// A `True` and a `False` edge.
    Branch(Predicate),
    /// `Case` edges and one `Default` edge.
    Switch(Expr),
    /// Any of the `Choice` edges: computed goto, `asm goto`.
    Choice,
    /// Leaves the function; no edges.
    Return(Option<Expr>),
    /// Control never comes here or never goes on; no edges.
    Unreachable,
}

/// What an edge means to the block that it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// The only way on.
    Next,
    /// The predicate held.
    True,
    /// The predicate did not hold.
    False,
    /// The scrutinee equals the constant, or lies in the range (GNU case ranges).
    Case(Expr, Option<Expr>),
    /// No case fits.
    Default,
    /// One of several targets, unknown which.
    Choice,
}

/// Statements that run one after the other, and how they end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicBlock {
    /// In order.
    pub statements: Vec<Statement>,
    /// How the block ends.
    pub terminator: Terminator,
}

/// One edge out of a block.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'c> {
    /// Its id.
    pub id: EdgeId,
    /// Where from.
    pub source: BlockId,
    /// Where to.
    pub target: BlockId,
    /// What it means.
    pub kind: &'c EdgeKind,
}

/// The graph of a body.
#[derive(Clone, Debug)]
pub struct Cfg {
    graph: DiGraph<BasicBlock, EdgeKind>,
    entry: BlockId,
    outgoing: Adjacency,
    incoming: Adjacency,
}

/// The edges at each block, in the order in which they were made. petgraph lists them last to first, and the engine asks for them
/// each time that a block is executed.
type Adjacency = Vec<SmallVec<[EdgeId; 2]>>;

impl Cfg {
    pub(super) fn new(graph: DiGraph<BasicBlock, EdgeKind>, entry: BlockId) -> Self {
        let mut outgoing = vec![SmallVec::new(); graph.node_count()];
        let mut incoming = outgoing.clone();
        for (at, edge) in graph.raw_edges().iter().enumerate() {
            outgoing[edge.source().index()].push(EdgeId(at as u32));
            incoming[edge.target().index()].push(EdgeId(at as u32));
        }
        Cfg { graph, entry, outgoing, incoming }
    }

    /// Where control enters.
    pub fn entry(&self) -> BlockId {
        self.entry
    }

    /// Number of blocks; ids run from 0.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there is no block; never true of a built graph.
    pub fn is_empty(&self) -> bool {
        self.graph.node_count() == 0
    }

    /// All block ids, in order.
    pub fn blocks(&self) -> impl Iterator<Item = BlockId> + use<> {
        (0..self.graph.node_count() as u32).map(BlockId)
    }

    /// The block.
    pub fn block(&self, id: BlockId) -> &BasicBlock {
        &self.graph[NodeIndex::new(id.0 as usize)]
    }

    /// The edges that leave `id`, in the order in which they were made.
    pub fn successors(&self, id: BlockId) -> impl ExactSizeIterator<Item = Edge<'_>> {
        self.outgoing[id.0 as usize].iter().map(|&edge| self.edge(edge))
    }

    /// The edges that enter `id`.
    pub fn predecessors(&self, id: BlockId) -> impl ExactSizeIterator<Item = Edge<'_>> {
        self.incoming[id.0 as usize].iter().map(|&edge| self.edge(edge))
    }

    /// The edge.
    pub fn edge(&self, id: EdgeId) -> Edge<'_> {
        let edge = &self.graph.raw_edges()[id.0 as usize];
        Edge {
            id,
            source: BlockId(edge.source().index() as u32),
            target: BlockId(edge.target().index() as u32),
            kind: &edge.weight,
        }
    }

    /// The statement at `location`, or `None` when it is the terminator.
    pub fn statement(&self, location: Location) -> Option<&Statement> {
        self.block(location.block).statements.get(location.statement as usize)
    }

    /// Where the statement or terminator at `location` stands.
    pub fn span(&self, location: Location) -> Span {
        match self.statement(location) {
            Some(statement) => statement.span,
            None => self.block(location.block).terminator.span,
        }
    }

    /// Blocks reachable from the entry, in reverse postorder.
    pub fn reverse_postorder(&self) -> Vec<BlockId> {
        let mut walk = petgraph::visit::DfsPostOrder::new(&self.graph, NodeIndex::new(self.entry.0 as usize));
        let mut order = Vec::with_capacity(self.len());
        while let Some(node) = walk.next(&self.graph) {
            order.push(BlockId(node.index() as u32));
        }
        order.reverse();
        order
    }

    /// For each block, whether it lies on a cycle.
    pub fn in_cycle(&self) -> Vec<bool> {
        let mut cyclic = vec![false; self.len()];
        for component in algo::tarjan_scc(&self.graph) {
            let alone = component.len() == 1 && self.graph.find_edge(component[0], component[0]).is_none();
            for node in component {
                cyclic[node.index()] = !alone;
            }
        }
        cyclic
    }

    /// The branches that decide whether `block` is executed, each with the edge taken, nearest first: those of its dominators that
    /// have an edge into a block that dominates it in turn (the control dependences of Ferrante, Ottenstein and Warren, 1987, as far
    /// as every way leads through them).
    pub fn governing(&self, block: BlockId) -> Vec<(BlockId, EdgeId)> {
        let dominators = algo::dominators::simple_fast(&self.graph, NodeIndex::new(self.entry.0 as usize));
        let Some(chain) = dominators.dominators(NodeIndex::new(block.0 as usize)) else { return Vec::new() };
        let chain: Vec<BlockId> = chain.map(|node| BlockId(node.index() as u32)).collect();
        let links = chain.iter().zip(chain.iter().skip(1));
        links
            .filter(|(inner, outer)| {
                self.successors(**outer).len() > 1 && self.predecessors(**inner).len() == 1
            })
            .filter_map(|(inner, outer)| {
                let edge = self.successors(*outer).find(|edge| edge.target == *inner)?;
                Some((*outer, edge.id))
            })
            .collect()
    }

    /// Whether some way through the graph, feasible or not, leads from `from` to `to`.
    pub fn reaches(&self, from: Location, to: Location) -> bool {
        if from.block == to.block && from.statement < to.statement {
            return true;
        }
        let (start, end) = (NodeIndex::new(from.block.0 as usize), NodeIndex::new(to.block.0 as usize));
        self.graph.neighbors(start).any(|next| algo::has_path_connecting(&self.graph, next, end, None))
    }

    /// The graph itself, for pictures and algorithms of petgraph's.
    pub fn graph(&self) -> &DiGraph<BasicBlock, EdgeKind> {
        &self.graph
    }
}
