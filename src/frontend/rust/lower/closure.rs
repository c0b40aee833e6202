//! Closures and `async` blocks: lowered in place where they run at once, else on their own.

use super::Lowerer;
use super::scope::{Frame, Kind};
use super::value::Value;
use crate::frontend::rust::types::{self, Ty};
use crate::ir::{BodyBuilder, Expr, Linkage, LocalKind, Place, Predicate};
use crate::source::Span;
use syn::Expr as Syntax;
use syn::visit::{self, Visit};

impl Lowerer<'_> {
    /// A closure or `async` block as a value: it runs some other time.
    pub(super) fn closure_value(&mut self, expr: &Syntax) -> Value {
        let span = self.span_of(expr);
        if self.wanted == Some(span.start) && self.found.is_none() {
            self.apart(expr, span);
        }
        let moves = match expr {
            Syntax::Closure(closure) => closure.capture.is_some(),
            Syntax::Async(block) => block.capture.is_some(),
            _ => false,
        };
        if moves {
            self.hand_on_captured(expr, span);
        }
        let output = match expr {
            Syntax::Closure(closure) => self.settle(types::read_output(&closure.output, &self.names, 0)),
            _ => return Value::unknown(Ty::named("Future", Vec::new())),
        };
        let output = if output == Ty::unit() { Ty::Unknown } else { output };
        Value::unknown(Ty::Callable(Box::new(output)))
    }

    /// Guards that a closure takes along.
    pub(super) fn hand_on_captured(&mut self, expr: &Syntax, span: Span) {
        struct Mentions(Vec<String>);
        impl<'ast> Visit<'ast> for Mentions {
            fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
                if let Some(ident) = path.path.get_ident() {
                    self.0.push(ident.to_string());
                }
                visit::visit_expr_path(self, path);
            }
        }
        let mut mentions = Mentions(Vec::new());
        mentions.visit_expr(expr);
        mentions.0.sort();
        mentions.0.dedup();
        for name in mentions.0 {
            let Some(id) = self.resolve(&name) else { continue };
            let ty = self.types[id.0 as usize].clone();
            if self.ends(&ty) {
                let value = self.take(Place::local(id), ty, span);
                self.hand_on(value, span);
            }
        }
    }

    /// Lowers the closure as the body that is asked for; the variables around it are there, with their types and unknown values.
    fn apart(&mut self, expr: &Syntax, span: Span) {
        let visible = self.visible();
        let mut builder = BodyBuilder::new(self.function.name.clone(), self.function.span);
        builder.header(Span { end: span.start + 1, ..span }, Linkage::Internal, crate::ir::ReturnKind::Other);
        builder.end(Span { start: span.end.saturating_sub(1), ..span });
        let outer_builder = std::mem::replace(&mut self.builder, builder);
        let outer_types = std::mem::take(&mut self.types);
        let outer_scopes = std::mem::take(&mut self.scopes);
        let outer_targets = std::mem::take(&mut self.targets);
        let outer_frames = std::mem::take(&mut self.frames);
        let outer_output = std::mem::replace(&mut self.output, Ty::Unknown);
        let in_scrutinee = std::mem::take(&mut self.in_scrutinee);
        self.enter_frame();
        for (name, id) in visible {
            let ty = outer_types[id.0 as usize].clone();
            let id = self.new_local(&name, LocalKind::Variable, ty, span);
            self.name_local(&name, id);
        }
        match expr {
            Syntax::Closure(closure) => {
                self.parameters_of(closure, Vec::new());
                let value = self.value(&closure.body);
                self.leave_with(value, span);
            }
            Syntax::Async(block) => {
                let value = self.block_value(&block.block);
                self.leave_with(value, span);
            }
            _ => {}
        }
        self.in_scrutinee = in_scrutinee;
        self.output = outer_output;
        self.frames = outer_frames;
        self.targets = outer_targets;
        self.scopes = outer_scopes;
        self.types = outer_types;
        let builder = std::mem::replace(&mut self.builder, outer_builder);
        self.found = Some(builder.finish());
    }

    /// Binds the parameters of a closure, to values as far as there are any.
    fn parameters_of(&mut self, closure: &syn::ExprClosure, values: Vec<Value>) {
        let mut values = values.into_iter();
        for pat in &closure.inputs {
            let span = self.span_of(pat);
            let value = values.next().unwrap_or_else(|| Value::unknown(Ty::Unknown));
            let ty = value.ty.clone();
            let place = self.temporary(ty.clone(), span);
            self.store(place.clone(), value, span);
            self.owns(place.clone(), ty.clone(), span);
            let subject = self.subject(place, ty);
            self.bind(pat, subject);
        }
    }

    /// Runs a closure here: surely, or perhaps not at all.
    pub(super) fn run_closure(
        &mut self,
        closure: &syn::ExprClosure,
        values: Vec<Value>,
        surely: bool,
    ) -> Value {
        let span = self.span_of(closure);
        let exit = self.new_block();
        let result = self.temporary(Ty::Unknown, span);
        if !surely {
            let inside = self.new_block();
            self.builder.assign(result.clone(), Expr::Unknown, span);
            self.builder.branch(Predicate::Either, inside, exit, Span { end: span.start, ..span });
            self.builder.switch_to(inside);
        }
        self.frames.push(Frame {
            scopes: self.scopes.len(),
            targets: self.targets.len(),
            exit: Some((exit, result.clone())),
        });
        self.push_scope(Kind::Temporaries);
        self.push_scope(Kind::Block);
        let in_scrutinee = std::mem::take(&mut self.in_scrutinee);
        self.parameters_of(closure, values);
        let value = self.value(&closure.body);
        let ty = value.ty.clone();
        if !self.builder.is_terminated() {
            let value = self.hold(value, span);
            self.leave_with(value, span);
        }
        self.in_scrutinee = in_scrutinee;
        self.scopes.pop();
        self.scopes.pop();
        self.frames.pop();
        self.builder.switch_to(exit);
        if closure.capture.is_some() {
            self.hand_on_captured(&Syntax::Closure(closure.clone()), span);
        }
        if let Some(id) = result.as_local() {
            self.types[id.0 as usize] = ty.clone();
        }
        let expr = Expr::Read(result.clone());
        match ty {
            Ty::Tuple(items) if !items.is_empty() => {
                Value { parts: Some(result), ..Value::of(expr, Ty::Tuple(items)) }
            }
            ty => Value::of(expr, ty),
        }
    }
}
