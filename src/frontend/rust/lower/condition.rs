//! Conditions: each operand of `&&` and `||` has temporaries of its own; those of a chain of `let`s live through the body.

use super::Lowerer;
use super::scope::Kind;
use crate::frontend::rust::types::{self, Ty};
use crate::ir::{BinaryOp, BlockId, Expr, Place, Predicate};
use syn::{BinOp, Expr as Syntax};

impl Lowerer<'_> {
    /// Branches on an expression without `let`.
    pub(super) fn condition(&mut self, expr: &Syntax, then: BlockId, otherwise: BlockId) {
        let span = self.span_of(expr);
        match expr {
            Syntax::Paren(paren) => self.condition(&paren.expr, then, otherwise),
            Syntax::Group(group) => self.condition(&group.expr, then, otherwise),
            Syntax::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) => {
                self.condition(expr, otherwise, then);
            }
            Syntax::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                let next = self.builder.new_block();
                self.condition(&binary.left, next, otherwise);
                self.builder.switch_to(next);
                self.condition(&binary.right, then, otherwise);
            }
            Syntax::Binary(binary) if matches!(binary.op, BinOp::Or(_)) => {
                let next = self.builder.new_block();
                self.condition(&binary.left, then, next);
                self.builder.switch_to(next);
                self.condition(&binary.right, then, otherwise);
            }
            _ => {
                let in_scrutinee = std::mem::take(&mut self.in_scrutinee);
                self.push_scope(Kind::Temporaries);
                let value = self.value(expr);
                let expr = match value.expr {
                    Expr::Unknown => None,
                    _ if self.ends_temporaries() => Some(self.hold(value, span).expr),
                    expr => Some(expr),
                };
                self.pop_scope();
                self.in_scrutinee = in_scrutinee;
                let predicate = expr.map_or(Predicate::Either, Predicate::Holds);
                self.builder.branch(predicate, then, otherwise, span);
            }
        }
    }

    /// Whether a condition is, or has among its `&&` operands, a `let`.
    pub(super) fn has_let(expr: &Syntax) -> bool {
        match expr {
            Syntax::Let(_) => true,
            Syntax::Paren(paren) => Self::has_let(&paren.expr),
            Syntax::Group(group) => Self::has_let(&group.expr),
            Syntax::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                Self::has_let(&binary.left) || Self::has_let(&binary.right)
            }
            _ => false,
        }
    }

    /// Branches on a chain of `let`s; what they bind is named in the innermost block, temporaries go where the caller put them.
    pub(super) fn chain(&mut self, expr: &Syntax, then: BlockId, otherwise: BlockId) {
        match expr {
            Syntax::Paren(paren) => self.chain(&paren.expr, then, otherwise),
            Syntax::Group(group) => self.chain(&group.expr, then, otherwise),
            Syntax::Binary(binary) if matches!(binary.op, BinOp::And(_)) && Self::has_let(expr) => {
                let (next, failed) = (self.builder.new_block(), self.builder.new_block());
                let before = self.endings_of_block();
                self.chain(&binary.left, next, otherwise);
                self.builder.switch_to(next);
                let bound = self.endings_of_block();
                self.chain(&binary.right, then, failed);
                self.builder.switch_to(failed);
                self.run_some_endings(before..bound);
                let span = self.span_of(expr);
                self.builder.goto(otherwise, span);
            }
            Syntax::Let(test) => {
                let subject = self.scrutinee(&test.expr);
                let matched = self.builder.new_block();
                self.test(&test.pat, &subject, matched, otherwise);
                self.builder.switch_to(matched);
                self.bind(&test.pat, subject);
                let span = self.span_of(test);
                self.builder.goto(then, span);
            }
            other => self.condition(other, then, otherwise),
        }
    }

    /// What decides whether the value at `place` is the variant `Some`, `Ok`.
    pub(super) fn is_good(&self, ty: &Ty, place: &Place) -> Predicate {
        let read = Expr::Read(place.clone());
        match ty {
            Ty::Named(path, _) if path == "PoisonResult" || path == "Maybe" => Predicate::Either,
            Ty::Named(path, _) if types::is_option(path) || self.guard_of(ty).is_some() => {
                Predicate::Holds(read)
            }
            Ty::Named(path, _) if types::is_result(path) => {
                Predicate::Holds(Expr::binary(BinaryOp::Ge, read, Expr::Int(0)))
            }
            _ => Predicate::Either,
        }
    }
}
