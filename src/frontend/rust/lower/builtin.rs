//! Functions and constructors that the language itself knows.

use super::Lowerer;
use super::value::Value;
use crate::frontend::rust::types::{Ty, last_word};
use crate::ir::environment::Wrapper;
use crate::ir::{Expr, Name};
use crate::source::Span;
use syn::Expr as Syntax;

impl Lowerer<'_> {
    /// `drop`, `forget`, `Some`, `Arc::clone` and their kind.
    pub(super) fn call_of_the_language(
        &mut self,
        full: &Name,
        name: &str,
        path: &syn::Path,
        args: &[&Syntax],
        span: Span,
    ) -> Option<Value> {
        let single = path.segments.len() == 1;
        let foreign = full.starts_with("std::");
        let [first, rest @ ..] = args else { return None };
        match (name, single || foreign) {
            ("drop", true) if !self.is_declared("drop") => {
                let value = self.value(first);
                self.dispose(value, span);
                Some(Value::unit())
            }
            ("forget", true) if foreign => {
                let value = self.value(first);
                if let Some(guard) = self.guard_of(&value.ty) {
                    self.guard_call(&guard, "forget", value.expr, span);
                }
                Some(Value::unit())
            }
            ("Some" | "Ok", true) => {
                let value = self.value(first);
                let wrapper = if name == "Some" { "Option" } else { "Result" };
                let ty = Ty::named(wrapper, vec![value.ty.clone()]);
                let value = self.told_by_its_guard(value, span);
                Some(self.wrapped(value, ty, if name == "Some" { 1 } else { 0 }))
            }
            ("Err", true) => {
                let value = self.value(first);
                self.hand_on(value, span);
                Some(Value::of(Expr::Int(-1), Ty::named("Result", Vec::new())))
            }
            ("take" | "replace", _) if foreign && full.starts_with("std::mem::") => match first {
                Syntax::Reference(reference) => Some(self.replaced(&reference.expr, rest, span)),
                _ => None,
            },
            ("new" | "from" | "pin", false) | ("new" | "from" | "pin", true) => self.wrap(full, first, span),
            ("clone", _) => self.cloned_pointer(full, first),
            _ => None,
        }
    }

    /// A tuple as a whole stands for the one guard among its parts.
    fn told_by_its_guard(&mut self, value: Value, span: Span) -> Value {
        let Ty::Tuple(items) = value.ty.clone() else { return value };
        let Some(at) = items.iter().position(|item| self.guard_of(item).is_some()) else { return value };
        let guard = self.part(&value, at, items[at].clone(), span);
        Value { expr: guard.expr, parts: None, made: guard.made, ..value }
    }

    fn is_declared(&self, function: &str) -> bool {
        !self.env.declared(&format!("{function}()")).is_empty()
    }

    /// The payload of `Some` and `Ok` lies in the same place; of what is not followed, only the variant is known.
    fn wrapped(&self, value: Value, ty: Ty, variant: i64) -> Value {
        let followed = self.ends(&value.ty)
            || variant == 1 && matches!(self.behind(&value.ty), Some((Wrapper::Pointer, _)));
        if followed || value.parts.is_some() {
            return value.typed(ty);
        }
        Value::of(Expr::Int(variant), ty)
    }

    /// `mem::take(&mut x)`, `mem::replace(&mut x, y)`
    fn replaced(&mut self, target: &Syntax, rest: &[&Syntax], span: Span) -> Value {
        let (mut place, mut ty) = self.place(target);
        if let (Ty::Pointer(_), Some(behind)) = (&ty, self.step(&place, &ty)) {
            (place, ty) = behind;
        }
        let new = rest.first().map(|value| self.value(value));
        let old = self.take(place.clone(), ty, span);
        let old = self.hold(old, span);
        match new {
            Some(new) => self.store(place, new, span),
            None => self.builder.assign(place, Expr::Null, span),
        }
        old
    }

    /// `Box::new(guard)` stands for the guard; `ManuallyDrop::new(guard)` never ends it.
    fn wrap(&mut self, full: &Name, first: &Syntax, span: Span) -> Option<Value> {
        let owner = full.rsplit_once("::")?.0;
        let pointer = self.env.wrapper(owner);
        let manual = last_word(owner) == "ManuallyDrop";
        if pointer.is_none() && !manual {
            return None;
        }
        let value = self.value(first);
        let ty = Ty::named(owner, vec![value.ty.clone()]);
        match self.guard_of(&value.ty) {
            Some(guard) if manual => {
                self.guard_call(&guard, "forget", value.expr, span);
                Some(Value::unknown(Ty::Unknown))
            }
            Some(_) if self.guard_of(&ty).is_some() => Some(value.typed(ty)),
            Some(_) => {
                self.hand_on(value, span);
                Some(Value::unknown(ty))
            }
            // A new object in a new place.
            None => {
                let place = crate::ir::Place::local(self.new_local(
                    "",
                    crate::ir::LocalKind::Variable,
                    ty.clone(),
                    span,
                ));
                self.builder.assign(place.clone(), Expr::Unknown, span);
                Some(Value::of(Expr::Read(place), ty))
            }
        }
    }

    /// `Arc::clone(&x)`
    fn cloned_pointer(&mut self, full: &Name, first: &Syntax) -> Option<Value> {
        let owner = full.rsplit_once("::")?.0;
        if self.env.wrapper(owner) != Some(Wrapper::Pointer) {
            return None;
        }
        let value = self.value(first);
        let ty = match &value.ty {
            Ty::Pointer(inner) => Ty::named(owner, vec![(**inner).clone()]),
            other => other.clone(),
        };
        Some(value.typed(ty))
    }

    /// A tuple record or a variant.
    pub(super) fn construct(&mut self, full: &Name, name: &str, args: &[&Syntax], span: Span) -> Value {
        let owner = full.rsplit_once("::").map(|(owner, _)| owner);
        let variant = owner.is_some_and(|owner| last_word(owner).starts_with(char::is_uppercase));
        let ty = match owner {
            Some(owner) if variant => self.settle(Ty::named(owner, Vec::new())),
            _ => self.settle(Ty::Named(full.clone(), Vec::new())),
        };
        let stands_for_guard = !variant && self.guard_of(&ty).is_some();
        let place = self.temporary(ty.clone(), span);
        let mut guard = None;
        for (at, arg) in args.iter().enumerate() {
            let value = self.value(arg);
            if stands_for_guard && self.guard_of(&value.ty).is_some() {
                guard = Some(value);
            } else if self.ends(&value.ty) {
                self.hand_on(value, span);
            } else if !variant {
                self.store(place.clone().field(at.to_string()), value, span);
            }
        }
        match guard {
            Some(guard) => Value { made: guard.made, ..Value::of(guard.expr, ty) },
            None if variant => Value::of(Expr::Const(name.into()), ty),
            None => Value::of(Expr::Read(place), ty),
        }
    }
}
