//! Scopes: names, what ends when they are left, and where jumps go.
//!
//! Two kinds stand on one stack: blocks, whose variables end in reverse order, and the spans of temporaries (a statement, a
//! condition, a tail expression). Leaving any number of them runs all endings, innermost first.

use super::Lowerer;
use crate::frontend::rust::types::Ty;
use crate::ir::{BlockId, Callee, Expr, LocalId, Name, Place, StatementKind};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// What a scope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Variables.
    Block,
    /// Temporaries.
    Temporaries,
}

/// A scope.
pub(super) struct Scope {
    kind: Kind,
    pub names: FxHashMap<Name, LocalId>,
    endings: Vec<Ending>,
}

/// A value that does something when its scope is left.
#[derive(Clone)]
struct Ending {
    place: Place,
    guard: Name,
    span: Span,
}

/// Where `break` and `continue` go.
pub(super) struct Target {
    pub label: Option<String>,
    /// A plain `break` means it: it is a loop.
    pub is_loop: bool,
    pub on_break: BlockId,
    pub on_continue: Option<BlockId>,
    /// Scopes that stay.
    pub scopes: usize,
    /// Where the value of `break` goes.
    pub result: Place,
    pub ty: Ty,
}

/// A body that `return` leaves: the function's, or that of a closure lowered in place.
pub(super) struct Frame {
    pub scopes: usize,
    pub targets: usize,
    /// Where a closure's value and control go; `None`: out of the function.
    pub exit: Option<(BlockId, Place)>,
}

impl Lowerer<'_> {
    /// The outermost scopes of a function.
    pub(super) fn enter_frame(&mut self) {
        self.frames.push(Frame { scopes: 0, targets: 0, exit: None });
        self.push_scope(Kind::Temporaries);
        self.push_scope(Kind::Block);
        self.push_scope(Kind::Temporaries);
    }

    pub(super) fn push_scope(&mut self, kind: Kind) {
        self.scopes.push(Scope { kind, names: FxHashMap::default(), endings: Vec::new() });
    }

    /// Leaves the innermost scope by falling off its end.
    pub(super) fn pop_scope(&mut self) {
        if !self.builder.is_terminated() {
            self.run_endings(self.scopes.len() - 1);
        }
        self.scopes.pop();
    }

    /// Runs what ends when all scopes from `from` inwards are left.
    pub(super) fn run_endings(&mut self, from: usize) {
        let endings: Vec<Ending> =
            self.scopes[from..].iter().rev().flat_map(|scope| scope.endings.iter().rev()).cloned().collect();
        for ending in endings {
            self.end_of(&ending.guard, Expr::Read(ending.place.clone()), ending.span);
            if !self.targets.is_empty() {
                // In the next round it may not be made again.
                self.builder.assign(ending.place, Expr::Null, ending.span);
            }
        }
    }

    /// Whether leaving the innermost scope does anything.
    pub(super) fn ends_temporaries(&self) -> bool {
        self.scopes.last().is_some_and(|scope| !scope.endings.is_empty())
    }

    /// How many variables of the innermost block end with a call.
    pub(super) fn endings_of_block(&self) -> usize {
        self.innermost_block().map_or(0, |scope| scope.endings.len())
    }

    /// Runs those among them.
    pub(super) fn run_some_endings(&mut self, which: std::ops::Range<usize>) {
        let Some(scope) = self.innermost_block() else { return };
        let endings: Vec<Ending> = scope.endings[which].iter().rev().cloned().collect();
        for ending in endings {
            self.end_of(&ending.guard, Expr::Read(ending.place), ending.span);
        }
    }

    fn innermost_block(&self) -> Option<&Scope> {
        self.scopes.iter().rev().find(|scope| scope.kind == Kind::Block)
    }

    /// The end of a guard.
    pub(super) fn end_of(&mut self, guard: &str, value: Expr, span: Span) {
        self.guard_call(guard, "drop", value, span);
    }

    /// One of the calls that guards have: `drop`, `forget`, `relock`, `moved`.
    pub(super) fn guard_call(&mut self, guard: &str, what: &str, value: Expr, span: Span) {
        let kind = StatementKind::Call {
            place: None,
            callee: Callee::Named(Name::new(format!("{guard}::{what}"))),
            args: vec![value],
            spelled: vec![Name::new_static("the guard")],
        };
        self.builder.push(kind, span);
    }

    /// The variable or parameter at `place` is owned by the innermost block.
    pub(super) fn owns(&mut self, place: Place, ty: Ty, span: Span) {
        self.register(Kind::Block, place, &ty, span);
    }

    /// A variable declared before turns out to own what ends with a call: from its own scope on.
    pub(super) fn owns_after_all(&mut self, id: LocalId, ty: &Ty, span: Span) {
        let Some(guard) = self.guard_of(ty) else { return };
        let declares = |scope: &&mut Scope| scope.names.values().any(|known| *known == id);
        if let Some(scope) = self.scopes.iter_mut().rev().find(declares) {
            scope.endings.push(Ending { place: Place::local(id), guard, span });
        }
        self.types[id.0 as usize] = ty.clone();
    }

    /// The temporary at `place` lives to the end of the innermost span of temporaries.
    pub(super) fn keeps(&mut self, place: Place, ty: &Ty, span: Span) {
        self.register(Kind::Temporaries, place, ty, span);
    }

    fn register(&mut self, kind: Kind, place: Place, ty: &Ty, span: Span) {
        if let Ty::Tuple(items) = ty {
            for (at, item) in items.iter().enumerate() {
                self.register(kind, place.clone().field(at.to_string()), item, span);
            }
            return;
        }
        let Some(guard) = self.guard_of(ty) else { return };
        if let Some(scope) = self.scopes.iter_mut().rev().find(|scope| scope.kind == kind) {
            scope.endings.push(Ending { place, guard, span });
        }
    }

    /// The local that `name` denotes here.
    pub(super) fn resolve(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.names.get(name).copied())
    }

    /// Names a local in the innermost block.
    pub(super) fn name_local(&mut self, name: &str, id: LocalId) {
        if let Some(scope) = self.scopes.iter_mut().rev().find(|scope| scope.kind == Kind::Block) {
            scope.names.insert(Name::new(name), id);
        }
    }

    /// All names in sight, with the locals that they denote.
    pub(super) fn visible(&self) -> Vec<(Name, LocalId)> {
        let mut all: FxHashMap<Name, LocalId> = FxHashMap::default();
        for scope in &self.scopes {
            all.extend(scope.names.iter().map(|(name, id)| (name.clone(), *id)));
        }
        let mut all: Vec<(Name, LocalId)> = all.into_iter().collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }
}
