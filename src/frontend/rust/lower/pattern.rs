//! Patterns: which way a value goes, and what it is called there.

use super::Lowerer;
use super::value::Value;
use crate::frontend::rust::types::{self, Ty, last_word};
use crate::ir::environment::Wrapper;
use crate::ir::{BinaryOp, BlockId, Expr, LocalKind, Place, Predicate, Projection, Remark};
use crate::source::Span;
use syn::Pat;

/// What a pattern is held against.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    place: Place,
    ty: Ty,
    /// Reached through a reference: what is bound is a reference too.
    by_reference: bool,
}

impl Lowerer<'_> {
    pub(super) fn subject(&self, place: Place, ty: Ty) -> Subject {
        Subject { place, ty, by_reference: false }
    }

    /// The subject behind references.
    fn peeled(&self, subject: &Subject) -> Subject {
        let mut subject = subject.clone();
        while let Some((wrapper, inner)) = self.behind(&subject.ty) {
            let place = match wrapper {
                Wrapper::Pointer => subject.place.deref(),
                Wrapper::InPlace if matches!(subject.ty, Ty::Pointer(_)) => subject.place,
                Wrapper::InPlace => return subject,
            };
            subject = Subject { place, ty: inner, by_reference: true };
        }
        subject
    }

    fn inside(&self, subject: &Subject, place: Place, ty: Ty) -> Subject {
        Subject { place, ty, by_reference: subject.by_reference }
    }

    /// Branches on whether the pattern fits.
    pub(super) fn test(&mut self, pat: &Pat, subject: &Subject, then: BlockId, otherwise: BlockId) {
        let span = self.span_of(pat);
        match pat {
            Pat::Paren(paren) => self.test(&paren.pat, subject, then, otherwise),
            Pat::Type(typed) => self.test(&typed.pat, subject, then, otherwise),
            Pat::Guard(guarded) => self.test(&guarded.pat, subject, then, otherwise),
            Pat::Reference(reference) => {
                let inner = self.peeled(subject);
                self.test(&reference.pat, &inner, then, otherwise);
            }
            Pat::Ident(ident) => match &ident.subpat {
                Some((_, inner)) => self.test(inner, subject, then, otherwise),
                None if is_constant(&ident.ident.to_string()) => {
                    self.test_variant(&ident.ident.to_string(), subject, then, otherwise, span);
                }
                None => self.builder.goto(then, span),
            },
            Pat::Wild(_) | Pat::Rest(_) => self.builder.goto(then, span),
            Pat::Or(or) => {
                for case in &or.cases {
                    let next = self.new_block();
                    self.test(case, subject, then, next);
                    self.builder.switch_to(next);
                }
                self.builder.goto(otherwise, span);
            }
            Pat::Lit(literal) => {
                let subject = self.peeled(subject);
                let value = super::operator::literal(&literal.lit);
                let predicate = match value {
                    Expr::Int(_) => {
                        Predicate::Holds(Expr::binary(BinaryOp::Eq, Expr::Read(subject.place), value))
                    }
                    _ => Predicate::Either,
                };
                self.builder.branch(predicate, then, otherwise, span);
            }
            Pat::Path(path) => {
                let word = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                self.test_variant(&word, subject, then, otherwise, span);
            }
            Pat::TupleStruct(_) | Pat::Struct(_) | Pat::Tuple(_) => {
                let fits = self.new_block();
                match pat {
                    Pat::TupleStruct(pat) => self.test_path(&pat.path, subject, fits, otherwise, span),
                    Pat::Struct(pat) => self.test_path(&pat.path, subject, fits, otherwise, span),
                    _ => self.builder.goto(fits, span),
                }
                self.builder.switch_to(fits);
                for (inner, subject) in self.parts_of(pat, subject) {
                    let next = self.new_block();
                    self.test(&inner, &subject, next, otherwise);
                    self.builder.switch_to(next);
                }
                self.builder.goto(then, span);
            }
            _ => self.builder.branch(Predicate::Either, then, otherwise, span),
        }
    }

    fn test_path(
        &mut self,
        path: &syn::Path,
        subject: &Subject,
        then: BlockId,
        otherwise: BlockId,
        span: Span,
    ) {
        let word = path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        // A record has one shape.
        let record = word == "Self" || !self.env.declared(&format!("record {word}")).is_empty();
        if record && path.segments.len() == 1 {
            return self.builder.goto(then, span);
        }
        self.test_variant(&word, subject, then, otherwise, span);
    }

    fn test_variant(&mut self, word: &str, subject: &Subject, then: BlockId, otherwise: BlockId, span: Span) {
        let subject = self.peeled(subject);
        let predicate = match word {
            "Some" | "Ok" => self.is_good(&subject.ty, &subject.place),
            "None" | "Err" => {
                let predicate = self.is_good(&subject.ty, &subject.place);
                return self.builder.branch(predicate, otherwise, then, span);
            }
            _ => {
                let value = Expr::Const(word.into());
                Predicate::Holds(Expr::binary(BinaryOp::Eq, Expr::Read(subject.place), value))
            }
        };
        self.builder.branch(predicate, then, otherwise, span);
    }

    /// The patterns within a pattern, each with what it is held against.
    fn parts_of(&mut self, pat: &Pat, subject: &Subject) -> Vec<(Pat, Subject)> {
        let subject = self.peeled(subject);
        match pat {
            Pat::Tuple(tuple) => self.elements(tuple.elems.iter(), &subject, ""),
            Pat::TupleStruct(pat) => {
                let word = pat.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
                let single = match word.as_str() {
                    "Some" | "Ok" => Some((subject.place.clone(), subject.ty.first_arg())),
                    "Err" => Some(self.error_of(&subject)),
                    _ => None,
                };
                match (single, pat.elems.first()) {
                    (Some((place, ty)), Some(inner)) => {
                        vec![(inner.clone(), self.inside(&subject, place, ty))]
                    }
                    _ => {
                        let record = self.record_of(&pat.path, &subject);
                        self.elements(pat.elems.iter(), &subject, &record)
                    }
                }
            }
            Pat::Struct(pat) => {
                let record = self.record_of(&pat.path, &subject);
                let mut parts = Vec::new();
                for field in &pat.fields {
                    let member = match &field.member {
                        syn::Member::Named(ident) => ident.to_string(),
                        syn::Member::Unnamed(index) => index.index.to_string(),
                    };
                    let ty = self.member_type(&record, &member);
                    let place = if self.guard_of(&subject.ty).is_some() && self.guard_of(&ty).is_some() {
                        subject.place.clone()
                    } else {
                        subject.place.clone().field(member)
                    };
                    parts.push(((*field.pat).clone(), self.inside(&subject, place, ty)));
                }
                parts
            }
            _ => Vec::new(),
        }
    }

    fn elements<'p>(
        &self,
        pats: impl ExactSizeIterator<Item = &'p Pat>,
        subject: &Subject,
        record: &str,
    ) -> Vec<(Pat, Subject)> {
        let types = match &subject.ty {
            Ty::Tuple(items) => items.clone(),
            _ => Vec::new(),
        };
        let count = pats.len();
        let (mut parts, mut behind_rest) = (Vec::new(), false);
        for (at, pat) in pats.enumerate() {
            if matches!(pat, Pat::Rest(_)) {
                behind_rest = true;
                continue;
            }
            // Behind `..` positions are counted from the end, where the type tells how many there are.
            let at = if behind_rest && types.len() >= count { types.len() - (count - at) } else { at };
            let member = at.to_string();
            let ty = match types.get(at) {
                Some(ty) => ty.clone(),
                None => self.member_type(record, &member),
            };
            let place =
                if types.is_empty() && self.guard_of(&subject.ty).is_some() && self.guard_of(&ty).is_some() {
                    subject.place.clone()
                } else {
                    subject.place.clone().field(member)
                };
            parts.push((pat.clone(), self.inside(subject, place, ty)));
        }
        parts
    }

    /// What `Err(e)` holds: of a poisoned lock, the guard.
    fn error_of(&self, subject: &Subject) -> (Place, Ty) {
        match &subject.ty {
            Ty::Named(path, args) if path == "PoisonResult" => {
                (subject.place.clone(), Ty::named("PoisonError", args.clone()))
            }
            Ty::Named(path, args) if types::is_result(path) && self.guard_of(&subject.ty).is_none() => {
                (subject.place.clone().field("(error)"), args.get(1).cloned().unwrap_or_default())
            }
            _ => (subject.place.clone().field("(error)"), Ty::Unknown),
        }
    }

    /// The record or variant that a pattern's path names, as members are declared under.
    fn record_of(&self, path: &syn::Path, subject: &Subject) -> String {
        let full = self.names.full(path);
        let mut words = full.rsplit("::");
        let last = words.next().unwrap_or_default().to_owned();
        let own = |record: &str| !self.env.declared(&format!("record {record}")).is_empty();
        if let Some(owner) = words.next() {
            let variant = format!("{owner}::{last}");
            if own(&variant) {
                return variant;
            }
        }
        let variant = format!("{}::{last}", subject.ty.path().map_or("", |path| last_word(path)));
        if own(&variant) { variant } else { last }
    }

    /// Names what the pattern binds.
    pub(super) fn bind(&mut self, pat: &Pat, subject: Subject) {
        self.bind_all(pat, subject, false);
    }

    /// As [`Self::bind`], without moving anything: for the guard of a match arm.
    pub(super) fn bind_by_reference(&mut self, pat: &Pat, subject: &Subject) {
        self.bind_all(pat, subject.clone(), true);
    }

    fn bind_all(&mut self, pat: &Pat, subject: Subject, borrowed: bool) {
        match pat {
            Pat::Paren(paren) => self.bind_all(&paren.pat, subject, borrowed),
            Pat::Type(typed) => {
                let ty = self.read_type(&typed.ty).or(subject.ty.clone());
                self.bind_all(&typed.pat, Subject { ty, ..subject }, borrowed);
            }
            Pat::Guard(guarded) => self.bind_all(&guarded.pat, subject, borrowed),
            Pat::Reference(reference) => {
                let inner = self.peeled(&subject);
                self.bind_all(&reference.pat, Subject { by_reference: false, ..inner }, borrowed);
            }
            Pat::Ident(ident) => {
                let name = ident.ident.to_string();
                if let Some((_, inner)) = &ident.subpat {
                    self.bind_all(inner, Subject { by_reference: true, ..subject.clone() }, borrowed);
                } else if is_constant(&name) {
                    return;
                }
                let span = self.span_of(ident);
                let reference = subject.by_reference || ident.by_ref.is_some() || borrowed;
                let value = if reference {
                    self.reference(subject.place, subject.ty)
                } else {
                    self.take(subject.place, subject.ty, span)
                };
                self.bind_name(&name, value, span);
            }
            Pat::Or(or) => {
                if let Some(case) = or.cases.first() {
                    self.bind_all(case, subject, borrowed);
                }
            }
            Pat::Slice(slice) => {
                let subject = self.peeled(&subject);
                let ty = super::object::element_of(&subject.ty).unwrap_or_default();
                for (at, pat) in slice.elems.iter().enumerate() {
                    let place = subject.place.clone();
                    let place = place.project(Projection::Index(Box::new(Expr::Int(at as i64))));
                    let inner = self.inside(&subject, place, ty.clone());
                    self.bind_all(pat, inner, borrowed);
                }
            }
            _ => {
                for (inner, subject) in self.parts_of(pat, &subject) {
                    self.bind_all(&inner, subject, borrowed);
                }
            }
        }
    }

    /// A variable with its first value.
    pub(super) fn bind_name(&mut self, name: &str, value: Value, span: Span) {
        let ty = value.ty.clone();
        if self.guard_of(&ty).is_none() && self.ends_with_code(&ty) {
            self.builder.remark(span, Remark::EndsWithCode);
        }
        let id = self.new_local(name, LocalKind::Variable, ty.clone(), span);
        self.store(Place::local(id), value, span);
        self.name_local(name, id);
        self.owns(Place::local(id), ty, span);
    }
}

/// Whether a name in a pattern denotes a constant or variant rather than a new variable.
fn is_constant(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}
