//! `return`, `break`, `continue` and `?`.

use super::Lowerer;
use super::value::Value;
use crate::frontend::rust::types::{self, Ty};
use crate::ir::Expr;
use crate::source::Span;

impl Lowerer<'_> {
    /// Leaves the innermost body with a value.
    pub(super) fn leave_with(&mut self, value: Value, span: Span) {
        if self.builder.is_terminated() {
            return;
        }
        let Some(frame) = self.frames.last() else { return };
        let (from, exit) = (frame.scopes, frame.exit.clone());
        if let Some((block, place)) = exit {
            self.store(place, value, span);
            self.run_endings(from);
            return self.builder.goto(block, span);
        }
        let is_unit = self.output == Ty::unit() || value.ty == Ty::unit();
        let value = self.returned(value, span);
        self.run_endings(0);
        self.builder.return_((!is_unit).then_some(value.expr), span);
    }

    /// A value on its way out: what a caller cannot see the guard in is handed on.
    fn returned(&mut self, value: Value, span: Span) -> Value {
        let gives_guard =
            self.guard_of(&value.ty).is_some() && self.builder.returns() == crate::ir::ReturnKind::Guard;
        if self.ends(&value.ty) && !gives_guard {
            self.hand_on(value, span);
            return Value::unknown(Ty::Unknown);
        }
        self.hold(value, span)
    }

    pub(super) fn return_value(&mut self, expr: &syn::ExprReturn) -> Value {
        let span = self.span_of(expr);
        // Temporaries of a returned expression end before the locals do.
        self.push_scope(super::scope::Kind::Temporaries);
        let value = match &expr.expr {
            Some(value) => self.value(value),
            None => Value::unit(),
        };
        self.leave_with(value, span);
        self.scopes.pop();
        Value::never()
    }

    pub(super) fn break_value(&mut self, expr: &syn::ExprBreak) -> Value {
        let span = self.span_of(expr);
        let value = expr.expr.as_ref().map(|value| self.value(value));
        let label = expr.label.as_ref().map(|label| label.ident.to_string());
        let Some(at) = self.target(label.as_deref(), false) else {
            self.opaque("break out of nothing", span);
            return Value::never();
        };
        let (block, scopes, result) =
            (self.targets[at].on_break, self.targets[at].scopes, self.targets[at].result.clone());
        if let Some(value) = value
            && !self.builder.is_terminated()
        {
            let ty = std::mem::take(&mut self.targets[at].ty);
            self.targets[at].ty = ty.or(value.ty.clone());
            self.store(result, value, span);
        }
        self.jump(block, scopes, span)
    }

    pub(super) fn continue_value(&mut self, expr: &syn::ExprContinue) -> Value {
        let span = self.span_of(expr);
        let label = expr.label.as_ref().map(|label| label.ident.to_string());
        let target = self.target(label.as_deref(), true).map(|at| &self.targets[at]);
        let Some((block, scopes)) = target.and_then(|target| Some((target.on_continue?, target.scopes)))
        else {
            self.opaque("continue of nothing", span);
            return Value::never();
        };
        self.jump(block, scopes, span)
    }

    fn jump(&mut self, block: crate::ir::BlockId, scopes: usize, span: Span) -> Value {
        if !self.builder.is_terminated() {
            self.run_endings(scopes);
            self.builder.goto(block, span);
        }
        Value::never()
    }

    fn target(&self, label: Option<&str>, on_continue: bool) -> Option<usize> {
        let from = self.frames.last().map_or(0, |frame| frame.targets);
        let fits = |at: &usize| {
            let target = &self.targets[*at];
            match label {
                Some(label) => target.label.as_deref() == Some(label),
                None => target.is_loop || on_continue && target.on_continue.is_some(),
            }
        };
        (from..self.targets.len()).rev().find(fits)
    }

    /// `value?`
    pub(super) fn try_value(&mut self, expr: &syn::ExprTry) -> Value {
        let span = self.span_of(expr);
        let value = self.value(&expr.expr);
        if self.builder.is_terminated() {
            return Value::never();
        }
        let place = self.temporary(value.ty.clone(), span);
        self.store(place.clone(), value.clone(), span);
        let predicate = self.is_good(&value.ty, &place);
        let (good, bad) = (self.new_block(), self.new_block());
        self.builder.branch(predicate, good, bad, span);
        self.builder.switch_to(bad);
        if value.ty.path().is_some_and(|path| path == "PoisonResult") {
            // The error owns the guard, and goes to the caller.
            self.hand_on(Value::of(Expr::Read(place.clone()), value.ty.clone()), span);
        }
        if value.ty.path().is_some_and(|path| path == "Maybe") {
            // `m.lock().ok()?`: the guard of the poisoned lock has ended.
            self.dispose(Value::of(Expr::Read(place.clone()), value.ty.clone()), span);
        }
        let failure = if value.ty.path().is_some_and(|path| types::is_option(path)) {
            Value::of(Expr::Null, Ty::Unknown)
        } else {
            Value::of(Expr::Int(-1), Ty::Unknown)
        };
        self.leave_with(failure, span);
        self.builder.switch_to(good);
        Value {
            expr: Expr::Read(place),
            ty: value.ty.first_arg(),
            pending: None,
            parts: None,
            made: value.made,
        }
    }
}
