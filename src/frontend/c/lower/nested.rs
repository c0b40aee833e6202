//! Functions defined inside functions (GNU C): lowered where they are called, for they see the variables around them.

use super::header::{declarator_name, find_kind};
use super::inline::EXPANSION_DEPTH;
use super::{Lowerer, Origin, Source, first_child, named, parse};
use crate::frontend::c::mask::mask;
use crate::ir::{BlockId, Expr, LocalKind, Name, Place};
use crate::source::Span;
use tree_sitter::Node;

/// A definition as written, and where.
#[derive(Clone)]
pub(in crate::frontend::c) struct Nested {
    text: Vec<u8>,
    origin: Origin,
}

/// A call that is being lowered: where its `return` goes.
pub(in crate::frontend::c) struct Frame {
    pub exit: BlockId,
    pub result: Option<Place>,
    /// Scopes that stay.
    pub scopes: usize,
}

impl Lowerer<'_> {
    pub(super) fn nested_definition(&mut self, source: &Source<'_>, node: Node<'_>) {
        let declarator = node.child_by_field_name("declarator");
        let name = declarator.and_then(declarator_name);
        let (Some(name), Some(scope)) = (name, self.scopes.last_mut()) else {
            return self.opaque("nested function", source.span(node));
        };
        let origin = match source.place(node.start_byte()) {
            Ok((file, start)) => Origin::File(file, start),
            Err(used) => Origin::Use(used),
        };
        let text = source.original.get(node.byte_range()).unwrap_or_default().to_vec();
        scope.functions.insert(Name::new(source.text(name)), Nested { text, origin });
    }

    /// The nested function that `name` denotes here.
    pub(super) fn nested(&self, name: &str) -> Option<&Nested> {
        self.scopes
            .iter()
            .rev()
            .find(|scope| scope.names.contains_key(name) || scope.functions.contains_key(name))?
            .functions
            .get(name)
    }

    /// A call of a nested function; `false` when `name` is none.
    pub(super) fn call_nested(
        &mut self,
        name: &str,
        args: Vec<Expr>,
        place: Option<Place>,
        span: Span,
    ) -> bool {
        let Some(Nested { text, origin }) = self.nested(name).cloned() else { return false };
        let masked = mask(&text, self.env);
        let tree = parse(&masked.text).filter(|tree| !tree.root_node().has_error());
        let recursive = self.expanding.iter().any(|other| other == name);
        let (Some(tree), false) = (tree, recursive || self.expanding.len() >= EXPANSION_DEPTH) else {
            self.opaque("nested function", span);
            return true;
        };
        let source = Source { text: &masked.text, original: &text, notes: &masked.notes, origin };
        let Some(function) = first_child(tree.root_node()) else { return true };
        let exit = self.builder.new_block();
        self.expanding.push(Name::new(name));
        self.frames.push(Frame { exit, result: place, scopes: self.scopes.len() });
        // What stands around it is not its own.
        let around = (
            std::mem::take(&mut self.labels),
            std::mem::take(&mut self.targets),
            std::mem::take(&mut self.switches),
        );
        self.push_scope(function.id());
        self.bind(&source, function, args, span);
        if let Some(body) = function.child_by_field_name("body") {
            self.collect_labels(&source, body);
            self.block_statement(&source, body);
        }
        self.pop_scope();
        (self.labels, self.targets, self.switches) = around;
        self.frames.pop();
        self.expanding.pop();
        self.builder.goto(exit, span);
        self.builder.switch_to(exit);
        true
    }

    fn bind(&mut self, source: &Source<'_>, function: Node<'_>, args: Vec<Expr>, span: Span) {
        let Some(list) = find_kind(function, "parameter_list", 6) else { return };
        let mut args = args.into_iter();
        for parameter in named(list).into_iter().filter(|child| child.kind() == "parameter_declaration") {
            let (Some((name, declared)), ty) = self.declared(source, parameter) else { continue };
            let place = Place::local(self.declare_local(name, LocalKind::Variable, ty, declared));
            self.builder.assign(place, args.next().unwrap_or(Expr::Unknown), span);
        }
    }
}
