//! Calls.

use super::{Lowerer, Source, first_child, named};
use crate::ir::{Callee, Expr, Name, Place, StatementKind};
use tree_sitter::Node;

impl Lowerer<'_> {
    /// A call that is no macro of known definition.
    pub(super) fn call(&mut self, source: &Source<'_>, node: Node<'_>, place: Option<Place>) {
        let span = source.span(node);
        let Some(function) = node.child_by_field_name("function") else {
            return self.opaque("call of nothing", span);
        };
        self.note_errors(source, node);
        let list = node.child_by_field_name("arguments");
        match function.kind() {
            "call_expression" if self.cleanup_form(source, node, function, place.as_ref()) => {}
            // Checked by the compiler, evaluated by nobody.
            "identifier" if matches!(source.text(function), "_Static_assert" | "static_assert") => {}
            "generic_expression" => self.generic_call(source, node, function, place),
            "parenthesized_expression" if chosen(function).is_some() => {
                self.chosen_call(source, node, function, place)
            }
            _ => {
                let (args, spelled) = self.arguments(source, list);
                if function.kind() == "identifier"
                    && self.call_nested(source.text(function), args.clone(), place.clone(), span)
                {
                    return;
                }
                let callee = self.callee(source, function);
                self.builder.push(StatementKind::Call { place, callee, args, spelled }, span);
            }
        }
    }

    fn callee(&mut self, source: &Source<'_>, function: Node<'_>) -> Callee {
        let name = source.text(function);
        if function.kind() == "identifier" && self.resolve(name).is_none() {
            return Callee::Named(Name::new(name));
        }
        let span = source.span(function);
        let place = self.place(source, strip(function));
        match place {
            Some(Place { base: crate::ir::Base::Global(name), projections }) if projections.is_empty() => {
                Callee::Named(name)
            }
            Some(place) => Callee::Through(place),
            None => Callee::Through(Place::local(self.builder.temporary(span))),
        }
    }

    /// `_Generic(x, int: f, default: g)(x)`: one of them is called, and the text does not tell the type.
    fn generic_call(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        function: Node<'_>,
        place: Option<Place>,
    ) {
        let span = source.span(node);
        let (args, spelled) = self.arguments(source, node.child_by_field_name("arguments"));
        let chosen = named(function).into_iter().skip(1).filter(|child| child.kind() != "type_descriptor");
        let ways: Vec<_> = chosen.map(|choice| (self.builder.new_block(), choice)).collect();
        let join = self.builder.new_block();
        self.builder.choice(ways.iter().map(|(block, _)| *block).collect(), span);
        for (block, choice) in ways {
            self.builder.switch_to(block);
            let callee = self.callee(source, choice);
            let (place, args, spelled) = (place.clone(), args.clone(), spelled.clone());
            self.builder.push(StatementKind::Call { place, callee, args, spelled }, span);
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
    }

    /// `(write ? up_write : up_read)(l)`
    fn chosen_call(&mut self, source: &Source<'_>, node: Node<'_>, function: Node<'_>, place: Option<Place>) {
        let span = source.span(node);
        let Some(choice) = chosen(function) else { return };
        let (args, spelled) = self.arguments(source, node.child_by_field_name("arguments"));
        let (then, otherwise, join) = self.three_blocks();
        self.condition_of(source, choice, then, otherwise);
        for (block, field) in [(then, "consequence"), (otherwise, "alternative")] {
            self.builder.switch_to(block);
            if let Some(side) = choice.child_by_field_name(field) {
                let callee = self.callee(source, strip(side));
                let (place, args, spelled) = (place.clone(), args.clone(), spelled.clone());
                self.builder.push(StatementKind::Call { place, callee, args, spelled }, span);
            }
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
    }

    pub(super) fn arguments(
        &mut self,
        source: &Source<'_>,
        list: Option<Node<'_>>,
    ) -> (Vec<Expr>, Vec<Name>) {
        let (mut args, mut spelled) = (Vec::new(), Vec::new());
        for child in list.map(named).unwrap_or_default() {
            args.push(self.value(source, child));
            spelled.push(source.written(child));
        }
        (args, spelled)
    }
}

/// The choice between two functions that is called.
fn chosen(function: Node<'_>) -> Option<Node<'_>> {
    let inner = first_child(function)?;
    let both = || inner.child_by_field_name("consequence").is_some();
    (inner.kind() == "conditional_expression" && both()).then_some(inner)
}

/// `(*f)(x)` calls what `f(x)` calls.
fn strip(mut node: Node<'_>) -> Node<'_> {
    loop {
        let inner = match node.kind() {
            "parenthesized_expression" => first_child(node),
            "pointer_expression" => return node.child_by_field_name("argument").unwrap_or(node),
            _ => None,
        };
        match inner {
            Some(inner) => node = inner,
            None => return node,
        }
    }
}
