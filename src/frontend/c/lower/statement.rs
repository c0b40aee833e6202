//! Statements: all of C's control flow, and preprocessor conditionals between statements.

use super::expression::first_child;
use super::scope::Target;
use super::{Lowerer, Source, declarator_name, pointers};
use crate::frontend::c::conditionals::{decided, normalise};
use crate::ir::environment::BlockMacro;
use crate::ir::{Base, BlockId, Expr, LocalKind, Name, Place, Predicate, StatementKind};
use rustc_hash::FxHashMap;
use tree_sitter::Node;

/// The case labels of a switch, by node.
#[derive(Default)]
pub(in crate::frontend::c) struct Switch {
    cases: FxHashMap<usize, BlockId>,
}

impl Lowerer<'_> {
    pub(super) fn block_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        self.push_scope(node.id());
        self.children(source, node);
        self.pop_scope();
    }

    fn children(&mut self, source: &Source<'_>, node: Node<'_>) {
        for at in 0..node.named_child_count() {
            if let Some(child) = node.named_child(at as u32) {
                self.statement(source, child);
            }
        }
    }

    pub(super) fn statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        self.deeper(span, |this| this.statement_inner(source, node));
    }

    fn statement_inner(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
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
                    if inner.kind() == "ERROR" || node.has_error() && inner.has_error() {
                        self.opaque("syntax error", span);
                    } else {
                        self.effect(source, inner);
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
                self.conditional(source, node)
            }
            "preproc_else" => self.children(source, node),
            "function_definition" => self.opaque("nested function", span),
            "ERROR" => self.opaque("syntax error", span),
            kind if kind.ends_with("_expression") || kind == "identifier" => self.effect(source, node),
            _ if node.is_missing() => self.opaque("syntax error", span),
            "statement_identifier" | "case" | "else_clause" => {}
            _ => self.opaque("unknown statement", span),
        }
    }

    fn declaration(&mut self, source: &Source<'_>, node: Node<'_>) {
        let ty = node.child_by_field_name("type").map(|ty| source.written(ty)).unwrap_or_default();
        let mut kind = LocalKind::Variable;
        let mut external = false;
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            if child.kind() == "storage_class_specifier" {
                match source.text(child) {
                    "static" => kind = LocalKind::Static,
                    "extern" | "typedef" => external = true,
                    _ => {}
                }
            }
        }
        let mut cursor = node.walk();
        let declarators: Vec<Node<'_>> = node.children_by_field_name("declarator", &mut cursor).collect();
        for (at, declarator) in declarators.iter().enumerate() {
            let end = declarators.get(at + 1).map_or(node.end_byte(), |next| next.start_byte());
            let start = if at == 0 { node.start_byte() } else { declarator.start_byte() };
            if !external {
                self.declarator(source, *declarator, kind, &ty, start..end);
            }
        }
        if node.has_error() && declarators.iter().all(|declarator| !declarator.has_error()) {
            self.opaque("syntax error", source.span(node));
        }
    }

    fn declarator(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        kind: LocalKind,
        ty: &Name,
        range: std::ops::Range<usize>,
    ) {
        let span = source.span(node);
        let (declarator, value) = match node.kind() {
            "init_declarator" => (node.child_by_field_name("declarator"), node.child_by_field_name("value")),
            _ => (Some(node), None),
        };
        let Some(declarator) = declarator else { return };
        if declarator.kind() == "function_declarator" && value.is_none() && is_prototype(declarator) {
            return;
        }
        let Some(name) = declarator_name(declarator) else {
            return self.opaque("syntax error", span);
        };
        let name = Name::new(source.text(name));
        let stars = "*".repeat(pointers(declarator));
        let ty = if stars.is_empty() { ty.clone() } else { Name::new(format!("{ty} {stars}")) };
        let id = self.declare_local(name, kind, ty, span);
        let place = Place::local(id);
        match value {
            Some(value) if kind != LocalKind::Static => self.value_into(source, value, place.clone()),
            _ if kind == LocalKind::Static => {}
            _ => self.nop(StatementKind::Declare(place.clone()), span),
        }
        if let Some((&offset, callee)) = source.notes.cleanups.range(range).next() {
            self.add_cleanup(super::scope::Cleanup {
                callee: callee.clone(),
                spelled: vec![source.written(declarator)],
                args: vec![Expr::AddressOf(place)],
                span,
                offset,
            });
        }
    }

    fn if_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let (then, otherwise, join) = self.three_blocks();
        if let Some(note) = source.notes.blocks.get(&node.start_byte()).cloned() {
            self.macro_block(source, node, &note, node.child_by_field_name("consequence"));
            return;
        }
        self.condition_of(source, node, then, otherwise);
        self.builder.switch_to(then);
        if let Some(consequence) = node.child_by_field_name("consequence") {
            self.statement(source, consequence);
        }
        self.builder.goto(join, span);
        self.builder.switch_to(otherwise);
        if let Some(alternative) = node.child_by_field_name("alternative") {
            self.children(source, alternative);
        }
        self.builder.goto(join, span);
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

    fn looped(
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

    fn switch_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let scrutinee = match node.child_by_field_name("condition") {
            Some(condition) => self.value(source, condition),
            None => Expr::Unknown,
        };
        let exit = self.builder.new_block();
        let Some(body) = node.child_by_field_name("body") else { return };
        let mut found = Vec::new();
        collect_cases(body, &mut found, 0);
        let mut switch = Switch::default();
        let mut cases = Vec::new();
        let mut default = exit;
        for case in found {
            let block = self.builder.new_block();
            switch.cases.insert(case.id(), block);
            match case.child_by_field_name("value") {
                None => default = block,
                Some(value) => {
                    let low = self.value(source, value);
                    let upper = source.notes.case_ranges.get(&case.start_byte());
                    let high = upper.map(|text| match text.parse() {
                        Ok(number) => Expr::Int(number),
                        Err(_) => Expr::Const(Name::new(text)),
                    });
                    cases.push((low, high, block));
                }
            }
        }
        self.builder.switch(scrutinee, cases, default, span);
        let dead = self.builder.new_block();
        self.builder.switch_to(dead);
        self.targets.push(Target { on_break: exit, on_continue: None, scopes: self.scopes.len() });
        self.switches.push(switch);
        self.statement(source, body);
        self.switches.pop();
        self.targets.pop();
        self.builder.goto(exit, span);
        self.builder.switch_to(exit);
    }

    fn case_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let block = self.switches.iter().rev().find_map(|switch| switch.cases.get(&node.id()).copied());
        let Some(block) = block else { return self.opaque("case outside a switch", span) };
        if !self.builder.is_terminated() {
            self.builder.goto(block, span);
        }
        self.builder.switch_to(block);
        let value = node.child_by_field_name("value").map(|value| value.id());
        for at in 0..node.named_child_count() {
            if let Some(child) = node.named_child(at as u32).filter(|child| Some(child.id()) != value) {
                self.statement(source, child);
            }
        }
    }

    fn labeled_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let label = node.child_by_field_name("label");
        let block = label.and_then(|label| self.labels.get(source.text(label))).map(|label| label.block);
        let Some(block) = block else { return self.opaque("unknown label", span) };
        if !self.builder.is_terminated() {
            self.builder.goto(block, span);
        }
        self.builder.switch_to(block);
        for at in 0..node.named_child_count() {
            if let Some(child) =
                node.named_child(at as u32).filter(|child| child.kind() != "statement_identifier")
            {
                self.statement(source, child);
            }
        }
    }

    fn goto_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        match node.child_by_field_name("label") {
            Some(label) => {
                let name = source.text(label).to_owned();
                self.jump(&name, span);
            }
            None => {
                // `goto *p`: any label.
                let mut targets: Vec<BlockId> = self.labels.values().map(|label| label.block).collect();
                targets.sort_unstable();
                self.builder.choice(targets, span);
            }
        }
    }

    fn return_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        if node.has_error() {
            self.opaque("syntax error", span);
        }
        let mut value = first_child(node).map(|inner| self.value(source, inner));
        if self.builder.is_terminated() {
            return;
        }
        if self.has_cleanups() {
            value = value.map(|value| match value {
                Expr::Read(Place { base: Base::Local(_), ref projections }) if projections.is_empty() => {
                    value
                }
                Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) => value,
                other => self.hold(other, span),
            });
            self.run_all_cleanups();
        }
        self.builder.return_(value, span);
    }

    /// `#if` between statements: a branch that always goes the same way for the same text.
    fn conditional(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let text = source.text.get(node.byte_range()).unwrap_or_default();
        let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
        let (condition, side) = normalise(line);
        let alternative = node.child_by_field_name("alternative");
        let skipped = [
            node.child_by_field_name("name").map(|child| child.id()),
            node.child_by_field_name("condition").map(|child| child.id()),
            alternative.map(|child| child.id()),
        ];
        let arm = |this: &mut Self| {
            for at in 0..node.named_child_count() {
                if let Some(child) =
                    node.named_child(at as u32).filter(|child| !skipped.contains(&Some(child.id())))
                {
                    this.statement(source, child);
                }
            }
        };
        let other = |this: &mut Self| {
            if let Some(alternative) = alternative {
                this.statement(source, alternative);
            }
        };
        match decided(&condition) {
            Some(holds) if holds == side => return arm(self),
            Some(_) => return other(self),
            None => {}
        }
        let (on, off, join) = self.three_blocks();
        let (on_true, on_false) = if side { (on, off) } else { (off, on) };
        self.builder.branch(Predicate::Configuration(condition), on_true, on_false, span);
        self.builder.switch_to(on);
        arm(self);
        self.builder.goto(join, span);
        self.builder.switch_to(off);
        other(self);
        self.builder.goto(join, span);
        self.builder.switch_to(join);
    }

    fn assembly(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let Some(note) = source.notes.asm.get(&node.start_byte()).cloned() else { return };
        for output in &note.outputs {
            if let Some(id) = self.resolve(output) {
                self.builder.assign(Place::local(id), Expr::Unknown, span);
            }
        }
        if note.labels.is_empty() {
            return;
        }
        let next = self.builder.new_block();
        let mut targets = vec![next];
        targets
            .extend(note.labels.iter().filter_map(|label| self.labels.get(label)).map(|label| label.block));
        self.builder.choice(targets, span);
        self.builder.switch_to(next);
    }

    /// A macro before a block.
    fn macro_block(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        note: &crate::frontend::c::mask::BlockNote,
        body: Option<Node<'_>>,
    ) {
        if self.guard_block(source, node, note, body) {
            return;
        }
        let span = source.span(node);
        let (head, inside, exit) = self.three_blocks();
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        self.block_arguments(source, node, note);
        self.builder.branch(Predicate::Either, inside, exit, span);
        match note.kind {
            BlockMacro::Loop => {
                self.looped(source, body, inside, head, exit);
                self.builder.goto(head, span);
            }
            BlockMacro::Once => {
                self.builder.switch_to(inside);
                if let Some(body) = body {
                    self.statement(source, body);
                }
                self.builder.goto(exit, span);
            }
        }
        self.builder.switch_to(exit);
    }

    /// Each round gives the macro's variables new values; calls among its arguments are made.
    fn block_arguments(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        note: &crate::frontend::c::mask::BlockNote,
    ) {
        let span = source.span(node);
        for (at, arg) in note.args.iter().enumerate() {
            if arg.contains('(') {
                self.fragment(arg, span, &mut |this, source, node| this.effect(source, node));
            } else if let Some(id) = self.resolve(arg)
                && note.kind == BlockMacro::Loop
                && (at == 0 || !self.builder.is_parameter(id))
            {
                self.builder.assign(Place::local(id), Expr::Unknown, span);
            }
        }
    }
}

/// `int f(int);` inside a body.
fn is_prototype(declarator: Node<'_>) -> bool {
    declarator.child_by_field_name("declarator").is_some_and(|inner| inner.kind() == "identifier")
}

/// The case labels of a switch's body, not those of switches inside.
fn collect_cases<'t>(node: Node<'t>, found: &mut Vec<Node<'t>>, depth: usize) {
    if depth > super::DEPTH_LIMIT {
        return;
    }
    for at in 0..node.named_child_count() {
        let Some(child) = node.named_child(at as u32) else { continue };
        if child.kind() == "switch_statement" {
            continue;
        }
        if child.kind() == "case_statement" {
            found.push(child);
        }
        collect_cases(child, found, depth + 1);
    }
}
