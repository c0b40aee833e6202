//! Declarations in bodies.

use super::header::{declarator_name, type_text};
use super::scope::Cleanup;
use super::{Lowerer, Source};
use crate::ir::{Expr, LocalKind, Name, Place, StatementKind};
use std::ops::Range;
use tree_sitter::Node;

impl Lowerer<'_> {
    pub(super) fn declaration(&mut self, source: &Source<'_>, node: Node<'_>) {
        let mut kind = LocalKind::Variable;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            if child.kind() == "storage_class_specifier" {
                match source.text(child) {
                    "static" => kind = LocalKind::Static,
                    "extern" | "typedef" => return,
                    _ => {}
                }
            }
        }
        let mut cursor = node.walk();
        let declarators: Vec<Node<'_>> = node.children_by_field_name("declarator", &mut cursor).collect();
        for (at, declarator) in declarators.iter().enumerate() {
            let end = declarators.get(at + 1).map_or(node.end_byte(), |next| next.start_byte());
            // Attributes may stand before the type too.
            let start = match at {
                0 => node.prev_sibling().map_or(node.start_byte(), |before| before.end_byte()),
                _ => declarator.start_byte(),
            };
            self.declarator(source, node, *declarator, kind, start..end);
        }
    }

    /// One name of a declaration; `range` is where its attributes stand.
    fn declarator(
        &mut self,
        source: &Source<'_>,
        declaration: Node<'_>,
        node: Node<'_>,
        kind: LocalKind,
        range: Range<usize>,
    ) {
        let span = source.span(node);
        let (declarator, value) = match node.kind() {
            "init_declarator" => {
                self.note_errors(source, node);
                (node.child_by_field_name("declarator"), node.child_by_field_name("value"))
            }
            _ => (Some(node), None),
        };
        let Some(declarator) = declarator else { return };
        if declarator.has_error() {
            self.opaque("syntax error", span);
        }
        if declarator.kind() == "function_declarator" && value.is_none() && is_prototype(declarator) {
            return;
        }
        let Some(name) = declarator_name(declarator) else {
            return self.opaque("syntax error", span);
        };
        let ty = type_text(source, declaration, declarator);
        let place = Place::local(self.declare_local(Name::new(source.text(name)), kind, ty, span));
        match value {
            // Its initialiser ran before the program did.
            _ if kind == LocalKind::Static => {}
            Some(value) => self.value_into(source, value, place.clone()),
            None => self.builder.push(StatementKind::Declare(place.clone()), span),
        }
        if let Some((_, callee)) = source.notes.cleanups.range(range).next() {
            self.add_cleanup(Cleanup {
                callee: callee.clone(),
                spelled: vec![source.written(declarator)],
                args: vec![Expr::AddressOf(place)],
                span,
            });
        }
    }
}

/// `int f(int);` inside a body.
fn is_prototype(declarator: Node<'_>) -> bool {
    declarator.child_by_field_name("declarator").is_some_and(|inner| inner.kind() == "identifier")
}
