//! Labels and jumps.

use super::scope::Label;
use super::{Lowerer, Source, any_below, first_child, named};
use crate::ir::{Base, BlockId, Expr, Name, Place};
use crate::source::Span;
use tree_sitter::Node;

impl Lowerer<'_> {
    /// Finds the labels below `node`, with the scopes around each; gives back those that had the same name before.
    pub(super) fn collect_labels(&mut self, source: &Source<'_>, node: Node<'_>) -> Vec<(Name, Label)> {
        let mut path: Vec<usize> = self.scopes.iter().map(|scope| scope.node).filter(|&id| id != 0).collect();
        let mut shadowed = Vec::new();
        let mut open = vec![(node, path.len())];
        while let Some((node, depth)) = open.pop() {
            path.truncate(depth);
            if is_scope(source, node) {
                path.push(node.id());
            }
            if node.kind() == "labeled_statement"
                && let Some(label) = node.child_by_field_name("label")
            {
                let name = Name::new(source.text(label));
                let block = self.builder.new_block();
                let label = Label { block, path: path.clone(), start: source.span(node).start };
                shadowed.extend(self.labels.insert(name.clone(), label).map(|other| (name, other)));
            }
            let depth = path.len();
            let nested = node.kind() == "function_definition";
            let inner =
                named(node).into_iter().rev().filter(|child| !nested && child.named_child_count() > 0);
            open.extend(inner.map(|child| (child, depth)));
        }
        shadowed
    }

    pub(super) fn labeled_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let label = node.child_by_field_name("label");
        let block = label.and_then(|label| self.labels.get(source.text(label))).map(|label| label.block);
        let Some(block) = block else { return self.opaque("unknown label", span) };
        if !self.builder.is_terminated() {
            self.builder.goto(block, span);
        }
        self.builder.switch_to(block);
        for child in named(node).into_iter().filter(|child| child.kind() != "statement_identifier") {
            self.statement(source, child);
        }
    }

    pub(super) fn goto_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        match node.child_by_field_name("label") {
            Some(label) => {
                let name = source.text(label).to_owned();
                self.jump(&name, span);
            }
            None => self.opaque("unknown label", span),
        }
    }

    /// `goto *p`: any label whose address is taken; cleanups run on the way to each.
    pub(super) fn computed_goto(&mut self, source: &Source<'_>, span: Span) {
        let taken = &source.notes.label_addresses;
        let mut names: Vec<(BlockId, Name)> = self
            .labels
            .iter()
            .filter(|(name, _)| taken.is_empty() || taken.contains(*name))
            .map(|(name, label)| (label.block, name.clone()))
            .collect();
        names.sort_unstable();
        self.jump_to_one_of(names.into_iter().map(|(_, name)| name), None, span);
    }

    /// Goes on at one of `labels`, or at `next`.
    fn jump_to_one_of(&mut self, labels: impl Iterator<Item = Name>, next: Option<BlockId>, span: Span) {
        let ways: Vec<(BlockId, Name)> = labels.map(|name| (self.builder.new_block(), name)).collect();
        let targets = next.into_iter().chain(ways.iter().map(|(block, _)| *block)).collect();
        self.builder.choice(targets, span);
        for (block, name) in ways {
            self.builder.switch_to(block);
            self.jump(&name, span);
        }
    }

    /// `goto name`
    fn jump(&mut self, name: &str, span: Span) {
        let Some(label) = self.labels.get(name).cloned() else {
            return self.opaque("unknown label", span);
        };
        let stays = self
            .scopes
            .iter()
            .take_while(|scope| scope.node == 0 || label.path.contains(&scope.node))
            .count();
        self.run_cleanups(stays, Some(label.start));
        self.builder.goto(label.block, span);
    }

    /// `break` or `continue`.
    pub(super) fn leave_loop(&mut self, continues: bool, span: Span) {
        let target = if continues {
            self.targets.iter().rev().find(|target| target.on_continue.is_some())
        } else {
            self.targets.last()
        };
        let Some(&target) = target else { return self.opaque("jump out of nothing", span) };
        self.run_cleanups(target.scopes, None);
        let to = if continues { target.on_continue.unwrap_or(target.on_break) } else { target.on_break };
        self.builder.goto(to, span);
    }

    pub(super) fn return_statement(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let mut value = first_child(node).map(|inner| self.value(source, inner));
        if self.builder.is_terminated() {
            return;
        }
        let scopes = self.frames.last().map_or(0, |frame| frame.scopes);
        if self.has_cleanups(scopes) {
            value = value.map(|value| match value {
                Expr::Read(Place { base: Base::Local(_), ref projections }) if projections.is_empty() => {
                    value
                }
                Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) => value,
                other => self.hold(other, span),
            });
            self.run_cleanups(scopes, None);
        }
        match self.frames.last().map(|frame| (frame.exit, frame.result.clone())) {
            None => self.builder.return_(value, span),
            // Out of a nested function: back to where it was called.
            Some((exit, result)) => {
                if let (Some(place), Some(value)) = (result, value) {
                    self.builder.assign(place, value, span);
                }
                self.builder.goto(exit, span);
            }
        }
    }

    pub(super) fn assembly(&mut self, source: &Source<'_>, node: Node<'_>) {
        let span = source.span(node);
        let Some(note) = source.notes.asm.get(&node.start_byte()).cloned() else { return };
        for output in &note.outputs {
            if let Some(id) = self.resolve(output) {
                self.builder.assign(Place::local(id), Expr::Unknown, span);
            }
        }
        if !note.labels.is_empty() {
            let next = self.builder.new_block();
            self.jump_to_one_of(note.labels.into_iter(), Some(next), span);
            self.builder.switch_to(next);
        }
    }
}

/// Whether lowering `node` opens a scope under its id.
fn is_scope(source: &Source<'_>, node: Node<'_>) -> bool {
    match node.kind() {
        "compound_statement" | "for_statement" => true,
        "while_statement" | "if_statement" => source.notes.blocks.contains_key(&node.start_byte()),
        _ => false,
    }
}

/// Whether a label stands anywhere below `node`.
pub(super) fn has_label(node: Node<'_>) -> bool {
    any_below(node, |node| node.kind() == "labeled_statement")
}
