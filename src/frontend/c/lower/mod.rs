//! tree-sitter tree of one masked function to a [`Body`].
//!
//! ```text
//! slice ─ mask ─▶ text ─ tree-sitter ─▶ tree ─ statement / expression / scope ─▶ BodyBuilder
//!                                         └─ a use of a macro of the file: expand, mask, parse, lower in place (inline)
//! ```
//! Lowering never fails: what it does not understand becomes `Opaque` and degrades the body.

mod block;
mod call;
mod condition;
mod conditional;
mod constant;
mod declaration;
mod expression;
mod header;
mod inline;
mod jump;
mod nested;
mod place;
mod reading;
mod scope;
mod statement;
mod switch;

use super::mask::Notes;
use super::structure;
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{Body, BodyBuilder, Environment, LocalId, Name};
use crate::source::{FileId, Span};
use rustc_hash::FxHashMap;
use scope::{Scope, Target};
use std::cell::RefCell;
use tree_sitter::{Node, Parser, Tree};

/// Statements and expressions nested deeper than this are not read.
const DEPTH_LIMIT: usize = 160;

/// A text being lowered: the function's slice, or the expansion of a macro.
pub(super) struct Source<'t> {
    /// Masked text.
    pub text: &'t [u8],
    /// The same text unmasked, for what the reader is shown.
    pub original: &'t [u8],
    /// What the mask took away.
    pub notes: &'t Notes,
    /// How its offsets map to the file.
    pub origin: Origin,
}

/// Where a text comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// Offset of the text in the file.
    File(FileId, usize),
    /// Everything in it stands at one place: the use of a macro.
    Use(Span),
    /// The expansion of a macro used there, and from `body` on the text of the file from `base` on.
    Block { used: Span, body: usize, base: usize },
}

impl Source<'_> {
    fn span(&self, node: Node<'_>) -> Span {
        match self.place(node.start_byte()) {
            Ok((file, start)) => Span::new(file, start, start + node.end_byte() - node.start_byte()),
            Err(used) => used,
        }
    }

    /// Where an offset of the text lies in the file, or the use that it comes from.
    fn place(&self, offset: usize) -> Result<(FileId, usize), Span> {
        match self.origin {
            Origin::File(file, base) => Ok((file, base + offset)),
            Origin::Block { used, body, base } if offset >= body => Ok((used.file, base + offset - body)),
            Origin::Use(used) | Origin::Block { used, .. } => Err(used),
        }
    }

    /// The node's text as the author wrote it.
    fn written(&self, node: Node<'_>) -> Name {
        super::text::squeeze(self.original.get(node.byte_range()).unwrap_or_default())
    }

    /// The node's masked text.
    fn text(&self, node: Node<'_>) -> &str {
        std::str::from_utf8(self.text.get(node.byte_range()).unwrap_or_default()).unwrap_or("")
    }
}

pub(super) struct Lowerer<'e> {
    env: &'e dyn Environment,
    builder: BodyBuilder,
    scopes: Vec<Scope>,
    targets: Vec<Target>,
    labels: FxHashMap<Name, scope::Label>,
    /// Case labels of the innermost switch, while its body is lowered.
    switches: Vec<switch::Switch>,
    /// Calls of nested functions that are being lowered, outermost first.
    frames: Vec<nested::Frame>,
    /// Macros and nested functions being expanded, outermost first.
    expanding: Vec<Name>,
    depth: usize,
    /// How often something was not understood.
    degraded: usize,
    function: Span,
}

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new({
        let mut parser = Parser::new();
        // The grammar is linked in; a version mismatch would be a build error of ours.
        let _ = parser.set_language(&tree_sitter_c::LANGUAGE.into());
        parser
    });
}

pub(super) fn parse(text: &[u8]) -> Option<Tree> {
    PARSER.with(|parser| parser.borrow_mut().parse(text, None))
}

/// Lowers one function; `slice` is its text, from the start to the end of its span.
pub fn lower(file: FileId, slice: &[u8], function: &FunctionDefinition, env: &dyn Environment) -> Body {
    let base = function.span.start as usize;
    let mut lowerer = Lowerer {
        env,
        builder: BodyBuilder::new(function.name.clone(), function.span),
        scopes: vec![Scope::default()],
        targets: Vec::new(),
        labels: FxHashMap::default(),
        switches: Vec::new(),
        frames: Vec::new(),
        expanding: Vec::new(),
        depth: 0,
        degraded: 0,
        function: function.span,
    };
    lowerer.builder.end(Span { start: function.span.end.saturating_sub(1), ..function.span });
    for annotation in &function.annotations {
        lowerer.builder.annotate(annotation.clone());
    }
    lowerer.head(slice, function);
    let readings = reading::readings(slice, function, env);
    let blocks = lowerer.route(&readings);
    for (at, (reading, block)) in readings.found.iter().zip(blocks).enumerate() {
        let source = Source {
            text: &reading.text,
            original: slice,
            notes: &reading.notes,
            origin: Origin::File(file, base),
        };
        if at == 0 {
            lowerer.parameters(&source, reading, function);
        }
        lowerer.builder.switch_to(block);
        lowerer.whole(&source, reading);
    }
    lowerer.builder.finish()
}

impl Lowerer<'_> {
    /// One whole body of the function.
    fn whole(&mut self, source: &Source<'_>, reading: &reading::Reading) {
        self.labels.clear();
        let Some(body) = reading.body() else {
            self.opaque("no body found", self.function);
            self.salvage(source, reading.root());
            return self.opaque("no body found", self.function);
        };
        if !body.has_error() && !structure::agrees(source.text, body) {
            self.opaque("structure mismatch", self.function);
        }
        let degraded = self.degraded;
        self.collect_labels(source, body);
        self.block_statement(source, body);
        if !self.builder.is_terminated() {
            let end = source.span(body);
            self.builder.return_(None, Span { start: end.end.saturating_sub(1), ..end });
        }
        // What the tree could not place and lowering did not come across.
        if body.has_error() && self.degraded == degraded {
            self.builder.degrade("syntax error", self.function);
        }
    }

    /// The local that `name` denotes here.
    fn resolve(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    fn opaque(&mut self, cause: &'static str, span: Span) {
        self.degraded += 1;
        self.builder.opaque(cause, span);
    }

    /// Marks what the parser skipped or made up right below `node`. Among statements an error is one of them.
    fn note_errors(&mut self, source: &Source<'_>, node: Node<'_>) {
        if node.has_error() {
            let listed = matches!(
                node.kind(),
                "compound_statement" | "case_statement" | "labeled_statement" | "else_clause"
            ) || node.kind().starts_with("preproc_");
            let mut cursor = node.walk();
            let mut children = node.children(&mut cursor);
            if children.any(|child| child.is_missing() || child.is_error() && !listed) {
                let span = source.span(node);
                self.opaque("syntax error", if listed { Span { start: span.end, ..span } } else { span });
            }
        }
    }

    /// The calls below a node that makes no sense, so that what they name is known to occur.
    fn salvage(&mut self, source: &Source<'_>, node: Node<'_>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if node.kind() == "call_expression" && !node.has_error() {
                self.call(source, node, None);
            } else {
                open.extend(named(node).into_iter().rev());
            }
        }
    }

    /// Runs `lower` one level deeper, or not at all when that is too deep.
    fn deeper(&mut self, span: Span, lower: impl FnOnce(&mut Self)) {
        if self.depth >= DEPTH_LIMIT {
            return self.opaque("nested too deeply", span);
        }
        self.depth += 1;
        lower(self);
        self.depth -= 1;
    }
}

/// The named children of `node` without comments, in order.
pub(super) fn named<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

/// The first named child that is no comment.
fn first_child(node: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).find(|child| child.kind() != "comment")
}

/// Whether `wanted` holds for `node` or anything below it.
pub(super) fn any_below<'t>(node: Node<'t>, wanted: impl Fn(Node<'t>) -> bool) -> bool {
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if wanted(node) {
            return true;
        }
        let mut cursor = node.walk();
        open.extend(node.named_children(&mut cursor));
    }
    false
}
