//! Builds a [`Cfg`] block by block.
//!
//! A frontend opens blocks with [`BodyBuilder::new_block`], writes statements into the current one, and ends it with a
//! terminator. Statements after a jump go into a fresh block without predecessors and are swept away by
//! [`BodyBuilder::finish`], which also renumbers the rest in reverse postorder: ids in a finished body follow
//! the text, and two lowerings of the same text are equal.

use super::cfg::{
    BasicBlock, BlockId, Cfg, EdgeKind, Predicate, Statement, StatementKind, Terminator, TerminatorKind,
};
use super::place::{Expr, LocalId, Name, Place};
use super::{Annotation, Body, Degradation, Linkage, Local, LocalKind, Remark, ReturnKind};
use crate::source::Span;
use petgraph::graph::{DiGraph, NodeIndex};

struct OpenBlock {
    statements: Vec<Statement>,
    terminator: Option<Terminator>,
    edges: Vec<(BlockId, EdgeKind)>,
}

/// A body in the making.
pub struct BodyBuilder {
    name: Name,
    span: Span,
    header: Span,
    end: Span,
    linkage: Linkage,
    returns: ReturnKind,
    parameters: usize,
    locals: Vec<Local>,
    annotations: Vec<Annotation>,
    degradations: Vec<Degradation>,
    remarks: Vec<(Span, Remark)>,
    blocks: Vec<OpenBlock>,
    current: BlockId,
}

impl BodyBuilder {
    /// A builder for the function `name` whose definition is `span`; the entry block is current.
    pub fn new(name: impl Into<Name>, span: Span) -> Self {
        let mut builder = BodyBuilder {
            name: name.into(),
            span,
            header: span,
            end: Span { start: span.end.saturating_sub(1).max(span.start), ..span },
            linkage: Linkage::External,
            returns: ReturnKind::Other,
            parameters: 0,
            locals: Vec::new(),
            annotations: Vec::new(),
            degradations: Vec::new(),
            remarks: Vec::new(),
            blocks: Vec::new(),
            current: BlockId(0),
        };
        builder.current = builder.new_block();
        builder
    }

    /// Sets what the header tells.
    pub fn header(&mut self, header: Span, linkage: Linkage, returns: ReturnKind) {
        self.header = header;
        self.linkage = linkage;
        self.returns = returns;
    }

    /// Sets the closing brace.
    pub fn end(&mut self, end: Span) {
        self.end = end;
    }

    /// Whether the local is a parameter.
    pub fn is_parameter(&self, id: LocalId) -> bool {
        (id.0 as usize) < self.parameters
    }

    /// Whether the local, as a whole, has been given something other than a number so far.
    pub fn is_given(&self, id: LocalId) -> bool {
        let statements = self.blocks.iter().flat_map(|block| &block.statements);
        statements.into_iter().any(|statement| match &statement.kind {
            StatementKind::Assign { place, value } => {
                place.as_local() == Some(id) && !matches!(value, Expr::Int(_) | Expr::Null | Expr::Unknown)
            }
            StatementKind::Call { place, .. } => place.as_ref().and_then(Place::as_local) == Some(id),
            StatementKind::Declare(_) | StatementKind::Opaque(_) => false,
        })
    }

    /// What the function gives back.
    pub fn returns(&self) -> ReturnKind {
        self.returns
    }

    /// Adds an annotation of the definition.
    pub fn annotate(&mut self, annotation: Annotation) {
        self.annotations.push(annotation);
    }

    /// Adds a formal parameter; all parameters come before any other local.
    pub fn parameter(&mut self, name: impl Into<Name>, ty: impl Into<Name>, span: Span) -> LocalId {
        debug_assert_eq!(self.parameters, self.locals.len(), "parameters come first");
        self.parameters += 1;
        self.local(name, LocalKind::Parameter, ty, span)
    }

    /// Adds a variable.
    pub fn local(
        &mut self,
        name: impl Into<Name>,
        kind: LocalKind,
        ty: impl Into<Name>,
        span: Span,
    ) -> LocalId {
        self.locals.push(Local { name: name.into(), kind, ty: ty.into(), span });
        LocalId(self.locals.len() as u32 - 1)
    }

    /// Adds a temporary.
    pub fn temporary(&mut self, span: Span) -> LocalId {
        self.local("", LocalKind::Temporary, "", span)
    }

    /// Adds a temporary for a result that is thrown away on purpose: `(void)f()`.
    pub fn discarded(&mut self, span: Span) -> LocalId {
        self.local("", LocalKind::Temporary, "void", span)
    }

    /// A new block that nothing leads to yet; the current block stays.
    pub fn new_block(&mut self) -> BlockId {
        self.blocks.push(OpenBlock { statements: Vec::new(), terminator: None, edges: Vec::new() });
        BlockId(self.blocks.len() as u32 - 1)
    }

    /// The block that statements go to.
    pub fn current(&self) -> BlockId {
        self.current
    }

    /// Makes `block` the current one.
    pub fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// Whether the current block already ended (what follows is dead until a label or a join).
    pub fn is_terminated(&self) -> bool {
        self.blocks[self.current.0 as usize].terminator.is_some()
    }

    /// Appends a statement. In an ended block it opens a dead one first.
    pub fn push(&mut self, kind: StatementKind, span: Span) {
        self.revive();
        self.blocks[self.current.0 as usize].statements.push(Statement { kind, span });
    }

    /// Appends `place = value`.
    pub fn assign(&mut self, place: Place, value: Expr, span: Span) {
        self.push(StatementKind::Assign { place, value }, span);
    }

    /// Appends something that was not understood, and degrades the body.
    pub fn opaque(&mut self, cause: &'static str, span: Span) {
        self.push(StatementKind::Opaque(cause), span);
        self.degrade(cause, span);
    }

    /// Degrades the body without a statement.
    pub fn degrade(&mut self, cause: &'static str, span: Span) {
        self.degradations.push(Degradation { cause, span });
    }

    /// Notes something about the value that the call at `span` made.
    pub fn remark(&mut self, span: Span, remark: Remark) {
        if !self.remarks.contains(&(span, remark)) {
            self.remarks.push((span, remark));
        }
    }

    /// Ends the current block with a jump.
    pub fn goto(&mut self, target: BlockId, span: Span) {
        self.terminate(TerminatorKind::Goto, vec![(target, EdgeKind::Next)], span);
    }

    /// Ends the current block with a two-way branch.
    pub fn branch(&mut self, predicate: Predicate, then: BlockId, otherwise: BlockId, span: Span) {
        let edges = vec![(then, EdgeKind::True), (otherwise, EdgeKind::False)];
        self.terminate(TerminatorKind::Branch(predicate), edges, span);
    }

    /// Ends the current block with a switch; `default` is where no case fits.
    pub fn switch(
        &mut self,
        scrutinee: Expr,
        cases: Vec<(Expr, Option<Expr>, BlockId)>,
        default: BlockId,
        span: Span,
    ) {
        let mut edges: Vec<_> =
            cases.into_iter().map(|(low, high, target)| (target, EdgeKind::Case(low, high))).collect();
        edges.push((default, EdgeKind::Default));
        self.terminate(TerminatorKind::Switch(scrutinee), edges, span);
    }

    /// Ends the current block with a jump to one of `targets`, unknown which; without targets it is unreachable.
    pub fn choice(&mut self, targets: Vec<BlockId>, span: Span) {
        if targets.is_empty() {
            return self.unreachable(span);
        }
        let edges = targets.into_iter().map(|target| (target, EdgeKind::Choice)).collect();
        self.terminate(TerminatorKind::Choice, edges, span);
    }

    /// Ends the current block by leaving the function.
    pub fn return_(&mut self, value: Option<Expr>, span: Span) {
        self.terminate(TerminatorKind::Return(value), Vec::new(), span);
    }

    /// Ends the current block where control never goes on.
    pub fn unreachable(&mut self, span: Span) {
        self.terminate(TerminatorKind::Unreachable, Vec::new(), span);
    }

    fn terminate(&mut self, kind: TerminatorKind, edges: Vec<(BlockId, EdgeKind)>, span: Span) {
        self.revive();
        let block = &mut self.blocks[self.current.0 as usize];
        block.terminator = Some(Terminator { kind, span });
        block.edges = edges;
    }

    fn revive(&mut self) {
        if self.is_terminated() {
            self.current = self.new_block();
        }
    }

    /// Closes the body: a current block without an end returns at the closing brace, unreachable blocks go.
    pub fn finish(mut self) -> Body {
        let end = self.end;
        for block in &mut self.blocks {
            block.terminator.get_or_insert(Terminator { kind: TerminatorKind::Return(None), span: end });
        }
        let order = self.reverse_postorder();
        let mut new_id = vec![None; self.blocks.len()];
        for (new, old) in order.iter().enumerate() {
            new_id[old.0 as usize] = Some(NodeIndex::new(new));
        }
        let mut graph = DiGraph::with_capacity(order.len(), order.len() * 2);
        for old in &order {
            let open = &mut self.blocks[old.0 as usize];
            let terminator = open.terminator.take().expect("every block was ended above");
            graph.add_node(BasicBlock { statements: std::mem::take(&mut open.statements), terminator });
        }
        for (new, old) in order.iter().enumerate() {
            for (target, kind) in std::mem::take(&mut self.blocks[old.0 as usize].edges) {
                let target = new_id[target.0 as usize].expect("the target of a reachable block is reachable");
                graph.add_edge(NodeIndex::new(new), target, kind);
            }
        }
        Body {
            name: self.name,
            span: self.span,
            header: self.header,
            end: self.end,
            linkage: self.linkage,
            returns: self.returns,
            parameters: self.parameters,
            locals: self.locals,
            cfg: Cfg::new(graph, BlockId(0)),
            annotations: self.annotations,
            degradations: self.degradations,
            remarks: self.remarks,
        }
    }

    /// Iterative, for bodies come from text of any depth.
    fn reverse_postorder(&self) -> Vec<BlockId> {
        let mut order = Vec::with_capacity(self.blocks.len());
        let mut seen = vec![false; self.blocks.len()];
        let mut stack = vec![(BlockId(0), 0usize)];
        seen[0] = true;
        while let Some((block, next)) = stack.pop() {
            // Successors are visited last to first, so that reverse postorder follows the text.
            let edges = &self.blocks[block.0 as usize].edges;
            if next < edges.len() {
                stack.push((block, next + 1));
                let target = edges[edges.len() - 1 - next].0;
                if !std::mem::replace(&mut seen[target.0 as usize], true) {
                    stack.push((target, 0));
                }
            } else {
                order.push(block);
            }
        }
        order.reverse();
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn dead_blocks_are_swept_and_the_entry_stays_first() {
        let span = Span::new(FileId(0), 0, 10);
        let mut b = BodyBuilder::new("f", span);
        let (then, join) = (b.new_block(), b.new_block());
        b.branch(Predicate::Either, then, join, span);
        b.switch_to(then);
        b.return_(None, span);
        b.push(StatementKind::Opaque("dead"), span);
        b.switch_to(join);
        let body = b.finish();
        assert_eq!(body.cfg.len(), 3);
        assert!(body.cfg.blocks().all(|id| body.cfg.block(id).statements.is_empty()));
        let order = body.cfg.reverse_postorder();
        assert_eq!((order.len(), order[0]), (3, BlockId(0)));
    }
}
