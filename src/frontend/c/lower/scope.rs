//! Scopes: names, what runs when they are left, and where jumps go.

use super::Lowerer;
use super::nested::Nested;
use crate::ir::{BlockId, Callee, Expr, LocalId, LocalKind, Name, Place, StatementKind};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// A lexical scope.
#[derive(Default)]
pub(in crate::frontend::c) struct Scope {
    /// Names declared in it.
    pub names: FxHashMap<Name, LocalId>,
    /// Functions defined in it.
    pub functions: FxHashMap<Name, Nested>,
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
    /// The declaration.
    pub span: Span,
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
    pub path: Vec<usize>,
    /// Where it stands in the file.
    pub start: u32,
}

impl Lowerer<'_> {
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

    /// Runs the cleanups of all scopes from `from` inwards, innermost first; with `back_to`, a place in the file, those declared
    /// behind it in the other scopes too.
    pub(super) fn run_cleanups(&mut self, from: usize, back_to: Option<u32>) {
        let mut run: Vec<Cleanup> = Vec::new();
        for scope in self.scopes[from..].iter().rev() {
            run.extend(scope.cleanups.iter().rev().cloned());
        }
        if let Some(start) = back_to {
            for scope in self.scopes[..from].iter().rev() {
                run.extend(scope.cleanups.iter().rev().filter(|cleanup| cleanup.span.start > start).cloned());
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

    /// Whether anything runs when the scopes from `from` inwards are left.
    pub(super) fn has_cleanups(&self, from: usize) -> bool {
        self.scopes[from..].iter().any(|scope| !scope.cleanups.is_empty())
    }

    pub(super) fn add_cleanup(&mut self, cleanup: Cleanup) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.cleanups.push(cleanup);
        }
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
