//! Conditions: short circuits and choices become branches.

use super::constant::truth;
use super::expression::{operator, sides};
use super::{Lowerer, Source, first_child};
use crate::ir::{BlockId, Expr, Place, Predicate};
use tree_sitter::Node;

impl Lowerer<'_> {
    pub(super) fn conditional_into(&mut self, source: &Source<'_>, node: Node<'_>, place: Place) {
        let span = source.span(node);
        let (then, otherwise, join) = self.three_blocks();
        let shared = match node.child_by_field_name("consequence") {
            // GNU `a ?: b`: the condition is the value.
            None => {
                let condition = node.child_by_field_name("condition");
                let value = condition.map_or(Expr::Unknown, |condition| self.value(source, condition));
                let held = self.hold(value, span);
                self.builder.branch(Predicate::Holds(held.clone()), then, otherwise, span);
                Some(held)
            }
            Some(_) => {
                self.condition_of(source, node, then, otherwise);
                None
            }
        };
        for (block, field) in [(then, "consequence"), (otherwise, "alternative")] {
            self.builder.switch_to(block);
            match (node.child_by_field_name(field), &shared) {
                (Some(side), _) => self.value_into(source, side, place.clone()),
                (None, Some(held)) => self.builder.assign(place.clone(), held.clone(), span),
                (None, None) => {}
            }
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
    }

    pub(super) fn condition_of(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        then: BlockId,
        otherwise: BlockId,
    ) {
        match node.child_by_field_name("condition") {
            Some(condition) => self.condition(source, condition, then, otherwise),
            None => {
                self.opaque("no condition", source.span(node));
                self.builder.branch(Predicate::Either, then, otherwise, source.span(node));
            }
        }
    }

    /// Branches on `node`.
    pub(super) fn condition(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        then: BlockId,
        otherwise: BlockId,
    ) {
        let span = source.span(node);
        self.note_errors(source, node);
        self.deeper(span, |this| match node.kind() {
            "parenthesized_expression"
                if first_child(node).is_some_and(|c| c.kind() != "compound_statement") =>
            {
                if let Some(inner) = first_child(node) {
                    this.condition(source, inner, then, otherwise);
                }
            }
            "unary_expression" if operator(source, node) == "!" => {
                if let Some(argument) = node.child_by_field_name("argument") {
                    this.condition(source, argument, otherwise, then);
                }
            }
            "binary_expression" if matches!(operator(source, node), "&&" | "||") => {
                this.short_circuit(source, node, then, otherwise);
            }
            "comma_expression" => {
                if let Some((left, right)) = sides(node) {
                    this.effect(source, left);
                    this.condition(source, right, then, otherwise);
                }
            }
            _ => {
                let value = this.value(source, node);
                match truth(&value) {
                    Some(true) => this.builder.goto(then, span),
                    Some(false) => this.builder.goto(otherwise, span),
                    None => this.builder.branch(Predicate::Holds(value), then, otherwise, span),
                }
            }
        });
        if !self.builder.is_terminated() {
            self.builder.branch(Predicate::Either, then, otherwise, span);
        }
    }

    /// `a && b && c`: a chain is long, not deep.
    fn short_circuit(&mut self, source: &Source<'_>, node: Node<'_>, then: BlockId, otherwise: BlockId) {
        let kind = operator(source, node);
        let mut chain = Vec::new();
        let mut first = node;
        while first.kind() == "binary_expression" && operator(source, first) == kind {
            let Some((left, right)) = sides(first) else { break };
            chain.push(right);
            first = left;
        }
        chain.push(first);
        while let Some(operand) = chain.pop() {
            if chain.is_empty() {
                return self.condition(source, operand, then, otherwise);
            }
            let next = self.builder.new_block();
            if kind == "&&" {
                self.condition(source, operand, next, otherwise);
            } else {
                self.condition(source, operand, then, next);
            }
            self.builder.switch_to(next);
        }
    }
}
