//! Blocks and the statements in them.

use super::Lowerer;
use super::scope::Kind;
use super::value::Value;
use crate::ir::{LocalKind, Place};
use crate::source::Span;
use syn::{Expr as Syntax, Pat, Stmt};

impl Lowerer<'_> {
    /// A block, with the value of its tail.
    pub(super) fn block_value(&mut self, block: &syn::Block) -> Value {
        self.push_scope(Kind::Block);
        let mut value = Value::unit();
        for (at, statement) in block.stmts.iter().enumerate() {
            let last = at + 1 == block.stmts.len();
            match statement {
                Stmt::Expr(expr, None) if last => value = self.tail(expr),
                Stmt::Macro(mac) if last && mac.semi_token.is_none() => {
                    value = self.macro_value(&mac.mac);
                }
                _ => {
                    if let Some(end) = self.statement(statement) {
                        value = end;
                    }
                }
            }
            if self.builder.is_terminated() {
                value = Value::never();
            }
        }
        if !self.builder.is_terminated() {
            let span = self.span_of(block);
            value = self.hold(value, span);
        }
        self.pop_scope();
        value
    }

    /// The tail expression: its temporaries end before the locals, or, in older editions, with the statement around the block.
    fn tail(&mut self, expr: &Syntax) -> Value {
        if !self.has_short_temporaries() {
            return self.value(expr);
        }
        let span = self.span_of(expr);
        self.terminating(span, |this| this.value(expr))
    }

    /// A part whose temporaries end with it, in every edition: the bodies of `if` and `else` (Rust reference, "Destructors", temporary
    /// scopes).
    pub(super) fn terminating(&mut self, span: Span, part: impl FnOnce(&mut Self) -> Value) -> Value {
        self.push_scope(Kind::Temporaries);
        let value = part(self);
        let value = if !self.builder.is_terminated() && self.ends_temporaries() {
            self.hold(value, span)
        } else {
            value
        };
        self.pop_scope();
        value
    }

    /// A statement; answers a value when control does not go on behind it.
    fn statement(&mut self, statement: &Stmt) -> Option<Value> {
        let in_scrutinee = std::mem::take(&mut self.in_scrutinee);
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Item(_) => {}
            Stmt::Expr(expr, _) => {
                let span = self.span_of(expr);
                self.push_scope(Kind::Temporaries);
                let value = self.value(expr);
                if !self.builder.is_terminated() {
                    self.discard(value, span);
                }
                self.pop_scope();
            }
            Stmt::Macro(mac) => {
                let span = self.span_of(mac);
                self.push_scope(Kind::Temporaries);
                let value = self.macro_value(&mac.mac);
                if !self.builder.is_terminated() {
                    self.dispose(value, span);
                }
                self.pop_scope();
            }
        }
        self.in_scrutinee = in_scrutinee;
        self.builder.is_terminated().then(Value::never)
    }

    fn local(&mut self, local: &syn::Local) {
        let span = self.span_of(local);
        let (pattern, annotated) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(self.read_type(&typed.ty))),
            other => (other, None),
        };
        let Some(init) = &local.init else {
            return self.uninitialised(pattern, annotated, span);
        };
        self.push_scope(Kind::Temporaries);
        if let Some((_, diverge)) = &init.diverge {
            self.let_else(pattern, &init.expr, diverge, span);
            return self.pop_scope();
        }
        match pattern {
            Pat::Wild(_) if Self::is_place(&init.expr) => {
                self.place(&init.expr);
            }
            Pat::Wild(_) => {
                let value = self.value(&init.expr);
                if !self.builder.is_terminated() {
                    self.discard(value, span);
                }
            }
            Pat::Ident(ident) if ident.subpat.is_none() && ident.by_ref.is_none() => {
                let value = self.initial(&init.expr);
                let ty = match annotated {
                    Some(ty) if self.guard_of(&value.ty).is_none() => ty.or(value.ty.clone()),
                    _ => value.ty.clone(),
                };
                let value = value.typed(ty);
                if !self.builder.is_terminated() {
                    self.bind_name(&ident.ident.to_string(), value, span);
                }
            }
            _ => {
                let place = Self::is_place(&init.expr);
                let subject = if place {
                    let (place, ty) = self.place(&init.expr);
                    self.subject(place, ty)
                } else {
                    let value = self.value(&init.expr);
                    let ty = value.ty.clone();
                    let place = self.keep(value, span);
                    self.subject(place, annotated.unwrap_or_default().or(ty))
                };
                self.bind(pattern, subject);
            }
        }
        self.pop_scope();
    }

    /// The first value of a variable: what it refers to lives as long as the variable.
    fn initial(&mut self, expr: &Syntax) -> Value {
        let span = self.span_of(expr);
        match expr {
            Syntax::Paren(paren) => self.initial(&paren.expr),
            Syntax::Reference(reference) if !Self::is_place(&reference.expr) => {
                let value = self.value(&reference.expr);
                let ty = value.ty.clone();
                let place = self.temporary(ty.clone(), span);
                self.store(place.clone(), value, span);
                self.owns(place.clone(), ty.clone(), span);
                self.reference(place, ty)
            }
            _ => self.value(expr),
        }
    }

    fn uninitialised(
        &mut self,
        pattern: &Pat,
        annotated: Option<crate::frontend::rust::types::Ty>,
        span: Span,
    ) {
        let Pat::Ident(ident) = pattern else { return };
        let name = ident.ident.to_string();
        let ty = annotated.unwrap_or_default();
        let id = self.new_local(&name, LocalKind::Variable, ty.clone(), span);
        self.builder.assign(Place::local(id), crate::ir::Expr::Null, span);
        self.name_local(&name, id);
        self.owns(Place::local(id), ty, span);
    }

    fn let_else(&mut self, pattern: &Pat, init: &Syntax, diverge: &Syntax, span: Span) {
        let subject = if Self::is_place(init) {
            let (place, ty) = self.place(init);
            self.subject(place, ty)
        } else {
            let value = self.value(init);
            let ty = value.ty.clone();
            let place = self.keep(value, span);
            self.subject(place, ty)
        };
        let (then, otherwise) = (self.new_block(), self.new_block());
        self.test(pattern, &subject, then, otherwise);
        self.builder.switch_to(otherwise);
        // Its own temporaries end before it runs, so it must not end them once more on its way out.
        self.run_endings(self.scopes.len() - 1);
        let scope = self.scopes.pop();
        let value = self.value(diverge);
        if !self.builder.is_terminated() {
            self.dispose(value, span);
            self.builder.unreachable(span);
        }
        self.scopes.extend(scope);
        self.builder.switch_to(then);
        self.bind(pattern, subject);
    }
}
