//! Method calls: the receiver's type tells what is called; `Option` and `Result` are the language's own.

use super::Lowerer;
use super::call::Arguments;
use super::object::{STEP_LIMIT, address_of, element_of};
use super::value::Value;
use crate::frontend::rust::types::{self, Ty, last_word};
use crate::ir::environment::Wrapper;
use crate::ir::{Expr, Name, Place};
use crate::source::Span;
use syn::Expr as Syntax;

/// Methods that give a reference to what they are called on, or to what it holds.
const BORROWS: [&str; 13] = [
    "as_ref",
    "as_mut",
    "as_deref",
    "as_deref_mut",
    "borrow",
    "borrow_mut",
    "by_ref",
    "deref",
    "deref_mut",
    "get_ref",
    "as_ptr",
    "as_pin_mut",
    "get_mut",
];
/// Methods that give the items of a collection one by one.
const ITERATES: [&str; 8] =
    ["iter", "iter_mut", "into_iter", "values", "values_mut", "into_values", "drain", "chunks"];
/// Methods of iterators that give an iterator over the same items.
const ADAPTS: [&str; 14] = [
    "rev",
    "skip",
    "take",
    "filter",
    "skip_while",
    "take_while",
    "step_by",
    "peekable",
    "fuse",
    "inspect",
    "chain",
    "cycle",
    "by_ref",
    "into_iter",
];
/// Methods that give one item, perhaps.
const PICKS: [&str; 15] = [
    "get",
    "get_mut",
    "first",
    "last",
    "first_mut",
    "last_mut",
    "next",
    "next_back",
    "pop",
    "pop_front",
    "pop_back",
    "remove",
    "peek",
    "find",
    "nth",
];

impl Lowerer<'_> {
    pub(super) fn method_value(&mut self, call: &syn::ExprMethodCall) -> Value {
        let span = self.span_of(call);
        let name = call.method.to_string();
        let args: Vec<&Syntax> = call.args.iter().collect();
        let spelled = self.written(&*call.receiver);
        if !Self::is_place(&call.receiver) {
            let value = self.value(&call.receiver);
            if self.builder.is_terminated() {
                return Value::never();
            }
            if is_wrapper(&value.ty) {
                return self.wrapper_method(value, &name, &args, span);
            }
            let receiver_span = self.span_of(&*call.receiver);
            if self.consumes(&value.ty, &name) {
                return self.consume(value, &name, spelled, &args, span);
            }
            let ty = value.ty.clone();
            let place = self.keep(value, receiver_span);
            return self.method_of(place, ty, &name, spelled, &args, span);
        }
        let (place, ty) = self.place(&call.receiver);
        if let Some((place, ty)) = self.wrapper_place(&place, &ty) {
            return self.wrapper_place_method(place, ty, &name, &args, span);
        }
        if self.consumes(&ty, &name) {
            let value = self.take(place, ty, span);
            return self.consume(value, &name, spelled, &args, span);
        }
        self.method_of(place, ty, &name, spelled, &args, span)
    }

    /// Whether a method of a guard type takes the guard by value: `guard.downgrade()`.
    fn consumes(&self, ty: &Ty, name: &str) -> bool {
        let Some(path) = ty.path().filter(|path| self.env.ends_with_a_call(path)) else { return false };
        self.env.signature(&format!("{path}::{name}")).is_some_and(|signature| !signature.around)
    }

    fn consume(&mut self, value: Value, name: &str, spelled: Name, args: &[&Syntax], span: Span) -> Value {
        let known = Name::new(format!("{}::{name}", value.ty.path().map_or("", |path| path)));
        let mut arguments = self.arguments(args);
        arguments.values.insert(0, value);
        arguments.spelled.insert(0, spelled);
        self.call_known(&known, arguments, args, span)
    }

    /// The `Option` or `Result` that a place is, or refers to.
    fn wrapper_place(&self, place: &Place, ty: &Ty) -> Option<(Place, Ty)> {
        let (mut place, mut ty) = (place.clone(), ty.clone());
        while let Ty::Pointer(_) = ty {
            (place, ty) = self.step(&place, &ty)?;
        }
        is_wrapper(&ty).then_some((place, ty))
    }

    /// Finds the method on the type of the receiver, or on what that stands for.
    fn method_of(
        &mut self,
        place: Place,
        ty: Ty,
        name: &str,
        spelled: Name,
        args: &[&Syntax],
        span: Span,
    ) -> Value {
        if name == "clone" && args.is_empty() {
            return self.clone_of(place, ty, span);
        }
        let (mut at, mut of) = (place.clone(), ty.clone());
        for _ in 0..STEP_LIMIT {
            if let Some(callee) = self.method_on(&of, name) {
                return self.call_method(&callee, at, &of, spelled, args, span);
            }
            if let Some(value) = self.collection_method(&at, &of, name, args, span) {
                return value;
            }
            match self.step(&at, &of) {
                Some((next, inner)) => (at, of) = (next, inner),
                None => break,
            }
        }
        if BORROWS.contains(&name) && args.is_empty() {
            // What a guard gives access to is not the guard.
            let is_guard = ty.path().is_some_and(|path| self.env.ends_with_a_call(path));
            let (place, ty) =
                if is_guard { self.step(&place, &ty).unwrap_or((place, ty)) } else { (place, ty) };
            return self.reference(place, ty);
        }
        self.note_unknown(&of, name, args, span);
        self.method_unknown(place, ty, name, spelled, args, span)
    }

    /// The method under the name that something is known of it.
    fn method_on(&self, ty: &Ty, name: &str) -> Option<Name> {
        let known = |owner: &str| {
            let full = Name::new(format!("{owner}::{name}"));
            let told = self.env.signature(&full).is_some() || self.env.knows_call(&full);
            let short = Name::new(format!("{}::{name}", last_word(owner)));
            let declared = || !self.env.declared(&format!("{short}()")).is_empty();
            if told {
                Some(full)
            } else if !owner.starts_with("std::") && declared() {
                Some(short)
            } else {
                None
            }
        };
        match ty {
            Ty::Named(path, _) => known(path),
            Ty::Bounded(paths) => paths.iter().find_map(|path| known(path)),
            _ => None,
        }
    }

    fn call_method(
        &mut self,
        callee: &Name,
        place: Place,
        ty: &Ty,
        spelled: Name,
        args: &[&Syntax],
        span: Span,
    ) -> Value {
        let receiver = Value::of(address_of(place), Ty::Pointer(Box::new(ty.clone())));
        let receiver = self.hold(receiver, span);
        let mut arguments = self.closures_or_arguments(last_word(callee), args);
        arguments.values.insert(0, receiver);
        if self.env.signature(callee).is_some() || self.env.knows_call(callee) {
            arguments.spelled.insert(0, spelled);
            return self.call_known(callee, arguments, args, span);
        }
        arguments.spelled.insert(0, Name::new(format!("&{spelled}")));
        if self.env.declared(&format!("{callee}()")).len() > 1 {
            // Several types of one name: whether this one is a lock, nobody tells.
            self.note_unknown(&Ty::Unknown, last_word(callee), args, span);
        }
        let result = self.result_type(callee, ty);
        self.call_declared(callee, arguments, result, span)
    }

    /// A method of which nothing is known.
    fn method_unknown(
        &mut self,
        place: Place,
        ty: Ty,
        name: &str,
        spelled: Name,
        args: &[&Syntax],
        span: Span,
    ) -> Value {
        let receiver = self.reference(place, ty);
        let mut arguments = self.closures_or_arguments(name, args);
        arguments.values.insert(0, receiver);
        arguments.spelled.insert(0, spelled);
        self.call_declared(&Name::new(name), arguments, Ty::Unknown, span)
    }

    /// What would mean something on some type is called on a type that nobody told.
    fn note_unknown(&mut self, ty: &Ty, name: &str, args: &[&Syntax], span: Span) {
        let told = match ty {
            Ty::Unknown => false,
            Ty::Bounded(paths) => !paths.is_empty(),
            _ => true,
        };
        if !told && args.is_empty() && self.env.is_telling_method(&format!(".{name}")) {
            self.builder.degrade(crate::ir::UNKNOWN_RECEIVER, span);
        }
    }

    /// Arguments, with closures lowered in place where the method runs them.
    pub(super) fn closures_or_arguments(&mut self, name: &str, args: &[&Syntax]) -> Arguments {
        let runs = self.env.runs_closure(name);
        let mut arguments = Arguments { values: Vec::new(), spelled: Vec::new(), lent: Vec::new() };
        for arg in args {
            match arg {
                Syntax::Closure(closure) if runs && closure.asyncness.is_none() => {
                    let value = self.run_closure(closure, Vec::new(), false);
                    let span = self.span_of(closure);
                    self.dispose(value, span);
                    arguments.values.push(Value::unknown(Ty::Unknown));
                    arguments.spelled.push(Name::default());
                }
                other => {
                    let mut one = self.arguments(std::slice::from_ref(other));
                    arguments.values.append(&mut one.values);
                    arguments.spelled.append(&mut one.spelled);
                    arguments.lent.append(&mut one.lent);
                }
            }
        }
        arguments
    }

    /// A copy of a smart pointer points to the same object.
    fn clone_of(&mut self, place: Place, ty: Ty, _span: Span) -> Value {
        let (mut at, mut of) = (place, ty);
        while let (Ty::Pointer(_), Some(next)) = (&of, self.step(&at, &of)) {
            (at, of) = next;
        }
        if of.path().and_then(|path| self.env.wrapper(path)) == Some(Wrapper::Pointer) {
            return Value::of(Expr::Read(at), of);
        }
        if self.ends(&of) { Value::unknown(Ty::Unknown) } else { Value::unknown(of) }
    }

    /// What iterating over a collection, or picking from it, gives.
    fn collection_method(
        &mut self,
        place: &Place,
        ty: &Ty,
        name: &str,
        args: &[&Syntax],
        span: Span,
    ) -> Option<Value> {
        let is_iterator = ty.path().is_some_and(|path| path == "Iter");
        let item = element_of(ty)?;
        let reference = |item: Ty| if is_iterator { item } else { Ty::Pointer(Box::new(item)) };
        let gives = match name {
            "iter" | "iter_mut" | "into_iter" if !is_iterator => {
                let pair = self.item_of(&Ty::Pointer(Box::new(ty.clone())));
                Ty::named("Iter", vec![pair])
            }
            name if ITERATES.contains(&name) => Ty::named("Iter", vec![reference(item)]),
            "cloned" | "copied" if is_iterator => match item {
                Ty::Pointer(inner) => Ty::named("Iter", vec![*inner]),
                item => Ty::named("Iter", vec![item]),
            },
            "enumerate" if is_iterator => {
                Ty::named("Iter", vec![Ty::Tuple(vec![Ty::named("usize", Vec::new()), item])])
            }
            name if is_iterator && ADAPTS.contains(&name) => ty.clone(),
            "collect" if is_iterator => Ty::named("Vec", vec![item]),
            name if PICKS.contains(&name) => Ty::named("Option", vec![reference(item)]),
            "for_each" | "map" | "any" | "all" | "filter_map" | "flat_map" if is_iterator => {
                return self.iterate(name, item, args, span);
            }
            _ => return None,
        };
        let mut arguments = self.closures_or_arguments(name, args);
        arguments.values.insert(0, Value::of(address_of(place.clone()), Ty::Unknown));
        arguments.spelled.insert(0, Name::default());
        Some(self.call_declared(&Name::new(name), arguments, gives, span))
    }

    /// A closure that runs for the items of an iterator.
    fn iterate(&mut self, name: &str, item: Ty, args: &[&Syntax], span: Span) -> Option<Value> {
        let [Syntax::Closure(closure)] = args else { return None };
        let value = self.run_closure(closure, vec![Value::unknown(item)], false);
        let ty = value.ty.clone();
        if self.ends(&ty) {
            self.hand_on(value, span);
        }
        Some(match name {
            "map" => Value::unknown(Ty::named("Iter", vec![ty])),
            "filter_map" | "flat_map" => Value::unknown(Ty::named("Iter", vec![ty.first_arg()])),
            _ => Value::unknown(Ty::named("bool", Vec::new())),
        })
    }
}

/// Whether a type is one of the language's wrappers, whose methods are known here.
fn is_wrapper(ty: &Ty) -> bool {
    let Some(path) = ty.path() else { return false };
    types::is_option(path)
        || types::is_result(path)
        || matches!(path.as_str(), "Maybe" | "PoisonError" | "std::sync::PoisonError")
}
