//! Places: names, members, elements, what pointers point to.

use super::expression::last_child;
use super::{Lowerer, Source, first_child};
use crate::ir::{Base, Expr, Name, Place, Projection};
use crate::source::Span;
use tree_sitter::Node;

impl Lowerer<'_> {
    pub(super) fn identifier(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let name = source.text(node);
        if let Some(id) = self.resolve(name) {
            return Expr::Read(Place::local(id));
        }
        if self.nested(name).is_some() {
            self.opaque("nested function", source.span(node));
            return Expr::Unknown;
        }
        match name {
            "NULL" | "nullptr" => return Expr::Null,
            "true" | "TRUE" => return Expr::Int(1),
            "false" | "FALSE" => return Expr::Int(0),
            _ => {}
        }
        if let Some(value) = self.inline_object_value(source, node) {
            return value;
        }
        let constant =
            name.bytes().any(|b| b.is_ascii_uppercase()) && !name.bytes().any(|b| b.is_ascii_lowercase());
        if constant { Expr::Const(Name::new(name)) } else { Expr::Read(Place::global(name)) }
    }

    pub(super) fn pointer(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        if source.text(node).starts_with('&') {
            return match self.place(source, argument) {
                Some(Place { base, mut projections }) if projections.last() == Some(&Projection::Deref) => {
                    projections.pop();
                    Expr::Read(Place { base, projections })
                }
                // The call of an unknown macro that stands for a place: whatever it is, it tells which.
                Some(place) if argument.kind() == "call_expression" && place.projections.is_empty() => {
                    Expr::Read(place)
                }
                Some(place) => Expr::AddressOf(place),
                None => Expr::Str,
            };
        }
        match self.place(source, node) {
            Some(place) => Expr::Read(place),
            None => Expr::Unknown,
        }
    }

    /// The place that `node` denotes.
    pub(super) fn place(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Place> {
        let span = source.span(node);
        let mut place = None;
        self.deeper(span, |this| {
            this.note_errors(source, node);
            place = this.place_inner(source, node, span);
        });
        place
    }

    fn place_inner(&mut self, source: &Source<'_>, node: Node<'_>, span: Span) -> Option<Place> {
        match node.kind() {
            "identifier" => match self.identifier(source, node) {
                Expr::Read(place) => Some(place),
                Expr::Const(name) => Some(Place { base: Base::Global(name), projections: Vec::new() }),
                _ => None,
            },
            "parenthesized_expression" => match first_child(node) {
                Some(inner) if inner.kind() != "compound_statement" => self.place(source, inner),
                _ => self.pointee(source, node, span).map(|mut place| {
                    place.projections.pop();
                    place
                }),
            },
            "field_expression" => {
                let argument = node.child_by_field_name("argument")?;
                let field = Name::new(source.text(node.child_by_field_name("field")?));
                let arrow = source
                    .text
                    .get(argument.end_byte()..node.end_byte())?
                    .trim_ascii_start()
                    .starts_with(b"->");
                let base =
                    if arrow { self.pointee(source, argument, span)? } else { self.place(source, argument)? };
                Some(base.field(field))
            }
            "subscript_expression" => {
                let argument = node.child_by_field_name("argument")?;
                let index = node.child_by_field_name("index").or_else(|| last_child(node))?;
                let base = match self.place(source, argument) {
                    Some(place) => place,
                    None => Place::local(self.builder.temporary(span)),
                };
                let index = self.value(source, index);
                Some(base.project(Projection::Index(Box::new(index))))
            }
            "pointer_expression" if source.text(node).starts_with('*') => {
                let argument = node.child_by_field_name("argument")?;
                self.pointee(source, argument, span)
            }
            "cast_expression" => self.place(source, node.child_by_field_name("value")?),
            "call_expression" => match self.inline_place(source, node) {
                Some(place) => Some(place),
                None => Some(self.place_of_value(source, node, span)),
            },
            "conditional_expression"
            | "assignment_expression"
            | "comma_expression"
            | "compound_literal_expression"
            | "update_expression"
            | "binary_expression" => Some(self.place_of_value(source, node, span)),
            _ => None,
        }
    }

    /// A value that is used like a place: it is given one.
    fn place_of_value(&mut self, source: &Source<'_>, node: Node<'_>, span: Span) -> Place {
        match self.value(source, node) {
            Expr::Read(place) => place,
            value => {
                let place = Place::local(self.builder.temporary(span));
                self.builder.assign(place.clone(), value, span);
                place
            }
        }
    }

    /// The place that the pointer `node` points to.
    fn pointee(&mut self, source: &Source<'_>, node: Node<'_>, span: Span) -> Option<Place> {
        match self.value(source, node) {
            Expr::Read(place) => Some(place.deref()),
            Expr::AddressOf(place) => Some(place),
            Expr::Const(name) => Some(Place::global(name).deref()),
            Expr::Null | Expr::Int(_) => None,
            value => {
                let place = Place::local(self.builder.temporary(span));
                self.builder.assign(place.clone(), value, span);
                Some(place.deref())
            }
        }
    }
}
