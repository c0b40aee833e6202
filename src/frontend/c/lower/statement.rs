//! Statements: dispatch, choices and loops.

use super::scope::Target;
use super::{Lowerer, Source, first_child, named};
use crate::ir::BlockId;
use tree_sitter::Node;

impl Lowerer<'_> {
    pub(super) fn block_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        self.push_scope(node.id());
        self.children(source, node);
        // A brace that is missing is missing at the end.
        self.note_errors(source, node);
        self.pop_scope();
    }

    pub(super) fn children(&mut self, source: &Source<'_>, node: Node<'_>) {
        for child in named(node) {
            self.statement(source, child);
        }
    }

    pub(super) fn statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        self.deeper(span, |this| this.statement_inner(source, node));
    }

    fn statement_inner(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        if node.kind() != "compound_statement" {
            self.note_errors(source, node);
        }
        match node.kind() {
            "comment"
            | "preproc_call"
            | "preproc_def"
            | "preproc_function_def"
            | "preproc_include"
            | "type_definition"
            | "struct_specifier"
            | "union_specifier"
            | "enum_specifier"
            | "attribute_specifier"
            | "attribute_declaration"
            | ";"
            | "storage_class_specifier" => {}
            "compound_statement" => self.block_statement(source, node),
            "expression_statement" => match first_child(node) {
                Some(_) if source.notes.asm.contains_key(&node.start_byte()) => self.assembly(source, node),
                Some(inner) => {
                    self.effect(source, inner);
                    if source.notes.computed_gotos.contains(&node.start_byte()) {
                        self.computed_goto(source, span);
                    }
                }
                None => {}
            },
            "declaration" => self.declaration(source, node),
            "if_statement" => self.if_statement(source, node),
            "while_statement" => self.while_statement(source, node),
            "do_statement" => self.do_statement(source, node),
            "for_statement" => self.for_statement(source, node),
            "switch_statement" => self.switch_statement(source, node),
            "case_statement" => self.case_statement(source, node),
            "labeled_statement" => self.labeled_statement(source, node),
            "goto_statement" => self.goto_statement(source, node),
            "break_statement" => self.leave_loop(false, span),
            "continue_statement" => self.leave_loop(true, span),
            "return_statement" => self.return_statement(source, node),
            "attributed_statement" => self.children(source, node),
            "preproc_if" | "preproc_ifdef" | "preproc_elif" | "preproc_elifdef" => {
                self.conditional(source, node);
            }
            "preproc_else" => self.children(source, node),
            "function_definition" => self.nested_definition(source, node),
            "ERROR" => {
                self.opaque("syntax error", span);
                self.salvage(source, node);
            }
            kind if kind.ends_with("_expression") || kind == "identifier" => self.effect(source, node),
            _ if node.is_missing() => {}
            "statement_identifier" | "case" | "else_clause" => {}
            _ => self.opaque("unknown statement", span),
        }
    }

    fn if_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        if let Some(note) = source.notes.blocks.get(&node.start_byte()).cloned() {
            return self.macro_block(source, node, &note, node.child_by_field_name("consequence"));
        }
        let join = self.builder.new_block();
        let mut node = node;
        loop {
            let span = source.span(node);
            let (then, otherwise) = (self.builder.new_block(), self.builder.new_block());
            self.condition_of(source, node, then, otherwise);
            self.builder.switch_to(then);
            if let Some(consequence) = node.child_by_field_name("consequence") {
                self.statement(source, consequence);
            }
            self.builder.goto(join, span);
            self.builder.switch_to(otherwise);
            let Some(alternative) = node.child_by_field_name("alternative") else { break };
            self.note_errors(source, alternative);
            match first_child(alternative) {
                // A chain of `else if` is long, not deep.
                Some(next)
                    if next.kind() == "if_statement"
                        && !source.notes.blocks.contains_key(&next.start_byte()) =>
                {
                    self.note_errors(source, next);
                    node = next;
                }
                _ => {
                    self.children(source, alternative);
                    break;
                }
            }
        }
        self.builder.goto(join, source.span(node));
        self.builder.switch_to(join);
    }

    fn while_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        if let Some(note) = source.notes.blocks.get(&node.start_byte()).cloned() {
            return self.macro_block(source, node, &note, node.child_by_field_name("body"));
        }
        let (head, body, exit) = self.three_blocks();
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        self.condition_of(source, node, body, exit);
        self.looped(source, node.child_by_field_name("body"), body, head, exit);
        self.builder.goto(head, span);
        self.builder.switch_to(exit);
    }

    /// The body of a loop.
    pub(super) fn looped(
        &mut self,
        source: &Source<'_>,
        statement: Option<Node<'_>>,
        body: BlockId,
        on_continue: BlockId,
        on_break: BlockId,
    ) {
        self.targets.push(Target { on_break, on_continue: Some(on_continue), scopes: self.scopes.len() });
        self.builder.switch_to(body);
        if let Some(statement) = statement {
            self.statement(source, statement);
        }
        self.targets.pop();
    }

    fn do_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let (body, check, exit) = self.three_blocks();
        self.builder.goto(body, span);
        self.looped(source, node.child_by_field_name("body"), body, check, exit);
        self.builder.goto(check, span);
        self.builder.switch_to(check);
        self.condition_of(source, node, body, exit);
        self.builder.switch_to(exit);
    }

    fn for_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        self.push_scope(node.id());
        if let Some(initializer) = node.child_by_field_name("initializer") {
            if initializer.kind() == "declaration" {
                self.declaration(source, initializer);
            } else {
                self.effect(source, initializer);
            }
        }
        let (head, body, exit) = self.three_blocks();
        let step = self.builder.new_block();
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        match node.child_by_field_name("condition") {
            Some(condition) => self.condition(source, condition, body, exit),
            None => self.builder.goto(body, span),
        }
        self.looped(source, node.child_by_field_name("body"), body, step, exit);
        self.builder.goto(step, span);
        self.builder.switch_to(step);
        if let Some(update) = node.child_by_field_name("update") {
            self.effect(source, update);
        }
        self.builder.goto(head, span);
        self.builder.switch_to(exit);
        self.pop_scope();
    }
}
