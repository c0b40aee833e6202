//! Values, and what becomes of them: every value that ends with a call has one owner.

use super::Lowerer;
use crate::frontend::rust::types::Ty;
use crate::ir::{Callee, Expr, Name, Place, Remark, StatementKind};
use crate::source::Span;

/// A value that whoever receives it owns.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// The value.
    pub expr: Expr,
    /// Its type.
    pub ty: Ty,
    /// The call that made the guard in it.
    pub made: Option<Span>,
    /// What happens when it is awaited.
    pub pending: Option<Box<Pending>>,
    /// A tuple whose parts lie in the members of this place.
    pub parts: Option<Place>,
}

/// A call that runs when its future is awaited.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub callee: Callee,
    pub args: Vec<Expr>,
    pub spelled: Vec<Name>,
    /// What it gives.
    pub output: Ty,
    /// The value that the result stands for.
    pub carried: Option<Expr>,
    /// The guard that the call was given: it ends with the future if that never runs.
    pub guard: Option<Name>,
    pub span: Span,
}

impl Value {
    /// A plain value.
    pub fn of(expr: Expr, ty: Ty) -> Self {
        Value { expr, ty, made: None, pending: None, parts: None }
    }

    /// Of which nothing is known but its type.
    pub fn unknown(ty: Ty) -> Self {
        Value::of(Expr::Unknown, ty)
    }

    /// `()`
    pub fn unit() -> Self {
        Value::of(Expr::Int(0), Ty::unit())
    }

    /// Control does not come here.
    pub fn never() -> Self {
        Value::of(Expr::Unknown, Ty::Never)
    }

    /// The same value as another type.
    pub fn typed(self, ty: Ty) -> Self {
        Value { ty, ..self }
    }
}

impl Lowerer<'_> {
    /// Takes the value out of a place; what is left behind ends without a call.
    pub(super) fn take(&mut self, place: Place, ty: Ty, span: Span) -> Value {
        if let Ty::Tuple(_) = ty {
            let expr = Expr::Read(place.clone());
            return Value { parts: Some(place), ..Value::of(expr, ty) };
        }
        if !self.ends(&ty) {
            return Value::of(Expr::Read(place), ty);
        }
        let held = self.temporary(ty.clone(), span);
        self.builder.assign(held.clone(), Expr::Read(place.clone()), span);
        self.builder.assign(place, Expr::Null, span);
        Value::of(Expr::Read(held), ty)
    }

    /// Puts a value into a place that is new or whose old value has ended.
    pub(super) fn store(&mut self, place: Place, value: Value, span: Span) {
        let Ty::Tuple(items) = &value.ty else {
            return self.builder.assign(place, value.expr, span);
        };
        if items.is_empty() {
            return;
        }
        let items = items.clone();
        for (at, item) in items.into_iter().enumerate() {
            let part = self.part(&value, at, item, span);
            self.store(place.clone().field(at.to_string()), part, span);
        }
    }

    /// One of the parts of a tuple. What a call gave as a whole stands for the guard among the parts.
    pub(super) fn part(&mut self, whole: &Value, at: usize, ty: Ty, span: Span) -> Value {
        match &whole.parts {
            Some(place) => self.take(place.clone().field(at.to_string()), ty, span),
            None if self.ends(&ty) => Value { made: whole.made, ..Value::of(whole.expr.clone(), ty) },
            None => Value::unknown(ty),
        }
    }

    /// Keeps a value that nobody names to the end of the temporaries around it.
    pub(super) fn keep(&mut self, value: Value, span: Span) -> Place {
        if self.in_scrutinee
            && let Some(made) = value.made
        {
            self.builder.remark(made, Remark::Scrutinee);
        }
        let place = self.temporary(value.ty.clone(), span);
        let ty = value.ty.clone();
        self.store(place.clone(), value, span);
        self.keeps(place.clone(), &ty, span);
        place
    }

    /// Ends a value at once.
    pub(super) fn dispose(&mut self, value: Value, span: Span) {
        if let Some(Pending { guard: Some(guard), carried: Some(carried), .. }) = value.pending.as_deref() {
            return self.end_of(guard, carried.clone(), span);
        }
        if let Ty::Tuple(items) = &value.ty {
            for (at, item) in items.clone().into_iter().enumerate().rev() {
                let part = self.part(&value, at, item, span);
                self.dispose(part, span);
            }
        } else if let Some(guard) = self.guard_of(&value.ty) {
            self.end_of(&guard, value.expr, span);
        }
    }

    /// Ends a value at once that nobody has looked at.
    pub(super) fn discard(&mut self, value: Value, span: Span) {
        if let Some(made) = value.made.filter(|_| self.guard_of(&value.ty).is_some()) {
            self.builder.remark(made, Remark::Discarded);
        }
        self.dispose(value, span);
    }

    /// Hands a value on to somebody out of sight.
    pub(super) fn hand_on(&mut self, value: Value, span: Span) {
        if let Some(Pending { guard: Some(guard), carried: Some(carried), .. }) = value.pending.as_deref() {
            return self.guard_call(guard, "moved", carried.clone(), span);
        }
        if let Ty::Tuple(items) = &value.ty {
            for (at, item) in items.clone().into_iter().enumerate() {
                let part = self.part(&value, at, item, span);
                self.hand_on(part, span);
            }
        } else if let Some(guard) = self.guard_of(&value.ty) {
            self.guard_call(&guard, "moved", value.expr, span);
        }
    }

    /// Calls something; the result goes into a temporary.
    pub(super) fn call_for(
        &mut self,
        callee: Callee,
        args: Vec<Expr>,
        spelled: Vec<Name>,
        ty: Ty,
        span: Span,
    ) -> Value {
        let place = self.temporary(ty.clone(), span);
        let kind = StatementKind::Call { place: Some(place.clone()), callee, args, spelled };
        self.builder.push(kind, span);
        if ty == Ty::Never {
            self.builder.unreachable(span);
        }
        Value::of(Expr::Read(place), ty)
    }

    /// Takes a value through a place of its own, so that later writes do not change it.
    pub(super) fn hold(&mut self, value: Value, span: Span) -> Value {
        let stable = matches!(
            &value.expr,
            Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) | Expr::Unknown | Expr::AddressOf(_)
        );
        if stable || value.parts.is_some() {
            return value;
        }
        let place = self.temporary(value.ty.clone(), span);
        self.builder.assign(place.clone(), value.expr, span);
        Value { expr: Expr::Read(place), ..value }
    }
}
