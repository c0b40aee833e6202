//! `#if` between statements: a branch that always goes the same way for the same condition.

use super::{Lowerer, Source, named};
use crate::frontend::c::conditionals::{Condition, condition};
use crate::ir::{BlockId, Predicate};
use crate::source::Span;
use tree_sitter::Node;

impl Source<'_> {
    /// What the directive asks that opens `node`.
    pub(super) fn directive(&self, node: Node<'_>) -> Condition {
        let asked = node.child_by_field_name("condition").or_else(|| node.child_by_field_name("name"));
        let text = self.text.get(node.byte_range()).unwrap_or_default();
        let line = text.iter().position(|&b| b == b'\n').unwrap_or(text.len());
        let end = asked.map_or(line, |asked| asked.end_byte() - node.start_byte());
        condition(text.get(..end).unwrap_or_default())
    }
}

impl Lowerer<'_> {
    pub(super) fn conditional(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let asked = source.directive(node);
        let alternative = node.child_by_field_name("alternative");
        let skipped = [node.child_by_field_name("name"), node.child_by_field_name("condition"), alternative];
        let arm = |this: &mut Self| {
            for child in named(node).into_iter().filter(|child| !skipped.contains(&Some(*child))) {
                this.statement(source, child);
            }
        };
        let other = |this: &mut Self| {
            if let Some(alternative) = alternative {
                this.statement(source, alternative);
            }
        };
        match asked {
            Condition::Decided(true) => return arm(self),
            Condition::Decided(false) => return other(self),
            _ => {}
        }
        let (on, off, join) = self.three_blocks();
        self.configured(&asked, on, off, span);
        self.builder.switch_to(on);
        arm(self);
        self.builder.goto(join, span);
        self.builder.switch_to(off);
        other(self);
        self.builder.goto(join, span);
        self.builder.switch_to(join);
    }

    /// Branches on a preprocessor condition, atom by atom.
    pub(super) fn configured(&mut self, asked: &Condition, then: BlockId, otherwise: BlockId, span: Span) {
        match asked {
            Condition::Decided(true) => self.builder.goto(then, span),
            Condition::Decided(false) => self.builder.goto(otherwise, span),
            Condition::Holds(name) => {
                self.builder.branch(Predicate::Configuration(name.clone()), then, otherwise, span);
            }
            Condition::Not(inner) => self.configured(inner, otherwise, then, span),
            Condition::And(left, right) => {
                let between = self.builder.new_block();
                self.configured(left, between, otherwise, span);
                self.builder.switch_to(between);
                self.configured(right, then, otherwise, span);
            }
            Condition::Or(left, right) => {
                let between = self.builder.new_block();
                self.configured(left, then, between, span);
                self.builder.switch_to(between);
                self.configured(right, then, otherwise, span);
            }
        }
    }
}
