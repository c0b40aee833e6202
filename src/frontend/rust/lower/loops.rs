//! `loop`, `while`, `while let`, `for` and labelled blocks.

use super::Lowerer;
use super::scope::{Kind, Target};
use super::value::Value;
use crate::frontend::rust::types::{Ty, last_word};
use crate::ir::{BlockId, Expr, Place, Predicate};
use crate::source::Span;

impl Lowerer<'_> {
    fn push_target(
        &mut self,
        label: Option<&syn::Label>,
        on_break: BlockId,
        on_continue: Option<BlockId>,
        result: Place,
    ) {
        self.targets.push(Target {
            label: label.map(|label| label.name.ident.to_string()),
            is_loop: on_continue.is_some(),
            on_break,
            on_continue,
            scopes: self.scopes.len(),
            result,
            ty: Ty::Never,
        });
    }

    /// The type of what `break` gave.
    fn pop_target(&mut self) -> Ty {
        self.targets.pop().map_or(Ty::Unknown, |target| target.ty)
    }

    pub(super) fn loop_value(&mut self, expr: &syn::ExprLoop) -> Value {
        let span = self.span_of(expr);
        let (head, exit) = (self.new_block(), self.new_block());
        let result = self.temporary(Ty::Unknown, span);
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        self.push_target(expr.label.as_ref(), exit, Some(head), result.clone());
        self.statement_block(&expr.body, span);
        self.goto(head, span);
        let ty = self.pop_target();
        self.builder.switch_to(exit);
        self.merged(result, ty)
    }

    pub(super) fn labelled_block(&mut self, expr: &syn::ExprBlock) -> Value {
        if expr.label.is_none() {
            return self.block_value(&expr.block);
        }
        let span = self.span_of(expr);
        let exit = self.new_block();
        let result = self.temporary(Ty::Unknown, span);
        self.push_target(expr.label.as_ref(), exit, None, result.clone());
        let value = self.block_value(&expr.block);
        let ty = self.pop_target();
        let ty = self.arrive(value, &result, ty);
        self.goto(exit, span);
        self.builder.switch_to(exit);
        self.merged(result, ty)
    }

    /// A block whose value nobody wants.
    fn statement_block(&mut self, block: &syn::Block, span: Span) {
        self.push_scope(Kind::Temporaries);
        let value = self.block_value(block);
        if !self.builder.is_terminated() {
            self.dispose(value, span);
        }
        self.pop_scope();
    }

    pub(super) fn while_value(&mut self, expr: &syn::ExprWhile) -> Value {
        let span = self.span_of(expr);
        let (head, body, failed, exit) =
            (self.new_block(), self.new_block(), self.new_block(), self.new_block());
        let result = self.temporary(Ty::unit(), span);
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        self.push_target(expr.label.as_ref(), exit, Some(head), result);
        self.push_scope(Kind::Temporaries);
        self.push_scope(Kind::Block);
        if Self::has_let(&expr.cond) {
            self.chain(&expr.cond, body, failed);
        } else {
            self.condition(&expr.cond, body, failed);
        }
        self.builder.switch_to(body);
        self.statement_block(&expr.body, span);
        self.pop_scope();
        if !self.builder.is_terminated() {
            self.run_endings(self.scopes.len() - 1);
        }
        self.goto(head, span);
        self.builder.switch_to(failed);
        self.pop_scope();
        self.goto(exit, span);
        self.pop_target();
        self.builder.switch_to(exit);
        Value::unit()
    }

    pub(super) fn for_value(&mut self, expr: &syn::ExprForLoop) -> Value {
        let span = self.span_of(expr);
        self.push_scope(Kind::Temporaries);
        let before = std::mem::replace(&mut self.in_scrutinee, true);
        let ty = if Self::is_place(&expr.expr) {
            let (place, ty) = self.place(&expr.expr);
            if self.guard_of(&ty).is_some() { self.take(place, ty, span).ty } else { ty }
        } else {
            let value = self.value(&expr.expr);
            let ty = value.ty.clone();
            self.keep(value, span);
            ty
        };
        self.in_scrutinee = before;
        let (head, body, exit) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.temporary(Ty::unit(), span);
        self.builder.goto(head, span);
        self.builder.switch_to(head);
        let head_span = self.span_of(&expr.expr);
        self.builder.branch(Predicate::Either, body, exit, head_span);
        self.builder.switch_to(body);
        self.push_target(expr.label.as_ref(), exit, Some(head), result);
        self.push_scope(Kind::Temporaries);
        self.push_scope(Kind::Block);
        let item = self.item_of(&ty);
        let place = self.temporary(item.clone(), span);
        self.builder.assign(place.clone(), Expr::Unknown, span);
        let subject = self.subject(place, item);
        self.bind(&expr.pat, subject);
        self.statement_block(&expr.body, span);
        self.pop_scope();
        self.pop_scope();
        self.goto(head, span);
        self.pop_target();
        self.builder.switch_to(exit);
        self.pop_scope();
        Value::unit()
    }

    /// What a loop over a value of the type gives, round by round.
    pub(super) fn item_of(&self, ty: &Ty) -> Ty {
        let (mut of, mut by_reference) = (ty.clone(), false);
        let mut place = Place::global("");
        for _ in 0..super::object::STEP_LIMIT {
            let item = match &of {
                Ty::Named(path, args) if path.ends_with("Map") && args.len() >= 2 => {
                    let reference = |ty: &Ty| {
                        if by_reference { Ty::Pointer(Box::new(ty.clone())) } else { ty.clone() }
                    };
                    return Ty::Tuple(vec![reference(&args[0]), reference(&args[1])]);
                }
                Ty::Named(path, args) if last_word(path) == "Iter" => {
                    return args.first().cloned().unwrap_or_default();
                }
                other => super::object::element_of(other),
            };
            if let Some(item) = item {
                return if by_reference { Ty::Pointer(Box::new(item)) } else { item };
            }
            by_reference = true;
            match self.step(&place, &of) {
                Some((next, inner)) => (place, of) = (next, inner),
                None => break,
            }
        }
        Ty::Unknown
    }
}
