//! Expressions: calls hoisted into statements, short circuits into branches, the rest pure.

use super::constant::{binary_op, character, number};
use super::{Lowerer, Source, any_below, first_child, named};
use crate::ir::{BinaryOp, BlockId, Expr, Place, UnaryOp};
use tree_sitter::Node;

/// Operators of a chain after which its value goes into a temporary: expressions stay shallow.
const CHAIN_STEP: usize = 32;

impl Lowerer<'_> {
    /// Evaluates `node` for its effects only.
    pub(super) fn effect(&mut self, source: &Source<'_>, node: Node<'_>) {
        self.deeper(source.span(node), |this| this.effect_inner(source, node));
    }

    fn effect_inner(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        match node.kind() {
            "call_expression" => {
                if !self.inline_effect(source, node) {
                    self.call(source, node, None);
                }
            }
            "parenthesized_expression" | "comma_expression" => {
                self.note_errors(source, node);
                self.effects(source, node);
            }
            "cast_expression" => {
                let void =
                    node.child_by_field_name("type").is_some_and(|ty| source.text(ty).trim() == "void");
                let Some(value) = node.child_by_field_name("value") else { return };
                if !void || value.kind() != "call_expression" {
                    self.effect(source, value);
                } else if !self.inline_effect(source, value) {
                    // The author says that nobody wants the result.
                    let place = Place::local(self.builder.discarded(span));
                    self.call(source, value, Some(place));
                }
            }
            "conditional_expression" => {
                let (then, otherwise, join) = self.three_blocks();
                self.condition_of(source, node, then, otherwise);
                for (block, field) in [(then, "consequence"), (otherwise, "alternative")] {
                    self.builder.switch_to(block);
                    if let Some(side) = node.child_by_field_name(field) {
                        self.effect(source, side);
                    }
                    self.builder.goto(join, span);
                }
                self.builder.switch_to(join);
            }
            "binary_expression" if matches!(operator(source, node), "&&" | "||") => {
                let (right, join) = (self.builder.new_block(), self.builder.new_block());
                let Some((left, other)) = sides(node) else { return };
                self.note_errors(source, node);
                if operator(source, node) == "&&" {
                    self.condition(source, left, right, join);
                } else {
                    self.condition(source, left, join, right);
                }
                self.builder.switch_to(right);
                self.effect(source, other);
                self.builder.goto(join, span);
                self.builder.switch_to(join);
            }
            "update_expression" => {
                self.update(source, node, false);
            }
            "assignment_expression" => {
                self.note_errors(source, node);
                self.assignment(source, node);
            }
            "identifier" if self.inline_object_effect(source, node) => {}
            "compound_statement" => self.block_statement(source, node),
            _ => {
                self.value(source, node);
            }
        }
    }

    fn effects(&mut self, source: &Source<'_>, node: Node<'_>) {
        for child in named(node) {
            self.effect(source, child);
        }
    }

    pub(super) fn three_blocks(&mut self) -> (BlockId, BlockId, BlockId) {
        (self.builder.new_block(), self.builder.new_block(), self.builder.new_block())
    }

    /// The value of `node`; its effects are emitted first.
    pub(super) fn value(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let mut value = Expr::Unknown;
        let span = source.span(node);
        self.deeper(span, |this| value = this.value_inner(source, node));
        value
    }

    fn value_inner(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let span = source.span(node);
        self.note_errors(source, node);
        match node.kind() {
            "number_literal" => number(source.text(node)),
            "char_literal" => character(source.text(node)),
            "string_literal" | "concatenated_string" => Expr::Str,
            "true" => Expr::Int(1),
            "false" => Expr::Int(0),
            "null" => Expr::Null,
            "identifier" | "type_identifier" => self.identifier(source, node),
            "parenthesized_expression" => match first_child(node) {
                Some(inner) if inner.kind() == "compound_statement" => {
                    self.statement_expression(source, inner)
                }
                Some(inner) => self.value(source, inner),
                None => Expr::Unknown,
            },
            "compound_statement" => self.statement_expression(source, node),
            "cast_expression" | "extension_expression" => {
                match node.child_by_field_name("value").or_else(|| last_child(node)) {
                    Some(inner) => self.value(source, inner),
                    None => Expr::Unknown,
                }
            }
            "field_expression" | "subscript_expression" => match self.place(source, node) {
                Some(place) => Expr::Read(place),
                None => Expr::Unknown,
            },
            "pointer_expression" => self.pointer(source, node),
            "unary_expression" => self.unary(source, node),
            "update_expression" => self.update(source, node, true),
            "assignment_expression" => match self.assignment(source, node) {
                Some(place) => Expr::Read(place),
                None => Expr::Unknown,
            },
            "binary_expression" => self.binary(source, node),
            "conditional_expression" | "call_expression" => {
                let place = Place::local(self.builder.temporary(span));
                self.value_into(source, node, place.clone());
                Expr::Read(place)
            }
            "comma_expression" => {
                let Some((left, right)) = sides(node) else { return Expr::Unknown };
                self.effect(source, left);
                self.value(source, right)
            }
            "sizeof_expression" | "alignof_expression" | "offsetof_expression" => {
                Expr::Const(source.written(node))
            }
            "initializer_list" => {
                for child in named(node) {
                    self.value(source, child);
                }
                Expr::Unknown
            }
            "initializer_pair" => match node.child_by_field_name("value") {
                Some(value) => self.value(source, value),
                None => Expr::Unknown,
            },
            "compound_literal_expression" => {
                if let Some(list) = node.child_by_field_name("value") {
                    self.value(source, list);
                }
                Expr::Unknown
            }
            "generic_expression" | "gnu_asm_expression" | "type_descriptor" | "comment" => Expr::Unknown,
            "ERROR" => {
                self.opaque("syntax error", span);
                self.salvage(source, node);
                Expr::Unknown
            }
            _ => {
                self.opaque("unknown expression", span);
                Expr::Unknown
            }
        }
    }

    fn unary(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        let operator = operator(source, node).to_owned();
        let operand = self.value(source, argument);
        match operator.as_str() {
            "!" => Expr::Unary(UnaryOp::Not, Box::new(operand)),
            "~" => Expr::Unary(UnaryOp::BitNot, Box::new(operand)),
            "-" => match operand {
                Expr::Int(value) => Expr::Int(value.wrapping_neg()),
                operand => Expr::Unary(UnaryOp::Neg, Box::new(operand)),
            },
            _ => operand,
        }
    }

    fn update(&mut self, source: &Source<'_>, node: Node<'_>, used: bool) -> Expr {
        let span = source.span(node);
        let Some(argument) = node.child_by_field_name("argument") else { return Expr::Unknown };
        let text = source.text(node);
        let prefix = text.starts_with("++") || text.starts_with("--");
        let op = if text.contains("++") { BinaryOp::Add } else { BinaryOp::Sub };
        let Some(place) = self.place(source, argument) else { return Expr::Unknown };
        let old = Expr::Read(place.clone());
        let before = if used && !prefix { self.hold(old.clone(), span) } else { old.clone() };
        self.builder.assign(place.clone(), Expr::binary(op, old, Expr::Int(1)), span);
        if prefix { Expr::Read(place) } else { before }
    }

    fn binary(&mut self, source: &Source<'_>, node: Node<'_>) -> Expr {
        let span = source.span(node);
        let operator = operator(source, node).to_owned();
        if matches!(operator.as_str(), "&&" | "||") {
            let place = Place::local(self.builder.temporary(span));
            let (then, otherwise, join) = self.three_blocks();
            self.condition(source, node, then, otherwise);
            for (block, truth) in [(then, 1), (otherwise, 0)] {
                self.builder.switch_to(block);
                self.builder.assign(place.clone(), Expr::Int(truth), span);
                self.builder.goto(join, span);
            }
            self.builder.switch_to(join);
            return Expr::Read(place);
        }
        // A chain of operators is long, not deep.
        let mut chain = vec![node];
        let mut first = node;
        while let Some((left, _)) = sides(first) {
            first = left;
            if left.kind() != "binary_expression" || matches!(self::operator(source, left), "&&" | "||") {
                break;
            }
            chain.push(left);
        }
        let mut value = self.value(source, first);
        for (at, node) in chain.into_iter().rev().enumerate() {
            let Some((left, right)) = sides(node) else { return Expr::Unknown };
            if has_effects(right) && reads(&value) || at % CHAIN_STEP == CHAIN_STEP - 1 {
                value = self.hold(value, source.span(left));
            }
            let right = self.value(source, right);
            let Some(op) = binary_op(self::operator(source, node)) else {
                self.opaque("unknown operator", span);
                return Expr::Unknown;
            };
            value = Expr::binary(op, value, right);
        }
        value
    }

    /// `({ …; value; })`
    fn statement_expression(&mut self, source: &Source<'_>, block: Node<'_>) -> Expr {
        let mut value = Expr::Int(0);
        self.push_scope(block.id());
        let children = named(block);
        let last = children.last().map(|child| child.id());
        for child in children {
            let inner = first_child(child).filter(|_| child.kind() == "expression_statement");
            match inner {
                Some(inner)
                    if last == Some(child.id()) && !source.notes.asm.contains_key(&child.start_byte()) =>
                {
                    let result = self.value(source, inner);
                    value = if reads(&result) { self.hold(result, source.span(child)) } else { result };
                }
                _ => self.statement(source, child),
            }
        }
        self.pop_scope();
        value
    }

    /// `a = b`, `a += b`: the written place.
    fn assignment(&mut self, source: &Source<'_>, node: Node<'_>) -> Option<Place> {
        let span = source.span(node);
        let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
        let operator = operator(source, node).to_owned();
        if operator == "=" {
            let place = match self.place(source, left) {
                Some(place) => place,
                None => Place::local(self.builder.temporary(span)),
            };
            self.value_into(source, right, place.clone());
            return Some(place);
        }
        let place = self.place(source, left)?;
        let value = self.value(source, right);
        let old = Expr::Read(place.clone());
        let value = match binary_op(operator.trim_end_matches('=')) {
            Some(op) => Expr::binary(op, old, value),
            None => Expr::Unknown,
        };
        self.builder.assign(place.clone(), value, span);
        Some(place)
    }

    /// Evaluates `node` and stores it at `place`: calls and choices write there directly.
    pub(super) fn value_into(&mut self, source: &Source<'_>, node: Node<'_>, place: Place) {
        let span = source.span(node);
        self.deeper(span, |this| match node.kind() {
            "call_expression" => {
                if !this.inline_value(source, node, &place) {
                    this.call(source, node, Some(place));
                }
            }
            "parenthesized_expression"
                if first_child(node).is_some_and(|c| c.kind() != "compound_statement") =>
            {
                if let Some(inner) = first_child(node) {
                    this.value_into(source, inner, place);
                }
            }
            "cast_expression" if node.child_by_field_name("value").is_some() => {
                if let Some(inner) = node.child_by_field_name("value") {
                    this.value_into(source, inner, place);
                }
            }
            "conditional_expression" => this.conditional_into(source, node, place),
            _ => {
                let value = this.value(source, node);
                this.builder.assign(place, value, span);
            }
        });
    }
}

pub(super) fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    node.named_child(node.named_child_count().checked_sub(1)? as u32)
}

pub(super) fn sides(node: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    Some((node.child_by_field_name("left")?, node.child_by_field_name("right")?))
}

pub(super) fn operator<'s>(source: &'s Source<'_>, node: Node<'_>) -> &'s str {
    node.child_by_field_name("operator").map_or("", |operator| source.text(operator))
}

fn has_effects(node: Node<'_>) -> bool {
    any_below(node, |node| {
        matches!(
            node.kind(),
            "call_expression" | "assignment_expression" | "update_expression" | "compound_statement"
        )
    })
}

fn reads(value: &Expr) -> bool {
    match value {
        Expr::Read(_) | Expr::Unknown => true,
        Expr::Unary(_, operand) => reads(operand),
        Expr::Binary(_, left, right) => reads(left) || reads(right),
        Expr::AddressOf(place) => !place.projections.is_empty(),
        Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) => false,
    }
}
