//! Methods of `Option`, `Result` and of the error of a poisoned lock.

use super::Lowerer;
use super::object::address_of;
use super::value::Value;
use crate::frontend::rust::types::{self, Ty};
use crate::ir::environment::Wrapper;
use crate::ir::{Expr, Name, Place, Predicate};
use crate::source::Span;
use syn::Expr as Syntax;

/// Methods that look at the wrapper and leave it where it is.
const LOOKS: [&str; 22] = [
    "as_ref",
    "as_mut",
    "as_deref",
    "as_deref_mut",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "take",
    "replace",
    "insert",
    "iter",
    "iter_mut",
    "get_or_insert_with",
    "get_or_insert",
    "is_some_and",
    "is_ok_and",
    "is_none_or",
    "get_ref",
    "get_mut",
    "clone",
    "is_err_and",
];

impl Lowerer<'_> {
    /// A method of a wrapper that lies in a place.
    pub(super) fn wrapper_place_method(
        &mut self,
        place: Place,
        ty: Ty,
        name: &str,
        args: &[&Syntax],
        span: Span,
    ) -> Value {
        let is_error = ty.path().is_some_and(|path| path.ends_with("PoisonError"));
        let stays = LOOKS.contains(&name) || is_error && name != "into_inner";
        if !stays {
            let value = self.take(place, ty, span);
            return self.wrapper_method(value, name, args, span);
        }
        match name {
            "take" => {
                let value = self.take(place.clone(), ty, span);
                let value = self.hold(value, span);
                self.builder.assign(place, Expr::Null, span);
                value
            }
            "replace" | "insert" | "get_or_insert" => {
                let new = args.first().map(|arg| self.value(arg));
                let old = self.take(place.clone(), ty.clone(), span);
                let old = self.hold(old, span);
                let mut ty = ty;
                if let Some(new) = new {
                    if let (Some(id), None, true) = (place.as_local(), self.guard_of(&ty), self.ends(&new.ty))
                    {
                        // `let mut slot = None;` says nothing of what goes in.
                        ty = Ty::named("Option", vec![new.ty.clone()]);
                        self.owns_after_all(id, &ty, span);
                    }
                    self.store(place.clone(), new, span);
                }
                if name == "replace" {
                    return old;
                }
                self.dispose(old, span);
                self.reference(place, ty.first_arg())
            }
            "as_ref" | "as_mut" | "as_deref" | "as_deref_mut" | "iter" | "iter_mut" | "get_ref"
            | "get_mut" => self.payload_reference(place, &ty),
            "is_some" | "is_ok" => self.asked(&ty, &place, false, span),
            "is_none" | "is_err" => self.asked(&ty, &place, true, span),
            "clone" => Value::of(Expr::Read(place), if self.ends(&ty) { Ty::Unknown } else { ty }),
            _ => {
                for arg in args {
                    match arg {
                        Syntax::Closure(closure) => {
                            let payload = self.reference(place.clone(), ty.first_arg());
                            let value = self.run_closure(closure, vec![payload], false);
                            self.dispose(value, span);
                        }
                        other => {
                            let value = self.value(other);
                            self.hand_on(value, span);
                        }
                    }
                }
                Value::unknown(Ty::Unknown)
            }
        }
    }

    /// `option.as_ref()`
    fn payload_reference(&mut self, place: Place, ty: &Ty) -> Value {
        let payload = ty.first_arg();
        if let Some((Wrapper::Pointer, inner)) = self.behind(&payload) {
            // The payload's value lies where the option does.
            return Value::of(Expr::Read(place), Ty::named("Option", vec![Ty::Pointer(Box::new(inner))]));
        }
        let ty = Ty::named("Maybe", vec![Ty::Pointer(Box::new(payload))]);
        Value::of(address_of(place), ty)
    }

    /// `option.is_some()`
    fn asked(&mut self, ty: &Ty, place: &Place, negated: bool, span: Span) -> Value {
        let bool = Ty::named("bool", Vec::new());
        let value = match self.is_good(ty, place) {
            Predicate::Holds(expr) => Value::of(if negated { expr.negated() } else { expr }, bool),
            _ => Value::unknown(bool),
        };
        self.hold(value, span)
    }

    /// A method that takes the wrapper by value, or is called on one that has no name.
    pub(super) fn wrapper_method(&mut self, value: Value, name: &str, args: &[&Syntax], span: Span) -> Value {
        let payload = value.ty.first_arg();
        match name {
            "unwrap" | "expect" | "unwrap_unchecked" => {
                self.evaluate_all(args, span);
                self.unwrapped(value, payload, span)
            }
            "into_inner" | "get_mut" | "get_ref" if self.guard_of(&value.ty).is_some() => {
                value.typed(payload)
            }
            "into_inner" | "unwrap_or_default" | "unwrap_err" | "expect_err" | "into_ok" => {
                let value = self.only_if_good(value, span);
                value.typed(payload)
            }
            "ok" => {
                let ty = Ty::named(if self.is_poison(&value) { "Maybe" } else { "Option" }, vec![payload]);
                if self.is_poison(&value) || self.guard_of(&ty).is_some() {
                    return value.typed(ty);
                }
                Value::unknown(ty)
            }
            "err" => {
                self.dispose(value, span);
                Value::unknown(Ty::named("Option", Vec::new()))
            }
            "ok_or" | "ok_or_else" | "context" | "with_context" | "map_err" | "or_else" | "inspect"
            | "inspect_err" => {
                self.run_or_evaluate(args, None, span);
                let ty = Ty::named("Result", vec![payload]);
                if self.guard_of(&value.ty).is_some() {
                    let ty = if self.is_poison(&value) {
                        Ty::named("PoisonResult", vec![value.ty.first_arg()])
                    } else {
                        ty
                    };
                    return value.typed(ty);
                }
                Value::unknown(ty)
            }
            "unwrap_or_else" | "unwrap_or" => self.unwrapped_or_else(value, payload, args, span),
            "map" | "and_then" | "map_or" | "map_or_else" | "is_some_and" | "is_ok_and" | "then" => {
                self.mapped(value, name, args, span)
            }
            "as_ref" | "as_mut" | "as_deref" | "as_deref_mut" | "iter" | "copied" | "cloned" => {
                if self.ends(&value.ty) {
                    let ty = value.ty.clone();
                    let place = self.keep(value, span);
                    return self.payload_reference(place, &ty);
                }
                let inner = match payload {
                    Ty::Pointer(inner) if name == "cloned" || name == "copied" => *inner,
                    other => other,
                };
                let ty = Ty::named("Option", vec![inner]);
                value.typed(ty)
            }
            "is_some" | "is_ok" | "is_none" | "is_err" => {
                let ty = value.ty.clone();
                let place = self.keep(value, span);
                self.asked(&ty, &place, matches!(name, "is_none" | "is_err"), span)
            }
            // A method of the tree's own, on the result of taking a lock: `m.lock().or_panic()`.
            _ if self.is_poison(&value) && self.guard_of(&value.ty).is_some() && args.is_empty() => {
                value.typed(payload)
            }
            _ => {
                let ty = value.ty.clone();
                let place = self.keep(value, span);
                let mut arguments = self.closures_or_arguments(name, args);
                let receiver = self.reference(place, ty.clone()).expr;
                arguments.values.insert(0, Value::of(receiver, Ty::Unknown));
                arguments.spelled.insert(0, Name::default());
                let ty = if matches!(name, "or" | "xor" | "flatten") && !self.ends(&ty) {
                    ty
                } else {
                    Ty::Unknown
                };
                self.call_declared(&Name::new(name), arguments, ty, span)
            }
        }
    }

    fn is_poison(&self, value: &Value) -> bool {
        value.ty.path().is_some_and(|path| path == "PoisonResult" || path == "Maybe")
    }

    fn evaluate_all(&mut self, args: &[&Syntax], span: Span) {
        for arg in args {
            let value = self.value(arg);
            self.hand_on(value, span);
        }
    }

    /// The payload, on the way on which there is one; on the other the thread panics.
    fn unwrapped(&mut self, value: Value, payload: Ty, span: Span) -> Value {
        if self.is_poison(&value) || self.guard_of(&value.ty).is_none() {
            return value.typed(payload);
        }
        let value = self.hold(value, span);
        let (good, bad) = (self.new_block(), self.new_block());
        self.builder.branch(Predicate::Holds(value.expr.clone()), good, bad, span);
        self.builder.switch_to(bad);
        self.builder.unreachable(span);
        self.builder.switch_to(good);
        value.typed(payload)
    }

    fn only_if_good(&mut self, value: Value, span: Span) -> Value {
        if self.guard_of(&value.ty).is_some() {
            self.dispose(value, span);
            return Value::unknown(Ty::Unknown);
        }
        value
    }

    /// `unwrap_or_else(|e| e.into_inner())`: a poisoned lock's guard comes out either way.
    fn unwrapped_or_else(&mut self, value: Value, payload: Ty, args: &[&Syntax], span: Span) -> Value {
        if self.is_poison(&value) && self.guard_of(&value.ty).is_some() {
            return value.typed(payload);
        }
        if self.guard_of(&value.ty).is_none() {
            let made = self.run_or_evaluate(args, None, span);
            let ty = payload.or(made.map(|value| value.ty).unwrap_or_default());
            return if types::is_option(value.ty.path().map_or("", |path| path)) {
                // Perhaps what was there, perhaps another.
                Value::unknown(ty)
            } else {
                value.typed(ty)
            };
        }
        let place = self.temporary(payload.clone(), span);
        let value = self.hold(value, span);
        let (good, bad, join) = (self.new_block(), self.new_block(), self.new_block());
        self.builder.branch(Predicate::Holds(value.expr.clone()), good, bad, span);
        self.builder.switch_to(bad);
        let mut other = None;
        for arg in args {
            other = Some(match arg {
                Syntax::Closure(closure) => self.run_closure(closure, Vec::new(), true),
                arg => self.value(arg),
            });
        }
        if let Some(other) = other
            && !self.builder.is_terminated()
        {
            self.store(place.clone(), other, span);
        }
        self.goto(join, span);
        self.builder.switch_to(good);
        self.builder.assign(place.clone(), value.expr, span);
        self.builder.goto(join, span);
        self.builder.switch_to(join);
        Value { made: value.made, ..Value::of(Expr::Read(place), payload) }
    }

    /// Runs closures among arguments with a payload, evaluates the others.
    fn run_or_evaluate(&mut self, args: &[&Syntax], payload: Option<Value>, span: Span) -> Option<Value> {
        let mut last = None;
        for arg in args {
            let value = match arg {
                Syntax::Closure(closure) => {
                    self.run_closure(closure, payload.clone().into_iter().collect(), false)
                }
                other => self.value(other),
            };
            let ty = value.ty.clone();
            if self.ends(&ty) {
                self.dispose(value, span);
                last = Some(Value::unknown(Ty::Unknown));
            } else {
                last = Some(value);
            }
        }
        last
    }

    /// `option.map(|x| …)`
    fn mapped(&mut self, value: Value, name: &str, args: &[&Syntax], span: Span) -> Value {
        let payload = value.ty.first_arg();
        let wrapper = value.ty.path().cloned().unwrap_or_default();
        let [Syntax::Closure(closure)] = args else {
            self.dispose(value, span);
            self.run_or_evaluate(args, Some(Value::unknown(payload)), span);
            return Value::unknown(Ty::Unknown);
        };
        let holds_guard = self.guard_of(&value.ty).is_some();
        let poison = self.is_poison(&value);
        let value = self.hold(value, span);
        let (inside, outside, join) = (self.new_block(), self.new_block(), self.new_block());
        let result = self.temporary(Ty::Unknown, span);
        let predicate =
            if holds_guard && !poison { Predicate::Holds(value.expr.clone()) } else { Predicate::Either };
        self.builder.branch(predicate, inside, outside, span);
        self.builder.switch_to(outside);
        if poison && holds_guard {
            let lost = value.clone();
            self.dispose(lost, span);
        }
        self.builder.assign(result.clone(), Expr::Null, span);
        self.builder.goto(join, span);
        self.builder.switch_to(inside);
        let given = if holds_guard || matches!(payload, Ty::Pointer(_)) {
            value.typed(payload)
        } else {
            Value::unknown(payload)
        };
        let made = self.run_closure(closure, vec![given], true);
        let ty = made.ty.clone();
        if !self.builder.is_terminated() {
            self.store(result.clone(), made, span);
            self.builder.goto(join, span);
        }
        self.builder.switch_to(join);
        let ty = match name {
            "map" => Ty::named(if wrapper == "PoisonResult" { "Result" } else { &wrapper }, vec![ty]),
            "and_then" => ty,
            _ => Ty::Unknown,
        };
        if self.ends(&ty) { Value::of(Expr::Read(result), ty) } else { Value::unknown(ty) }
    }
}
