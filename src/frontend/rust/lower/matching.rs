//! `if`, `match`, and what their heads keep alive.

use super::Lowerer;
use super::pattern::Subject;
use super::scope::Kind;
use super::value::Value;
use crate::frontend::rust::types::Ty;
use crate::ir::{BlockId, Place};
use syn::Expr as Syntax;

/// Since this edition the temporaries of an `if let` head end before `else`, and those of a tail expression before the locals.
const SHORT_TEMPORARIES: u16 = 2024;

impl Lowerer<'_> {
    pub(super) fn has_short_temporaries(&self) -> bool {
        self.edition >= SHORT_TEMPORARIES
    }

    /// The head of a `match`, `if let` or `while let`.
    pub(super) fn scrutinee(&mut self, expr: &Syntax) -> Subject {
        let before = std::mem::replace(&mut self.in_scrutinee, true);
        let subject = if Self::is_place(expr) {
            let (place, ty) = self.place(expr);
            self.subject(place, ty)
        } else {
            let span = self.span_of(expr);
            let value = self.value(expr);
            let ty = value.ty.clone();
            // A guard that the pattern takes by name is no temporary of the head.
            let place = self.keep(Value { made: None, ..value }, span);
            self.subject(place, ty)
        };
        self.in_scrutinee = before;
        subject
    }

    /// `if`, with all its `else if`s.
    pub(super) fn if_value(&mut self, expr: &syn::ExprIf) -> Value {
        let span = self.span_of(expr);
        let (then, otherwise, join) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.temporary(Ty::Unknown, span);
        let mut ty = Ty::Never;
        let short = self.has_short_temporaries();
        if Self::has_let(&expr.cond) {
            if short {
                self.push_scope(Kind::Temporaries);
            }
            self.push_scope(Kind::Block);
            self.chain(&expr.cond, then, otherwise);
        } else {
            self.condition(&expr.cond, then, otherwise);
            if short {
                self.push_scope(Kind::Temporaries);
            }
            self.push_scope(Kind::Block);
        }
        self.builder.switch_to(then);
        let value = self.terminating(span, |this| this.block_value(&expr.then_branch));
        ty = self.arrive(value, &result, ty);
        self.pop_scope();
        if short && !self.builder.is_terminated() {
            self.run_endings(self.scopes.len() - 1);
        }
        self.goto(join, span);
        self.builder.switch_to(otherwise);
        if short {
            self.pop_scope();
        }
        match &expr.else_branch {
            Some((_, branch)) => {
                let value = self.terminating(span, |this| this.value(branch));
                ty = self.arrive(value, &result, ty);
            }
            None => ty = Ty::unit(),
        }
        self.goto(join, span);
        self.builder.switch_to(join);
        self.merged(result, ty)
    }

    /// The value of one way arrives at the place where all of them meet.
    pub(super) fn arrive(&mut self, value: Value, result: &Place, ty: Ty) -> Ty {
        if self.builder.is_terminated() || value.ty == Ty::Never {
            return ty;
        }
        let span = self.function.header;
        let joined = ty.or(value.ty.clone());
        self.store(result.clone(), value, span);
        joined
    }

    /// The value where several ways meet.
    pub(super) fn merged(&mut self, result: Place, ty: Ty) -> Value {
        if let Some(id) = result.as_local() {
            self.types[id.0 as usize] = ty.clone();
        }
        let span = self.function.header;
        self.take(result, ty, span)
    }

    pub(super) fn match_value(&mut self, expr: &syn::ExprMatch) -> Value {
        let span = self.span_of(expr);
        let subject = self.scrutinee(&expr.expr);
        let join = self.new_block();
        let result = self.temporary(Ty::Unknown, span);
        let mut ty = Ty::Never;
        for (at, arm) in expr.arms.iter().enumerate() {
            let (matched, next) = (self.new_block(), self.new_block());
            let last = at + 1 == expr.arms.len();
            let (pattern, guard) = match &arm.pat {
                syn::Pat::Guard(guarded) => (&*guarded.pat, Some(&*guarded.guard)),
                other => (other, None),
            };
            if last && guard.is_none() {
                // Whatever comes here fits: a match leaves nothing out.
                self.builder.goto(matched, span);
            } else {
                self.test(pattern, &subject, matched, next);
            }
            self.builder.switch_to(matched);
            self.push_scope(Kind::Temporaries);
            self.push_scope(Kind::Block);
            if let Some(guard) = guard {
                self.bind_by_reference(pattern, &subject);
                let inside = self.new_block();
                if Self::has_let(guard) {
                    self.chain(guard, inside, next);
                } else {
                    self.condition(guard, inside, next);
                }
                self.builder.switch_to(inside);
            }
            self.bind(pattern, subject.clone());
            let value = self.value(&arm.body);
            ty = self.arrive(value, &result, ty);
            self.pop_scope();
            self.pop_scope();
            self.goto(join, span);
            self.builder.switch_to(next);
        }
        self.builder.unreachable(span);
        self.builder.switch_to(join);
        self.merged(result, ty)
    }

    pub(super) fn new_block(&mut self) -> BlockId {
        self.builder.new_block()
    }

    /// Jumps, unless control has gone elsewhere already.
    pub(super) fn goto(&mut self, block: BlockId, span: crate::source::Span) {
        if !self.builder.is_terminated() {
            self.builder.goto(block, span);
        }
    }
}
