//! Expressions: dispatch, operators, literals, aggregates.

use super::operator::{assigning, literal, literal_type, operator};
use super::value::Value;
use super::{DEPTH_LIMIT, Lowerer};
use crate::frontend::rust::types::{self, Ty};
use crate::ir::{BinaryOp, Callee, Expr, Name, UnaryOp};
use syn::{BinOp, Expr as Syntax};

impl Lowerer<'_> {
    /// The value of an expression; whoever asks owns it.
    pub(super) fn value(&mut self, expr: &Syntax) -> Value {
        if self.depth >= DEPTH_LIMIT {
            let span = self.span_of(expr);
            self.opaque("nested too deeply", span);
            return Value::unknown(Ty::Unknown);
        }
        self.depth += 1;
        let value = self.value_inner(expr);
        self.depth -= 1;
        value
    }

    fn value_inner(&mut self, expr: &Syntax) -> Value {
        match expr {
            Syntax::Paren(paren) => self.value(&paren.expr),
            Syntax::Group(group) => self.value(&group.expr),
            Syntax::Lit(lit) => Value::of(literal(&lit.lit), literal_type(&lit.lit)),
            Syntax::Path(path) => self.path_value(path),
            Syntax::Field(_) | Syntax::Index(_) => {
                let span = self.span_of(expr);
                let (place, ty) = self.place(expr);
                self.take(place, ty, span)
            }
            Syntax::Reference(reference) => {
                let (place, ty) = self.place(&reference.expr);
                self.reference(place, ty)
            }
            Syntax::RawAddr(address) => {
                let (place, ty) = self.place(&address.expr);
                self.reference(place, ty)
            }
            Syntax::Unary(unary) => self.unary(unary),
            Syntax::Binary(binary) => self.binary(binary),
            Syntax::Assign(assign) => self.assign(assign),
            Syntax::Cast(cast) => {
                let value = self.value(&cast.expr);
                let ty = self.read_type(&cast.ty);
                match &ty {
                    // `*const _` keeps what is known of the target.
                    Ty::Pointer(inner) if !inner.is_known() => value,
                    _ => value.typed(ty),
                }
            }
            Syntax::Block(block) => self.labelled_block(block),
            Syntax::Unsafe(block) => self.block_value(&block.block),
            Syntax::Const(block) => self.block_value(&block.block),
            Syntax::If(expr) => self.if_value(expr),
            Syntax::Match(expr) => self.match_value(expr),
            Syntax::Loop(expr) => self.loop_value(expr),
            Syntax::While(expr) => self.while_value(expr),
            Syntax::ForLoop(expr) => self.for_value(expr),
            Syntax::Let(_) => self.truth(expr),
            Syntax::Return(expr) => self.return_value(expr),
            Syntax::Break(expr) => self.break_value(expr),
            Syntax::Continue(expr) => self.continue_value(expr),
            Syntax::Try(expr) => self.try_value(expr),
            Syntax::Await(expr) => self.await_value(expr),
            Syntax::Call(call) => self.call_value(call),
            Syntax::MethodCall(call) => self.method_value(call),
            Syntax::Macro(mac) => self.macro_value(&mac.mac),
            Syntax::Closure(_) | Syntax::Async(_) => self.closure_value(expr),
            Syntax::Tuple(tuple) => self.tuple(tuple),
            Syntax::Array(array) => {
                let mut item = Ty::Unknown;
                for elem in &array.elems {
                    let value = self.value(elem);
                    item = item.or(value.ty.clone());
                    let span = self.span_of(elem);
                    self.hand_on(value, span);
                }
                Value::unknown(Ty::List(Box::new(item)))
            }
            Syntax::Repeat(repeat) => {
                let value = self.value(&repeat.expr);
                Value::unknown(Ty::List(Box::new(value.ty)))
            }
            Syntax::Struct(expr) => self.record(expr),
            Syntax::Range(range) => {
                for end in range.start.iter().chain(&range.end) {
                    self.value(end);
                }
                Value::unknown(Ty::Unknown)
            }
            Syntax::Yield(expr) => {
                if let Some(expr) = &expr.expr {
                    self.value(expr);
                }
                Value::unknown(Ty::Unknown)
            }
            Syntax::TryBlock(block) => self.try_block(block),
            Syntax::Infer(_) => Value::unknown(Ty::Unknown),
            _ => {
                let span = self.span_of(expr);
                self.opaque("unknown expression", span);
                Value::unknown(Ty::Unknown)
            }
        }
    }

    fn path_value(&mut self, path: &syn::ExprPath) -> Value {
        let word = path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if let Some(ident) = path.path.get_ident()
            && self.resolve(&ident.to_string()).is_some()
        {
            let span = self.span_of(path);
            let (place, ty) = self.place(&Syntax::Path(path.clone()));
            return self.take(place, ty, span);
        }
        match word.as_str() {
            "None" => Value::of(Expr::Null, Ty::named("Option", Vec::new())),
            _ => {
                let (place, ty) = self.place(&Syntax::Path(path.clone()));
                let constant = word.chars().all(|c| !c.is_lowercase()) && ty.is_known();
                if constant {
                    return Value::of(Expr::Read(place), ty);
                }
                // A variant, a constant, or a function as a value.
                let owner = path.path.segments.iter().rev().nth(1);
                let ty = owner.map_or(Ty::Unknown, |owner| {
                    let name = owner.ident.to_string();
                    if name == "Self" { self.self_type() } else { self.settle(Ty::named(&name, Vec::new())) }
                });
                Value::of(Expr::Const(word.into()), ty)
            }
        }
    }

    fn unary(&mut self, unary: &syn::ExprUnary) -> Value {
        let span = self.span_of(unary);
        match unary.op {
            syn::UnOp::Deref(_) => {
                let (place, ty) = self.place(&Syntax::Unary(unary.clone()));
                self.take(place, ty, span)
            }
            syn::UnOp::Not(_) => {
                let value = self.value(&unary.expr);
                let is_bool = matches!(value.ty.path(), Some(path) if path == "bool") || !value.ty.is_known();
                let op = if is_bool { UnaryOp::Not } else { UnaryOp::BitNot };
                Value::of(Expr::Unary(op, Box::new(value.expr)), value.ty)
            }
            _ => {
                let value = self.value(&unary.expr);
                match value.expr {
                    Expr::Int(number) => Value::of(Expr::Int(number.wrapping_neg()), value.ty),
                    expr => Value::of(Expr::Unary(UnaryOp::Neg, Box::new(expr)), value.ty),
                }
            }
        }
    }

    /// A condition as a value.
    fn truth(&mut self, expr: &Syntax) -> Value {
        let span = self.span_of(expr);
        let place = self.temporary(Ty::named("bool", Vec::new()), span);
        let (then, otherwise, join) = (self.new_block(), self.new_block(), self.new_block());
        if Self::has_let(expr) {
            self.chain(expr, then, otherwise);
        } else {
            self.condition(expr, then, otherwise);
        }
        for (block, truth) in [(then, 1), (otherwise, 0)] {
            self.builder.switch_to(block);
            self.builder.assign(place.clone(), Expr::Int(truth), span);
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
        Value::of(Expr::Read(place), Ty::named("bool", Vec::new()))
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> Value {
        if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
            return self.truth(&Syntax::Binary(binary.clone()));
        }
        let span = self.span_of(binary);
        if let Some(op) = assigning(&binary.op) {
            let right = self.value(&binary.right);
            let (place, _) = self.place(&binary.left);
            let old = Expr::Read(place.clone());
            self.builder.assign(place, Expr::binary(op, old, right.expr), span);
            return Value::unit();
        }
        let left = self.value(&binary.left);
        let left = self.hold(left, span);
        let right = self.value(&binary.right);
        let Some(op) = operator(&binary.op) else { return Value::unknown(Ty::Unknown) };
        let compares = matches!(
            op,
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge
        );
        let ty = if compares { Ty::named("bool", Vec::new()) } else { left.ty };
        Value::of(Expr::binary(op, left.expr, right.expr), ty)
    }

    fn assign(&mut self, assign: &syn::ExprAssign) -> Value {
        let span = self.span_of(assign);
        if let Syntax::Infer(_) = &*assign.left {
            if Self::is_place(&assign.right) {
                self.place(&assign.right);
            } else {
                let value = self.value(&assign.right);
                self.discard(value, span);
            }
            return Value::unit();
        }
        let value = self.value(&assign.right);
        if self.builder.is_terminated() {
            return Value::never();
        }
        if let Syntax::Tuple(tuple) = &*assign.left {
            let types = match &value.ty {
                Ty::Tuple(items) => items.clone(),
                _ => Vec::new(),
            };
            for (at, left) in tuple.elems.iter().enumerate() {
                let part = self.part(&value, at, types.get(at).cloned().unwrap_or_default(), span);
                self.assign_to(left, part, span);
            }
        } else {
            self.assign_to(&assign.left, value, span);
        }
        Value::unit()
    }

    fn assign_to(&mut self, left: &Syntax, value: Value, span: crate::source::Span) {
        if let Syntax::Infer(_) = left {
            return self.discard(value, span);
        }
        if !Self::is_place(left) {
            return self.dispose(value, span);
        }
        let (place, ty) = self.place(left);
        let guard = self.guard_of(&ty).or_else(|| self.guard_of(&value.ty));
        match (guard, place.as_local()) {
            (Some(guard), Some(id)) => {
                // The new value is there before the old one ends.
                let value = self.hold(value, span);
                self.end_of(&guard, Expr::Read(place.clone()), span);
                if self.guard_of(&ty).is_none() {
                    // Declared without a type: the first value tells.
                    let ty = value.ty.clone();
                    self.owns_after_all(id, &ty, span);
                }
                self.store(place, value, span);
            }
            (Some(_), None) => {
                let expr = value.expr.clone();
                self.hand_on(value, span);
                self.builder.assign(place, expr, span);
            }
            (None, local) => {
                if let Some(id) = local
                    && !self.types[id.0 as usize].is_known()
                {
                    self.types[id.0 as usize] = value.ty.clone();
                }
                self.store(place, value, span);
            }
        }
    }

    fn tuple(&mut self, tuple: &syn::ExprTuple) -> Value {
        if tuple.elems.is_empty() {
            return Value::unit();
        }
        let span = self.span_of(tuple);
        let place = self.temporary(Ty::Unknown, span);
        let mut items = Vec::new();
        for (at, elem) in tuple.elems.iter().enumerate() {
            let value = self.value(elem);
            items.push(value.ty.clone());
            self.store(place.clone().field(at.to_string()), value, span);
        }
        Value { parts: Some(place.clone()), ..Value::of(Expr::Read(place), Ty::Tuple(items)) }
    }

    fn record(&mut self, expr: &syn::ExprStruct) -> Value {
        let span = self.span_of(expr);
        let full = self.names.full(&expr.path);
        let name = types::last_word(&full).to_owned();
        let ty = match full.rsplit("::").nth(1) {
            Some(owner) if !self.env.declared(&format!("record {owner}::{name}")).is_empty() => {
                self.settle(Ty::named(owner, Vec::new()))
            }
            _ => self.settle(Ty::Named(full.clone(), Vec::new())),
        };
        let stands_for_guard = self.guard_of(&ty).is_some();
        let place = self.temporary(ty.clone(), span);
        let mut guard = None;
        for field in &expr.fields {
            let member = match &field.member {
                syn::Member::Named(ident) => ident.to_string(),
                syn::Member::Unnamed(index) => index.index.to_string(),
            };
            let value = self.value(&field.expr);
            if self.guard_of(&value.ty).is_some() && stands_for_guard {
                guard = Some(value);
            } else if self.ends(&value.ty) {
                self.hand_on(value, span);
            } else {
                self.store(place.clone().field(member), value, span);
            }
        }
        if let Some(rest) = &expr.rest {
            self.value(rest);
        }
        match guard {
            Some(guard) => Value { made: guard.made, ..Value::of(guard.expr, ty) },
            None => Value::of(Expr::Read(place), ty),
        }
    }

    /// `try { … }` on its own: `?` in it leaves the block.
    fn try_block(&mut self, block: &syn::ExprTryBlock) -> Value {
        let span = self.span_of(block);
        let exit = self.new_block();
        let place = self.temporary(Ty::Unknown, span);
        self.frames.push(super::scope::Frame {
            scopes: self.scopes.len(),
            targets: self.targets.len(),
            exit: Some((exit, place.clone())),
        });
        let value = self.block_value(&block.block);
        self.leave_with(value, span);
        self.frames.pop();
        self.builder.switch_to(exit);
        Value::of(Expr::Read(place), Ty::named("Result", Vec::new()))
    }

    /// `future.await`
    fn await_value(&mut self, expr: &syn::ExprAwait) -> Value {
        let span = self.span_of(expr);
        let value = self.value(&expr.base);
        let suspend = crate::ir::StatementKind::Call {
            place: None,
            callee: Callee::Named(Name::new_static("await")),
            args: Vec::new(),
            spelled: Vec::new(),
        };
        self.builder.push(suspend, span);
        let Some(pending) = value.pending else {
            let ty = match &value.ty {
                Ty::Named(path, args) if path == "Future" => args.first().cloned().unwrap_or_default(),
                _ => Ty::Unknown,
            };
            return Value::unknown(ty);
        };
        self.run_pending(*pending)
    }
}
