//! Places: what a path, a member or a dereference denotes. References and smart pointers are followed as far as needed.

use super::Lowerer;
use super::value::Value;
use crate::frontend::rust::types::{self, Ty, last_word};
use crate::ir::environment::Wrapper;
use crate::ir::{Expr, Place, Projection};
use syn::Expr as Syntax;

/// Dereferences followed to find a member or method.
pub(super) const STEP_LIMIT: usize = 8;
/// The member under which a guard keeps what its lock protects.
const DATA: &str = "(data)";
/// The member behind a `Deref` that the tree implements.
const TARGET: &str = "(target)";

impl Lowerer<'_> {
    /// The place that an expression denotes; a value is kept in one.
    pub(super) fn place(&mut self, expr: &Syntax) -> (Place, Ty) {
        match expr {
            Syntax::Paren(paren) => self.place(&paren.expr),
            Syntax::Group(group) => self.place(&group.expr),
            Syntax::Path(path) if path.qself.is_none() => self.path_place(&path.path),
            Syntax::Field(field) => self.field(field),
            Syntax::Index(index) => self.element(index),
            Syntax::Unary(syn::ExprUnary { op: syn::UnOp::Deref(_), expr, .. }) => {
                let (place, ty) = self.place(expr);
                self.step(&place, &ty).unwrap_or_else(|| (place.deref(), Ty::Unknown))
            }
            _ => {
                let span = self.span_of(expr);
                let value = self.value(expr);
                let ty = value.ty.clone();
                (self.keep(value, span), ty)
            }
        }
    }

    /// Whether an expression denotes a place rather than makes a value.
    pub(super) fn is_place(expr: &Syntax) -> bool {
        match expr {
            Syntax::Paren(paren) => Self::is_place(&paren.expr),
            Syntax::Group(group) => Self::is_place(&group.expr),
            Syntax::Path(_) | Syntax::Field(_) | Syntax::Index(_) => true,
            Syntax::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)),
            _ => false,
        }
    }

    fn path_place(&mut self, path: &syn::Path) -> (Place, Ty) {
        if let Some(ident) = path.get_ident() {
            let name = ident.to_string();
            if let Some(id) = self.resolve(&name) {
                return (Place::local(id), self.types[id.0 as usize].clone());
            }
        }
        let full = self.names.full(path);
        let word = last_word(&full);
        let ty = match self.env.declared(word) {
            [text] => self.parse_type(text),
            _ => Ty::Unknown,
        };
        let upper = word.chars().all(|c| !c.is_lowercase());
        (Place::global(if upper { word.into() } else { full.clone() }), ty)
    }

    fn field(&mut self, field: &syn::ExprField) -> (Place, Ty) {
        let member = match &field.member {
            syn::Member::Named(ident) => ident.to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        };
        let (place, ty) = self.place(&field.base);
        self.member(place, ty, &member)
    }

    /// Member `name` of what lies at `place`, or of what that stands for.
    pub(super) fn member(&mut self, place: Place, ty: Ty, name: &str) -> (Place, Ty) {
        let (mut at, mut of) = (place.clone(), ty.clone());
        for _ in 0..STEP_LIMIT {
            if let Some(found) = self.own_member(&at, &of, name) {
                return found;
            }
            match self.step(&at, &of) {
                Some((next, inner)) => (at, of) = (next, inner),
                None => break,
            }
        }
        // Of what is not known as far as a record, the member is one of what was reached.
        (at.field(name), Ty::Unknown)
    }

    fn own_member(&self, place: &Place, ty: &Ty, name: &str) -> Option<(Place, Ty)> {
        match ty {
            Ty::Tuple(items) => {
                let item = items.get(name.parse::<usize>().ok()?)?;
                Some((place.clone().field(name), item.clone()))
            }
            Ty::Named(path, args) => {
                let [text] = self.env.declared(&format!("{path}.{name}")) else { return None };
                let member = self.instance(types::parse(text), path, args);
                let member = self.settle(member.filled(&Ty::Unknown, ty));
                // A record that stands for the one guard in it.
                let is_guard = self.guard_of(ty).is_some() && self.guard_of(&member).is_some();
                Some((if is_guard { place.clone() } else { place.clone().field(name) }, member))
            }
            _ => None,
        }
    }

    /// One dereference.
    pub(super) fn step(&self, place: &Place, ty: &Ty) -> Option<(Place, Ty)> {
        if let Some((wrapper, inner)) = self.behind(ty) {
            let place = match wrapper {
                Wrapper::Pointer => place.clone().deref(),
                Wrapper::InPlace => place.clone(),
            };
            return Some((place, inner));
        }
        let Ty::Named(path, args) = ty else { return None };
        if self.env.ends_with_a_call(path) {
            let inner = args.last().cloned().unwrap_or_default();
            return Some((place.clone().deref().field(DATA), inner));
        }
        let [target] = self.env.declared(&format!("deref {path}")) else { return None };
        let target = self.settle(self.instance(types::parse(target), path, args).filled(&Ty::Unknown, ty));
        let place = if self.guard_of(ty).is_some() { place.clone().deref() } else { place.clone() };
        Some((place.field(TARGET), target))
    }

    fn element(&mut self, index: &syn::ExprIndex) -> (Place, Ty) {
        let (place, ty) = self.place(&index.expr);
        let span = self.span_of(index);
        let at = self.value(&index.index);
        let at = self.hold(at, span);
        let (mut at_place, mut of) = (place, ty);
        for _ in 0..STEP_LIMIT {
            if let Some(item) = element_of(&of) {
                return (at_place.project(Projection::Index(Box::new(at.expr))), item);
            }
            match self.step(&at_place, &of) {
                Some((next, inner)) => (at_place, of) = (next, inner),
                None => break,
            }
        }
        (at_place.project(Projection::Index(Box::new(at.expr))), Ty::Unknown)
    }

    /// `&place`: a reference to a pointer stands for what both point to in the end.
    pub(super) fn reference(&self, place: Place, ty: Ty) -> Value {
        let (mut at, mut of) = (place, ty);
        for _ in 0..STEP_LIMIT {
            match self.behind(&of) {
                Some((Wrapper::Pointer, inner)) => (at, of) = (at.deref(), inner),
                _ => break,
            }
        }
        let refers_to_guard = self.guard_of(&of).is_some();
        let expr = if refers_to_guard { Expr::Read(at) } else { address_of(at) };
        Value::of(expr, Ty::Pointer(Box::new(of)))
    }

    /// As [`types::behind`]; a reference to a guard is the address of the lock too, as the guard is.
    pub(super) fn behind(&self, ty: &Ty) -> Option<(Wrapper, Ty)> {
        match ty {
            Ty::Pointer(inner) if self.guard_of(inner).is_some() => {
                Some((Wrapper::InPlace, (**inner).clone()))
            }
            other => types::behind(other, self.env),
        }
    }
}

/// The address of a place; that of a dereference is the pointer's value.
pub(super) fn address_of(mut place: Place) -> Expr {
    if place.projections.last() == Some(&Projection::Deref) {
        place.projections.pop();
        return Expr::Read(place);
    }
    Expr::AddressOf(place)
}

/// What a collection holds: of maps, their values.
pub(super) fn element_of(ty: &Ty) -> Option<Ty> {
    match ty {
        Ty::List(inner) => Some((**inner).clone()),
        Ty::Named(path, args) => match last_word(path) {
            "Vec" | "VecDeque" | "HashSet" | "BTreeSet" | "SmallVec" | "ArrayVec" | "LinkedList"
            | "IndexSet" | "BinaryHeap" | "FxHashSet" | "Iter" | "ThinVec" | "Slab" => args.first().cloned(),
            "HashMap" | "BTreeMap" | "IndexMap" | "FxHashMap" | "AHashMap" => args.get(1).cloned(),
            _ => None,
        },
        _ => None,
    }
}
