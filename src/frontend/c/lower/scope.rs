//! Scopes: names, what runs when they are left, and where jumps go.

use super::{Lowerer, Source};
use crate::ir::{BlockId, Callee, Expr, LocalId, LocalKind, Name, Place, StatementKind};
use crate::source::Span;
use rustc_hash::FxHashMap;
use tree_sitter::Node;

/// A lexical scope.
#[derive(Default)]
pub(in crate::frontend::c) struct Scope {
    /// Names declared in it.
    pub names: FxHashMap<Name, LocalId>,
    /// What runs when it is left, in order of declaration.
    pub cleanups: Vec<Cleanup>,
    /// The statement it belongs to, to tell which scopes a `goto` leaves.
    pub node: usize,
}

/// A call made when a scope is left.
#[derive(Clone)]
pub(in crate::frontend::c) struct Cleanup {
    pub callee: Name,
    pub args: Vec<Expr>,
    pub spelled: Vec<Name>,
    pub span: Span,
    /// Offset of the declaration: a backward `goto` past it leaves it too.
    pub offset: usize,
}

/// Where `break` and `continue` go.
#[derive(Clone, Copy)]
pub(in crate::frontend::c) struct Target {
    pub on_break: BlockId,
    pub on_continue: Option<BlockId>,
    /// Scopes that stay.
    pub scopes: usize,
}

/// A label.
#[derive(Clone)]
pub(in crate::frontend::c) struct Label {
    pub block: BlockId,
    /// Scope statements around it, outermost first.
    path: Vec<usize>,
    offset: usize,
}

impl Lowerer<'_> {
    /// Finds the labels below `node`, with the scopes around each.
    pub(super) fn collect_labels(&mut self, source: &Source<'_>, node: Node<'_>, path: &mut Vec<usize>) {
        if path.len() > super::DEPTH_LIMIT {
            return;
        }
        let scope = matches!(node.kind(), "compound_statement" | "for_statement");
        if scope {
            path.push(node.id());
        }
        for at in 0..node.named_child_count() {
            let Some(child) = node.named_child(at as u32) else { continue };
            if child.kind() == "labeled_statement"
                && let Some(label) = child.child_by_field_name("label")
            {
                let name = Name::new(source.text(label));
                let outer: Vec<usize> =
                    self.scopes.iter().map(|scope| scope.node).filter(|&id| id != 0).collect();
                let mut full = outer;
                full.extend(path.iter().copied());
                if !self.labels.contains_key(&name) {
                    let block = self.builder.new_block();
                    self.labels.insert(name, Label { block, path: full, offset: child.start_byte() });
                }
            }
            if child.named_child_count() > 0 {
                self.collect_labels(source, child, path);
            }
        }
        if scope {
            path.pop();
        }
    }

    pub(super) fn push_scope(&mut self, node: usize) {
        self.scopes.push(Scope { node, ..Scope::default() });
    }

    /// Leaves the innermost scope by falling off its end.
    pub(super) fn pop_scope(&mut self) {
        if !self.builder.is_terminated() {
            self.run_cleanups(self.scopes.len() - 1, None);
        }
        self.scopes.pop();
    }

    /// Runs the cleanups of all scopes from `from` inwards, innermost first; with `after`, of those declared behind it in scope
    /// `from - 1` too.
    fn run_cleanups(&mut self, from: usize, after: Option<usize>) {
        let mut run: Vec<Cleanup> = Vec::new();
        for scope in self.scopes[from..].iter().rev() {
            run.extend(scope.cleanups.iter().rev().cloned());
        }
        if let Some(offset) = after {
            for scope in self.scopes[..from].iter().rev() {
                run.extend(scope.cleanups.iter().rev().filter(|cleanup| cleanup.offset > offset).cloned());
            }
        }
        for cleanup in run {
            let kind = StatementKind::Call {
                place: None,
                callee: Callee::Named(cleanup.callee),
                args: cleanup.args,
                spelled: cleanup.spelled,
            };
            self.builder.push(kind, cleanup.span);
        }
    }

    /// Whether anything runs when the function is left from here.
    pub(super) fn has_cleanups(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.cleanups.is_empty())
    }

    pub(super) fn run_all_cleanups(&mut self) {
        self.run_cleanups(0, None);
    }

    pub(super) fn add_cleanup(&mut self, cleanup: Cleanup) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.cleanups.push(cleanup);
        }
    }

    pub(super) fn jump(&mut self, name: &str, span: Span) {
        let Some(label) = self.labels.get(name).cloned() else {
            return self.opaque("unknown label", span);
        };
        let stays = self
            .scopes
            .iter()
            .take_while(|scope| scope.node == 0 || label.path.contains(&scope.node))
            .count();
        self.run_cleanups(stays, Some(label.offset));
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

    /// A temporary holding `value`.
    pub(super) fn hold(&mut self, value: Expr, span: Span) -> Expr {
        let place = Place::local(self.builder.temporary(span));
        self.builder.assign(place.clone(), value, span);
        Expr::Read(place)
    }

    pub(super) fn declare_local(&mut self, name: Name, kind: LocalKind, ty: Name, span: Span) -> LocalId {
        let id = self.builder.local(name.clone(), kind, ty, span);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.insert(name, id);
        }
        id
    }
}
