//! tree-sitter tree of one masked function to a [`Body`].
//!
//! ```text
//! slice ─ mask ─▶ text ─ tree-sitter ─▶ tree ─ statement / expression / scope ─▶ BodyBuilder
//!                                         └─ a use of a macro of the file: expand, mask, parse, lower in place (inline)
//! ```
//! Lowering never fails: what it does not understand becomes `Opaque` and degrades the body.

mod expression;
mod inline;
mod scope;
mod statement;

use super::conditionals::{self, Variant};
use super::mask::{Notes, mask};
use super::structure;
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{Body, BodyBuilder, Environment, LocalId, Name, Predicate, ReturnKind, StatementKind};
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
}

impl Source<'_> {
    fn span(&self, node: Node<'_>) -> Span {
        match self.origin {
            Origin::File(file, base) => Span::new(file, base + node.start_byte(), base + node.end_byte()),
            Origin::Use(span) => span,
        }
    }

    /// The node's text as the author wrote it.
    fn written(&self, node: Node<'_>) -> Name {
        super::scan::squeeze(self.original.get(node.byte_range()).unwrap_or_default())
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
    switches: Vec<statement::Switch>,
    /// Macros being expanded, outermost first.
    expanding: Vec<Name>,
    depth: usize,
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
    let header = function.header;
    let mut lowerer = Lowerer {
        env,
        builder: BodyBuilder::new(function.name.clone(), function.span),
        scopes: vec![Scope::default()],
        targets: Vec::new(),
        labels: FxHashMap::default(),
        switches: Vec::new(),
        expanding: Vec::new(),
        depth: 0,
        function: function.span,
    };
    lowerer.builder.end(Span { start: function.span.end.saturating_sub(1), ..function.span });
    for annotation in &function.annotations {
        lowerer.builder.annotate(annotation.clone());
    }
    let readings = lowerer.readings(slice, function);
    let lead = slice.get(..header.start as usize - base).unwrap_or_default();
    let returns = return_kind(&String::from_utf8_lossy(lead));
    let returns = if function.irregular_header && !lead.iter().any(u8::is_ascii_alphabetic) {
        ReturnKind::Integer
    } else {
        returns
    };
    lowerer.builder.header(header, function.linkage, returns);
    let count = readings.len();
    for (at, reading) in readings.iter().enumerate() {
        let source = Source {
            text: &reading.text,
            original: slice,
            notes: &reading.notes,
            origin: Origin::File(file, base),
        };
        if at == 0 {
            lowerer.parameters(&source, reading.tree.root_node(), function);
        }
        let body = find_body(reading.tree.root_node());
        if at + 1 < count {
            let (this, next) = (lowerer.builder.new_block(), lowerer.builder.new_block());
            lowerer.choose(&reading.assumptions, this, next);
            lowerer.builder.switch_to(this);
            lowerer.whole(&source, body);
            lowerer.builder.switch_to(next);
        } else {
            lowerer.whole(&source, body);
        }
    }
    lowerer.builder.finish()
}

/// One text of the function that parses, with its tree.
struct Reading {
    text: Vec<u8>,
    notes: Notes,
    assumptions: Vec<(Name, bool)>,
    tree: Tree,
}

impl Lowerer<'_> {
    /// The function as it stands; where a conditional splits statements, once per choice of arms.
    fn readings(&mut self, slice: &[u8], function: &FunctionDefinition) -> Vec<Reading> {
        let has_conditional = memchr::memmem::find(slice, b"#").is_some()
            && super::lex::tokens(slice).iter().any(|token| {
                token.kind == super::lex::TokenKind::Directive
                    && matches!(super::scan::directive_word(token.text(slice)), b"if" | b"ifdef" | b"ifndef")
            });
        let plain = Variant { text: slice.to_vec(), assumptions: Vec::new() };
        if let Some(reading) = self.reading(&plain, function) {
            let broken =
                reading.tree.root_node().has_error() || has_conditional && !self.agrees(&reading, slice);
            if !(broken && has_conditional) {
                return vec![reading];
            }
        }
        let (variants, cut) = conditionals::variants(slice);
        if cut {
            self.builder.degrade("too many configurations", function.span);
        }
        variants.iter().filter_map(|variant| self.reading(variant, function)).collect()
    }

    fn reading(&mut self, variant: &Variant, function: &FunctionDefinition) -> Option<Reading> {
        let mut text = variant.text.clone();
        let base = function.span.start;
        let (head, body) = ((function.header.end - base) as usize, (function.body.start - base) as usize);
        if function.irregular_header {
            plain_header(&mut text[..body]);
        } else if head <= body && !text[head..body].contains(&b';') {
            blank(&mut text[head..body]);
        }
        let masked = mask(&text, self.env);
        let tree = parse(&masked.text)?;
        Some(Reading {
            text: masked.text,
            notes: masked.notes,
            assumptions: variant.assumptions.clone(),
            tree,
        })
    }

    fn agrees(&self, reading: &Reading, slice: &[u8]) -> bool {
        structure::agrees(slice, &reading.text, reading.tree.root_node(), &reading.notes)
    }

    /// Branches to `this` when all assumptions hold.
    fn choose(&mut self, assumptions: &[(Name, bool)], this: crate::ir::BlockId, next: crate::ir::BlockId) {
        let span = self.function;
        let mut rest = assumptions.iter().peekable();
        if rest.peek().is_none() {
            self.builder.goto(this, span);
        }
        while let Some((condition, side)) = rest.next() {
            let on = if rest.peek().is_some() { self.builder.new_block() } else { this };
            let predicate = Predicate::Configuration(condition.clone());
            if *side {
                self.builder.branch(predicate, on, next, span);
            } else {
                self.builder.branch(predicate, next, on, span);
            }
            self.builder.switch_to(on);
        }
    }

    /// One whole body of the function.
    fn whole(&mut self, source: &Source<'_>, body: Option<Node<'_>>) {
        self.labels.clear();
        let Some(body) = body else {
            return self.builder.opaque("no body found", self.function);
        };
        if !structure::agrees(source.original, source.text, body, source.notes) && !body.has_error() {
            self.builder.opaque("structure mismatch", self.function);
        }
        self.collect_labels(source, body, &mut Vec::new());
        self.block_statement(source, body);
        if !self.builder.is_terminated() {
            let end = source.span(body);
            self.builder.return_(None, Span { start: end.end.saturating_sub(1), ..end });
        }
    }

    fn parameters(&mut self, source: &Source<'_>, root: Node<'_>, function: &FunctionDefinition) {
        if function.irregular_header {
            return self.irregular_parameters(source, function);
        }
        let Some(list) = find_kind(root, "parameter_list", 6) else { return };
        let mut old_style: Vec<(Name, Span)> = Vec::new();
        for at in 0..list.named_child_count() {
            let Some(parameter) = list.named_child(at as u32) else { continue };
            match parameter.kind() {
                "parameter_declaration" => {
                    let (name, ty) = self.declared(source, parameter);
                    if let Some((name, span)) = name {
                        self.parameter(name, ty, span);
                    }
                }
                "identifier" => old_style.push((Name::new(source.text(parameter)), source.span(parameter))),
                _ => {}
            }
        }
        for (name, span) in old_style {
            self.parameter(name, Name::default(), span);
        }
    }

    /// `SYSCALL_DEFINE3(name, type, a, type, b)`: every word that ends an argument names a parameter.
    fn irregular_parameters(&mut self, source: &Source<'_>, function: &FunctionDefinition) {
        let base = function.span.start as usize;
        let head = source.original.get(..function.body.start as usize - base).unwrap_or_default();
        let tokens = super::lex::tokens(head);
        for (at, token) in tokens.iter().enumerate() {
            let ends = tokens.get(at + 1).is_some_and(|next| next.is(b',') || next.is(b')'));
            if token.kind == super::lex::TokenKind::Word && ends && at > 1 {
                let name = Name::new(String::from_utf8_lossy(token.text(head)));
                self.parameter(name, Name::default(), function.header);
            }
        }
    }

    fn parameter(&mut self, name: Name, ty: Name, span: Span) {
        if self.scopes[0].names.contains_key(&name) {
            return;
        }
        let id = self.builder.parameter(name.clone(), ty, span);
        self.scopes[0].names.insert(name, id);
    }

    /// Name and type text of a declaration's (first) declarator.
    fn declared(&self, source: &Source<'_>, declaration: Node<'_>) -> (Option<(Name, Span)>, Name) {
        let declarator = declaration.child_by_field_name("declarator");
        let ty = declaration.child_by_field_name("type").map(|ty| source.written(ty)).unwrap_or_default();
        match declarator {
            Some(declarator) => {
                let stars = "*".repeat(pointers(declarator));
                let name =
                    declarator_name(declarator).map(|node| (Name::new(source.text(node)), source.span(node)));
                let ty = if stars.is_empty() { ty } else { Name::new(format!("{ty} {stars}")) };
                (name, ty)
            }
            None => (None, ty),
        }
    }

    /// The local that `name` denotes here.
    fn resolve(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    fn opaque(&mut self, cause: &'static str, span: Span) {
        self.builder.opaque(cause, span);
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

    fn nop(&mut self, kind: StatementKind, span: Span) {
        self.builder.push(kind, span);
    }
}

fn blank(text: &mut [u8]) {
    text.iter_mut().filter(|byte| !matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}

/// Writes a header that parses over one that does not.
fn plain_header(text: &mut [u8]) {
    let first_line = text.iter().position(|&b| b == b'\n').unwrap_or(text.len());
    blank(text);
    for stand_in in ["int f()", "f()"] {
        if stand_in.len() <= first_line {
            text[..stand_in.len()].copy_from_slice(stand_in.as_bytes());
            return;
        }
    }
}

fn find_body(root: Node<'_>) -> Option<Node<'_>> {
    let mut cursor = root.walk();
    let function = root.children(&mut cursor).find(|child| child.kind() == "function_definition");
    function
        .and_then(|function| function.child_by_field_name("body"))
        .or_else(|| find_kind(root, "compound_statement", 5))
}

/// The first node of `kind`, not deeper than `levels`.
fn find_kind<'t>(node: Node<'t>, kind: &str, levels: usize) -> Option<Node<'t>> {
    if node.kind() == kind {
        return Some(node);
    }
    if levels == 0 {
        return None;
    }
    (0..node.child_count()).find_map(|at| find_kind(node.child(at)?, kind, levels - 1))
}

/// The identifier at the heart of a declarator.
fn declarator_name(declarator: Node<'_>) -> Option<Node<'_>> {
    let mut node = declarator;
    for _ in 0..32 {
        if matches!(node.kind(), "identifier" | "field_identifier" | "type_identifier") {
            return Some(node);
        }
        node = match node.child_by_field_name("declarator") {
            Some(inner) => inner,
            None => (0..node.named_child_count())
                .filter_map(|at| node.named_child(at as u32))
                .find(|child| child.kind().ends_with("declarator") || child.kind() == "identifier")?,
        };
    }
    None
}

fn pointers(declarator: Node<'_>) -> usize {
    let mut node = declarator;
    let mut stars = 0;
    for _ in 0..32 {
        stars += usize::from(node.kind() == "pointer_declarator");
        match node.child_by_field_name("declarator") {
            Some(inner) => node = inner,
            None => break,
        }
    }
    stars
}

/// What a function gives back, from the words before its name.
fn return_kind(lead: &str) -> ReturnKind {
    if lead.contains('*') {
        return ReturnKind::Pointer;
    }
    let words: Vec<&str> =
        lead.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    if has("void") {
        ReturnKind::Void
    } else if has("bool") || has("_Bool") || has("boolean_t") || has("gboolean") {
        ReturnKind::Bool
    } else if has("struct") || has("union") {
        ReturnKind::Other
    } else {
        ReturnKind::Integer
    }
}
