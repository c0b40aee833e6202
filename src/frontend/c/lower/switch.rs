//! `switch` and its labels.

use super::constant::bound;
use super::scope::Target;
use super::{Lowerer, Source, named};
use crate::frontend::c::conditionals::Condition;
use crate::ir::{BlockId, Expr};
use rustc_hash::FxHashMap;
use tree_sitter::Node;

/// The case labels of a switch, by node.
#[derive(Default)]
pub(in crate::frontend::c) struct Switch {
    cases: FxHashMap<usize, BlockId>,
}

impl Switch {
    /// Whether `node` is one of its labels.
    pub(super) fn has(&self, node: Node<'_>) -> bool {
        self.cases.contains_key(&node.id())
    }
}

/// A case label, and the configuration in which it exists.
struct Case<'t> {
    node: Node<'t>,
    exists: Condition,
}

impl Lowerer<'_> {
    pub(super) fn switch_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let scrutinee = match node.child_by_field_name("condition") {
            Some(condition) => self.value(source, condition),
            None => Expr::Unknown,
        };
        let Some(body) = node.child_by_field_name("body") else {
            return self.opaque("syntax error", span);
        };
        let exit = self.builder.new_block();
        let found = collect_cases(source, body);
        let mut switch = Switch::default();
        for case in &found {
            switch.cases.insert(case.node.id(), self.builder.new_block());
        }
        let mut default = exit;
        let mut labels = Vec::new();
        let mut gates = Vec::new();
        for case in found.iter().filter(|case| case.exists != Condition::Decided(false)) {
            let block = switch.cases[&case.node.id()];
            let entry = match case.exists {
                Condition::Decided(_) => block,
                _ => self.builder.new_block(),
            };
            gates.push((entry, block, case.exists.clone(), case.node));
            match case.node.child_by_field_name("value") {
                None => default = entry,
                Some(value) => {
                    let low = self.value(source, value);
                    let high = source.notes.case_ranges.get(&case.node.start_byte()).map(|text| bound(text));
                    labels.push((low, high, entry));
                }
            }
        }
        self.builder.switch(scrutinee, labels, default, span);
        for (entry, block, exists, label) in gates {
            // Where the label does not exist, its values are the default's.
            if entry != block {
                self.builder.switch_to(entry);
                let absent = if entry == default { exit } else { default };
                self.configured(&exists, block, absent, source.span(label));
            }
        }
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

    pub(super) fn case_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let block = self.switches.iter().rev().find_map(|switch| switch.cases.get(&node.id()).copied());
        match block {
            None => self.opaque("case outside a switch", span),
            Some(block) => {
                if !self.builder.is_terminated() {
                    self.builder.goto(block, span);
                }
                self.builder.switch_to(block);
            }
        }
        let value = node.child_by_field_name("value").map(|value| value.id());
        for child in named(node).into_iter().filter(|child| Some(child.id()) != value) {
            self.statement(source, child);
        }
    }
}

/// The case labels of a switch's body, not those of switches inside.
fn collect_cases<'t>(source: &Source<'_>, body: Node<'t>) -> Vec<Case<'t>> {
    let mut found = Vec::new();
    let mut open = vec![(body, Condition::Decided(true))];
    while let Some((node, exists)) = open.pop() {
        if node.kind() == "case_statement" {
            found.push(Case { node, exists: exists.clone() });
        }
        let conditional = node.kind().starts_with("preproc_") && node.kind() != "preproc_else";
        let own = if conditional { source.directive(node) } else { Condition::Decided(true) };
        let alternative = node.child_by_field_name("alternative").filter(|_| conditional);
        let inner = named(node).into_iter().filter(|child| child.kind() != "switch_statement");
        let children: Vec<_> = inner
            .map(|child| {
                let own = if Some(child) == alternative { own.clone().negated() } else { own.clone() };
                (child, exists.clone().and(own))
            })
            .collect();
        open.extend(children.into_iter().rev());
    }
    found
}
