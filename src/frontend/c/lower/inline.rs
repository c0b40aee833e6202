//! Macros whose definition is known, lowered from it where they are used.

use super::jump::has_label;
use super::{Lowerer, Origin, Source, first_child, parse};
use crate::frontend::c::lex::tokens;
use crate::frontend::c::macros;
use crate::frontend::c::mask::mask;
use crate::frontend::c::text::split_arguments;
use crate::ir::{Expr, Name, Place};
use crate::source::Span;
use tree_sitter::Node;

/// Expansions inside expansions.
pub(super) const EXPANSION_DEPTH: usize = 8;
/// Bytes of an expansion.
pub(super) const EXPANSION_SIZE: usize = 64 * 1024;

type Lower<'f, 'e> = dyn FnMut(&mut Lowerer<'e>, &Source<'_>, Node<'_>) + 'f;

impl<'e> Lowerer<'e> {
    /// A call of a macro of the file, for its effects: its expansion as a statement.
    pub(super) fn inline_effect(&mut self, source: &Source<'_>, node: Node<'_>) -> bool {
        let Some((name, text)) = self.expansion(source, node) else { return false };
        let span = source.span(node);
        self.expanding.push(name);
        let done = self.parsed(&format!("void f(void){{{text};}}"), span, &mut |this, source, body| {
            this.block_statement(source, body);
        });
        self.expanding.pop();
        done
    }

    /// A call of a macro of the file, for its value.
    pub(super) fn inline_value(&mut self, source: &Source<'_>, node: Node<'_>, place: &Place) -> bool {
        let Some((name, text)) = self.expansion(source, node) else { return false };
        let span = source.span(node);
        self.expanding.push(name);
        let place = place.clone();
        let done = self
            .fragment(&text, span, &mut |this, source, node| this.value_into(source, node, place.clone()));
        self.expanding.pop();
        done
    }

    /// A call of a macro of the file that stands for a place.
    pub(super) fn inline_place(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Place> {
        let (name, text) = self.expansion(source, node)?;
        let span = source.span(node);
        self.expanding.push(name);
        let mut place = None;
        self.fragment(&text, span, &mut |this, source, node| place = this.place(source, node));
        self.expanding.pop();
        place
    }

    fn expansion(&self, source: &Source<'_>, node: Node<'_>) -> Option<(Name, String)> {
        let function =
            node.child_by_field_name("function").filter(|function| function.kind() == "identifier")?;
        let name = source.text(function);
        let definition = self.env.macro_definition(name)?;
        definition.parameters.as_ref()?;
        if self.resolve(name).is_some()
            || self.expanding.len() >= EXPANSION_DEPTH
            || self.expanding.iter().any(|other| other == name)
        {
            return None;
        }
        let list = node.child_by_field_name("arguments")?;
        let written = source.original.get(list.byte_range())?;
        let tokens = tokens(written);
        let inner = tokens.get(1..tokens.len().checked_sub(1)?)?;
        let args = split_arguments(written, inner);
        let text = macros::expand(definition, &args)?;
        (text.len() <= EXPANSION_SIZE && !text.trim().is_empty()).then(|| (Name::new(name), text))
    }

    /// An object-like macro of the file used as a statement.
    pub(super) fn inline_object_effect(&mut self, source: &Source<'_>, node: Node<'_>) -> bool {
        let name = source.text(node);
        let Some(text) = self.object(name) else { return false };
        let span = source.span(node);
        self.expanding.push(Name::new(name));
        let done = self.parsed(&format!("void f(void){{{text};}}"), span, &mut |this, source, body| {
            this.block_statement(source, body);
        });
        self.expanding.pop();
        done
    }

    /// An object-like macro of the file used as a value.
    pub(super) fn inline_object_value(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Expr> {
        let name = source.text(node);
        let text = self.object(name)?;
        let span = source.span(node);
        self.expanding.push(Name::new(name));
        let mut value = None;
        self.fragment(&text, span, &mut |this, source, node| value = Some(this.value(source, node)));
        self.expanding.pop();
        value
    }

    fn object(&self, name: &str) -> Option<String> {
        let definition =
            self.env.macro_definition(name).filter(|definition| definition.parameters.is_none())?;
        let usable = !definition.body.is_empty()
            && definition.body.len() <= 1024
            && self.expanding.len() < EXPANSION_DEPTH
            && !self.expanding.iter().any(|other| other == name);
        usable.then(|| definition.body.clone())
    }

    /// Parses `text` as an expression and hands it over; `false` when it does not read as one.
    pub(super) fn fragment(&mut self, text: &str, span: Span, lower: &mut Lower<'_, 'e>) -> bool {
        let mut done = false;
        self.parsed(&format!("void f(void){{({text});}}"), span, &mut |this, source, body| {
            let inner = first_child(body).filter(|statement| statement.kind() == "expression_statement");
            if let Some(expression) = inner.and_then(first_child) {
                lower(this, source, expression);
                done = true;
            }
        });
        done
    }

    pub(super) fn parsed(&mut self, text: &str, span: Span, lower: &mut Lower<'_, 'e>) -> bool {
        self.parsed_at(text.as_bytes(), Origin::Use(span), lower)
    }

    /// Parses `text`, a function, and hands over its body; `false` when it does not parse.
    pub(super) fn parsed_at(&mut self, text: &[u8], origin: Origin, lower: &mut Lower<'_, 'e>) -> bool {
        let masked = mask(text, self.env);
        let Some(tree) = parse(&masked.text).filter(|tree| !tree.root_node().has_error()) else {
            return false;
        };
        let body = first_child(tree.root_node()).and_then(|function| function.child_by_field_name("body"));
        let Some(body) = body.filter(|body| body.end_byte() == text.len()) else { return false };
        let source = Source { text: &masked.text, original: text, notes: &masked.notes, origin };
        if !has_label(body) {
            lower(self, &source, body);
            return true;
        }
        // Labels of an expansion are its own: the next use has others.
        let shadowed = self.collect_labels(&source, body);
        lower(self, &source, body);
        self.labels.extend(shadowed);
        true
    }
}
