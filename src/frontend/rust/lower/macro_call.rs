//! Macro calls: what their content evaluates, as far as it is made of expressions.

use super::Lowerer;
use super::scope::Kind;
use super::value::Value;
use crate::frontend::rust::macros::{self, Content};
use crate::frontend::rust::types::Ty;
use crate::ir::Expr;
use crate::source::Span;
use syn::Expr as Syntax;

impl Lowerer<'_> {
    pub(super) fn macro_value(&mut self, mac: &syn::Macro) -> Value {
        let name = mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let span = self.span_of(mac);
        match macros::content(&name, &mac.tokens) {
            Content::Values(values) => self.macro_of_values(&name, &values, span),
            Content::Matches(both) => {
                let (value, pattern) = *both;
                let subject = self.scrutinee(&value);
                let (then, otherwise) = (self.new_block(), self.new_block());
                self.test(&pattern, &subject, then, otherwise);
                if name.contains("assert") {
                    self.builder.switch_to(otherwise);
                    self.builder.unreachable(span);
                    self.builder.switch_to(then);
                    return Value::unit();
                }
                self.joined_truth(then, otherwise, span)
            }
            Content::Statements(statements) => {
                // May run or not, once or many times; nobody knows.
                let block = syn::Block { brace_token: Default::default(), stmts: statements };
                let (inside, exit) = (self.new_block(), self.new_block());
                self.builder.branch(crate::ir::Predicate::Either, inside, exit, span);
                self.builder.switch_to(inside);
                self.push_scope(Kind::Temporaries);
                let value = self.block_value(&block);
                if !self.builder.is_terminated() {
                    self.dispose(value, span);
                }
                self.pop_scope();
                self.goto(exit, span);
                self.builder.switch_to(exit);
                Value::unknown(Ty::Unknown)
            }
            Content::Unknown => {
                self.unknown_macro(mac, span);
                Value::unknown(Ty::Unknown)
            }
        }
    }

    /// A macro whose content does not parse: if it mentions what means something, the function is not understood.
    fn unknown_macro(&mut self, mac: &syn::Macro, span: Span) {
        let mut telling = false;
        macros::called_words(&mac.tokens, &mut |word| telling |= self.env.is_telling_method(&word));
        if telling {
            self.opaque("macro not understood", span);
        }
    }

    fn macro_of_values(&mut self, name: &str, values: &[Syntax], span: Span) -> Value {
        match name {
            "panic" | "unreachable" | "todo" | "unimplemented" | "unreachable_unchecked" => {
                self.borrowed(values);
                self.builder.unreachable(span);
                Value::never()
            }
            "assert" | "debug_assert" => {
                let Some((condition, rest)) = values.split_first() else { return Value::unit() };
                self.asserted(condition, rest, span)
            }
            "bail" | "return_err" => {
                self.borrowed(values);
                self.leave_with(Value::of(Expr::Int(-1), Ty::Unknown), span);
                Value::never()
            }
            "ensure" => {
                let Some((condition, rest)) = values.split_first() else { return Value::unit() };
                let (good, bad) = (self.new_block(), self.new_block());
                self.condition(condition, good, bad);
                self.builder.switch_to(bad);
                self.borrowed(rest);
                self.leave_with(Value::of(Expr::Int(-1), Ty::Unknown), span);
                self.builder.switch_to(good);
                Value::unit()
            }
            "ready" | "try" => {
                let Some(value) = values.first() else { return Value::unit() };
                let value = self.value(value);
                Value::unknown(value.ty.first_arg())
            }
            "dbg" | "black_box" => match values {
                [one] => self.value(one),
                _ => Value::unknown(Ty::Unknown),
            },
            "addr_of" | "addr_of_mut" => match values {
                [one] => {
                    let (place, ty) = self.place(one);
                    self.reference(place, ty)
                }
                _ => Value::unknown(Ty::Unknown),
            },
            "vec" | "smallvec" => {
                let mut item = Ty::Unknown;
                for value in values {
                    let value = self.value(value);
                    item = item.or(value.ty.clone());
                    self.hand_on(value, span);
                }
                Value::unknown(Ty::named("Vec", vec![item]))
            }
            _ => {
                self.borrowed(values);
                Value::unknown(Ty::Unknown)
            }
        }
    }

    fn asserted(&mut self, condition: &Syntax, message: &[Syntax], span: Span) -> Value {
        // What is asserted of a lock's state guards nothing: calls of `assert` are told from tests.
        let asks = match condition {
            Syntax::Unary(unary) => matches!(*unary.expr, Syntax::MethodCall(_)),
            Syntax::MethodCall(_) => true,
            _ => false,
        };
        if asks {
            self.push_scope(Kind::Temporaries);
            let value = self.value(condition);
            let callee = crate::ir::Callee::Named(crate::ir::Name::new_static("assert"));
            let spelled = vec![self.written(condition)];
            self.call_for(callee, vec![value.expr], spelled, Ty::unit(), span);
            self.pop_scope();
            return Value::unit();
        }
        let (good, bad) = (self.new_block(), self.new_block());
        self.condition(condition, good, bad);
        self.builder.switch_to(bad);
        self.borrowed(message);
        self.builder.unreachable(span);
        self.builder.switch_to(good);
        Value::unit()
    }

    /// Values that a macro such as `println!` looks at and leaves where they are.
    fn borrowed(&mut self, values: &[Syntax]) {
        for value in values {
            match value {
                // `name = value`
                Syntax::Assign(assign) => self.borrowed(std::slice::from_ref(&assign.right)),
                Syntax::Closure(_) | Syntax::Lit(_) => {}
                other if Self::is_place(other) => {
                    self.place(other);
                }
                other => {
                    let span = self.span_of(other);
                    let value = self.value(other);
                    if !self.builder.is_terminated() {
                        self.keep(value, span);
                    }
                }
            }
        }
    }

    /// A truth value where two ways meet.
    fn joined_truth(&mut self, then: crate::ir::BlockId, otherwise: crate::ir::BlockId, span: Span) -> Value {
        let ty = Ty::named("bool", Vec::new());
        let place = self.temporary(ty.clone(), span);
        let join = self.new_block();
        for (block, truth) in [(then, 1), (otherwise, 0)] {
            self.builder.switch_to(block);
            self.builder.assign(place.clone(), Expr::Int(truth), span);
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
        Value::of(Expr::Read(place), ty)
    }
}
