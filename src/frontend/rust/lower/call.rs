//! Calls of functions by path, and what a call of known meaning gives.

use super::Lowerer;
use super::value::{Pending, Value};
use crate::frontend::rust::types::{self, Ty, last_word};
use crate::ir::environment::{Signature, Wrapper};
use crate::ir::{Callee, Expr, LocalKind, Name, Place, Predicate, StatementKind};
use crate::source::Span;
use syn::Expr as Syntax;

/// Functions whose result is another each time: it must not be taken for the same object.
const FRESH: [&str; 16] = [
    "next",
    "next_back",
    "pop",
    "pop_front",
    "pop_back",
    "recv",
    "try_recv",
    "new",
    "default",
    "clone",
    "take",
    "accept",
    "create",
    "alloc",
    "to_owned",
    "spawn",
];

/// Arguments, evaluated.
pub(super) struct Arguments {
    pub values: Vec<Value>,
    pub spelled: Vec<Name>,
    /// Variables lent with `&mut`: what they hold after the call, nobody knows.
    pub lent: Vec<Place>,
}

impl Arguments {
    pub fn exprs(&self) -> Vec<Expr> {
        self.values.iter().map(|value| value.expr.clone()).collect()
    }
}

impl Lowerer<'_> {
    pub(super) fn call_value(&mut self, call: &syn::ExprCall) -> Value {
        let span = self.span_of(call);
        let args: Vec<&Syntax> = call.args.iter().collect();
        let mut func = &*call.func;
        while let Syntax::Paren(paren) = func {
            func = &paren.expr;
        }
        match func {
            Syntax::Path(path) if path.qself.is_none() => {
                let local = path.path.get_ident().and_then(|ident| self.resolve(&ident.to_string()));
                match local {
                    Some(id) => self.call_local(id, &args, span),
                    None => self.call_path(&path.path, &args, span),
                }
            }
            Syntax::Closure(closure) => {
                let values = args.iter().map(|arg| self.value(arg)).collect();
                self.run_closure(closure, values, true)
            }
            Syntax::Path(path) => {
                let name = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                self.call_unknown(&name, &args, span)
            }
            other => {
                let (place, ty) = self.place(other);
                let arguments = self.arguments(&args);
                self.call_through(place, ty, arguments, span)
            }
        }
    }

    fn call_local(&mut self, id: crate::ir::LocalId, args: &[&Syntax], span: Span) -> Value {
        let ty = self.types[id.0 as usize].clone();
        let arguments = self.arguments(args);
        self.call_through(Place::local(id), ty, arguments, span)
    }

    fn call_through(&mut self, place: Place, ty: Ty, arguments: Arguments, span: Span) -> Value {
        let exprs = arguments.exprs();
        self.hand_on_all(arguments.values, span);
        let output = match ty {
            Ty::Callable(output) => *output,
            Ty::Pointer(inner) => match *inner {
                Ty::Callable(output) => *output,
                _ => Ty::Unknown,
            },
            _ => Ty::Unknown,
        };
        self.call_for(Callee::Through(place), exprs, arguments.spelled, output, span)
    }

    fn call_path(&mut self, path: &syn::Path, args: &[&Syntax], span: Span) -> Value {
        let full = self.names.full(path);
        let name = last_word(&full).to_owned();
        if let Some(value) = self.call_of_the_language(&full, &name, path, args, span) {
            return value;
        }
        let owner = full.rsplit_once("::").map(|(owner, _)| owner.to_owned());
        let owner_type = owner.as_deref().map(|owner| self.settle(Ty::named(owner, Vec::new())));
        if let Some(owner) = owner_type.as_ref().and_then(Ty::path) {
            let known = Name::new(format!("{owner}::{name}"));
            if self.env.signature(&known).is_some() || self.env.knows_call(&known) {
                let arguments = self.arguments(args);
                return self.call_known(&known, arguments, args, span);
            }
        }
        if self.env.knows_call(&full) {
            let arguments = self.arguments(args);
            return self.call_known(&full, arguments, args, span);
        }
        let is_type = owner.as_deref().is_some_and(|owner| last_word(owner).starts_with(char::is_uppercase));
        if name.starts_with(char::is_uppercase) {
            return self.construct(&full, &name, args, span);
        }
        let arguments = self.arguments(args);
        let owner_word = owner_type.as_ref().map(Ty::word).unwrap_or_default().to_owned();
        let short = if is_type { format!("{owner_word}::{name}") } else { name.clone() };
        let callee = if full.starts_with("std::") { full.clone() } else { Name::new(&short) };
        let this = owner_type.filter(|_| is_type).unwrap_or_default();
        let ty = self.result_type(&short, &this);
        let ty = match (ty, this, name.as_str()) {
            (Ty::Unknown, this, "new" | "default" | "with_capacity" | "from") if is_type => {
                self.made_type(this, &arguments)
            }
            (ty, ..) => ty,
        };
        self.call_declared(&callee, arguments, ty, span)
    }

    /// `Arc::new(x)` is of type `Arc<X>`.
    fn made_type(&self, this: Ty, arguments: &Arguments) -> Ty {
        match (this, arguments.values.as_slice()) {
            (Ty::Named(path, args), [value])
                if args.is_empty()
                    && (self.env.wrapper(&path).is_some() || self.env.is_telling_type(&path)) =>
            {
                Ty::Named(path, vec![value.ty.clone()])
            }
            (this, _) => this,
        }
    }

    /// The declared type of the result of a function of the tree.
    pub(super) fn result_type(&self, function: &str, this: &Ty) -> Ty {
        match self.env.declared(&format!("{function}()")) {
            [text] => {
                let ty = types::parse(text);
                let ty = match this {
                    Ty::Named(path, args) => self.instance(ty, path, args),
                    _ => ty,
                };
                self.settle(ty.filled(&Ty::Unknown, this))
            }
            _ => Ty::Unknown,
        }
    }

    /// Calls a function of the tree, or one of which nothing is known.
    pub(super) fn call_declared(&mut self, callee: &Name, arguments: Arguments, ty: Ty, span: Span) -> Value {
        let exprs = arguments.exprs();
        self.hand_on_all(arguments.values, span);
        let lent = arguments.lent;
        if let Ty::Named(path, args) = &ty
            && path == "Future"
        {
            let output = args.first().cloned().unwrap_or_default();
            let callee = Callee::Named(callee.clone());
            let spelled = arguments.spelled;
            let pending = Pending { callee, args: exprs, spelled, output, carried: None, guard: None, span };
            return Value { pending: Some(Box::new(pending)), ..Value::unknown(ty) };
        }
        let fresh = FRESH.contains(&last_word(callee));
        let value = if fresh {
            let place = Place::local(self.new_local("", LocalKind::Variable, ty.clone(), span));
            let callee = Callee::Named(callee.clone());
            let kind = StatementKind::Call {
                place: Some(place.clone()),
                callee,
                args: exprs,
                spelled: arguments.spelled,
            };
            self.builder.push(kind, span);
            Value::of(Expr::Read(place), ty)
        } else {
            self.call_for(Callee::Named(callee.clone()), exprs, arguments.spelled, ty, span)
        };
        for place in lent {
            self.builder.assign(place, Expr::Unknown, span);
        }
        let made = self.guard_of(&value.ty).is_some().then_some(span);
        Value { made, ..value }
    }

    /// Whether what a reference points to has members of its own, which keep their places.
    fn is_record(&self, ty: &Ty) -> bool {
        let Ty::Pointer(inner) = ty else { return false };
        inner.path().is_some_and(|path| !self.members(last_word(path)).is_empty()) || self.ends(inner)
    }

    /// Calls something of which nothing is known but its name.
    pub(super) fn call_unknown(&mut self, name: &str, args: &[&Syntax], span: Span) -> Value {
        let arguments = self.arguments(args);
        self.call_declared(&Name::new(name), arguments, Ty::Unknown, span)
    }

    /// Calls what the profile knows.
    pub(super) fn call_known(
        &mut self,
        name: &Name,
        arguments: Arguments,
        syntax: &[&Syntax],
        span: Span,
    ) -> Value {
        let signature = self.env.signature(name).cloned();
        let Some(signature) = signature else {
            let exprs = arguments.exprs();
            return self.call_for(Callee::Named(name.clone()), exprs, arguments.spelled, Ty::Unknown, span);
        };
        let n = usize::from(signature.carries);
        // The lock whose address is given, or that of the guard.
        let carried = arguments.values.get(n).map(|value| value.expr.clone());
        if signature.around {
            return self.call_around(arguments, n, carried, syntax, span);
        }
        let gives = self.gives(&signature, arguments.values.get(n));
        let guard = arguments.values.get(n).and_then(|value| self.guard_of(&value.ty));
        let mut exprs = arguments.exprs();
        if let (Some(expr), Some(slot)) = (&carried, exprs.get_mut(n)) {
            *slot = expr.clone();
        }
        for (at, value) in arguments.values.into_iter().enumerate() {
            if at != n {
                self.hand_on(value, span);
            }
        }
        let callee = Callee::Named(name.clone());
        let pending =
            Pending { callee, args: exprs, spelled: arguments.spelled, output: gives, carried, guard, span };
        match &pending.output {
            Ty::Named(path, args) if path == "Future" => {
                let ty = pending.output.clone();
                let output = args.first().cloned().unwrap_or_default();
                let pending = Pending { output, ..pending };
                Value { pending: Some(Box::new(pending)), ..Value::unknown(ty) }
            }
            _ => self.run_pending(pending),
        }
    }

    /// The type that a signature tells of the result.
    fn gives(&self, signature: &Signature, carried: Option<&Value>) -> Ty {
        let mut of = carried.map(|value| value.ty.clone()).unwrap_or_default();
        while let Some((Wrapper::Pointer, inner)) = types::behind(&of, self.env) {
            of = inner;
        }
        let parameter = of.last_arg();
        types::parse(&signature.gives).filled(&parameter, &of)
    }

    /// Runs a known call now.
    pub(super) fn run_pending(&mut self, pending: Pending) -> Value {
        let Pending { callee, args, spelled, output, carried, span, .. } = pending;
        let Some(carried) = carried else {
            let value = self.call_for(callee, args, spelled, output, span);
            let made = self.guard_of(&value.ty).is_some().then_some(span);
            return Value { made, ..value };
        };
        if !self.ends(&output) {
            let plain = output == Ty::unit();
            let called = self.call_for(callee, args, spelled, output.clone(), span);
            return if plain { called } else { Value::of(carried, Ty::Pointer(Box::new(output))) };
        }
        let result = self.call_for(callee, args, spelled, output.clone(), span);
        let uncertain = matches!(output.path(), Some(path) if path != "PoisonResult"
            && (types::is_option(path) || types::is_result(path)));
        if !uncertain {
            return Value { made: Some(span), ..Value::of(carried, output) };
        }
        let place = self.temporary(output.clone(), span);
        let (held, failed, join) = (self.new_block(), self.new_block(), self.new_block());
        self.builder.branch(Predicate::Holds(result.expr), held, failed, span);
        for (block, value) in [(held, carried), (failed, Expr::Null)] {
            self.builder.switch_to(block);
            self.builder.assign(place.clone(), value, span);
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
        Value { made: Some(span), ..Value::of(Expr::Read(place), output) }
    }

    /// `MutexGuard::unlocked(&mut guard, || …)`
    fn call_around(
        &mut self,
        arguments: Arguments,
        n: usize,
        carried: Option<Expr>,
        syntax: &[&Syntax],
        span: Span,
    ) -> Value {
        let guard = arguments.values.get(n).and_then(|value| match &value.ty {
            Ty::Pointer(inner) => self.guard_of(inner),
            other => self.guard_of(other),
        });
        let (Some(guard), Some(carried)) = (guard, carried) else { return Value::unknown(Ty::Unknown) };
        self.end_of(&guard, carried.clone(), span);
        let mut value = Value::unknown(Ty::Unknown);
        for arg in syntax {
            if let Syntax::Closure(closure) = arg {
                value = self.run_closure(closure, Vec::new(), true);
            }
        }
        self.guard_call(&guard, "relock", carried, span);
        value
    }

    /// Evaluates arguments; closures among them are values.
    pub(super) fn arguments(&mut self, args: &[&Syntax]) -> Arguments {
        let mut arguments = Arguments { values: Vec::new(), spelled: Vec::new(), lent: Vec::new() };
        for arg in args {
            let span = self.span_of(*arg);
            let value = self.value(arg);
            if let (Syntax::Reference(reference), Expr::AddressOf(place)) = (arg, &value.expr)
                && reference.mutability.is_some()
                && place.as_local().is_some()
                && !self.is_record(&value.ty)
            {
                arguments.lent.push(place.clone());
            }
            arguments.values.push(self.hold(value, span));
            arguments.spelled.push(self.written(*arg));
        }
        arguments
    }

    /// Guards given by value belong to the callee.
    pub(super) fn hand_on_all(&mut self, values: Vec<Value>, span: Span) {
        for value in values {
            self.hand_on(value, span);
        }
    }
}
