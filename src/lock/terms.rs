//! Symbolic values: immutable terms, shared and compared by id.
//!
//! A place is known by the *address term* it denotes, a value by its *value term*. `Load(a)` is what memory at
//! `a` held when the function was entered (or whatever others last put there); what this function itself writes
//! is bound in the store instead. `Old(t)` is a value read from memory before something may have changed it, or written to it:
//! for the identity of locks it is as good as `t`, for facts it is not.

use crate::ir::{BinaryOp, BlockId, LocalId, Name, UnaryOp};
use crate::profile::FamilyId;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::ops::Range;

/// A term of one function's analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermId(pub u32);

/// Where a value came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// At a statement: block, index, and which of several.
    Statement(BlockId, u32, u16),
    /// At a join, for the place at an address.
    Join(BlockId, TermId),
}

/// A symbolic value or address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// An integer; null and false are 0.
    Int(i64),
    /// Some address that is not null.
    Str,
    /// A named constant.
    Const(Name),
    /// A parameter's value on entry.
    Input(LocalId),
    /// Address of a global.
    Global(Name),
    /// Address of a local.
    Local(LocalId),
    /// Content of memory.
    Load(TermId),
    /// Of a term that reads memory: its value from before memory may have changed. Of any other: what memory was given and
    /// presumably still holds.
    Old(TermId),
    /// Address of a member.
    Field(TermId, Name),
    /// Address of an element.
    Index(TermId, TermId),
    /// The most recent value that came into being at a site.
    Fresh(Site),
    /// The value from the same site before that (recency abstraction: Balakrishnan, Reps, SAS 2006).
    Older(Site),
    /// All values from the same site that are older still: several under one name, so that a test of one tells nothing of the others.
    Oldest(Site),
    /// Operator applied.
    Unary(UnaryOp, TermId),
    /// Operator applied.
    Binary(BinaryOp, TermId, TermId),
    /// What a call of a predicate-like function gives: the same again, presumably, on the same arguments.
    Call(Name, SmallVec<[TermId; 3]>),
    /// The answer to "is this lock held (by anybody)?"
    Query(FamilyId, TermId),
    /// A preprocessor condition.
    Configuration(Name),
    /// Two terms that together name one lock.
    Pair(TermId, TermId),
}

/// Values of at least this depth are replaced by a fresh one where a variable is given them: loops would build them without end. What
/// the text spells out in one place is as deep as it is.
const KEPT_DEPTH: u8 = 12;
/// Nothing is built upon terms of this depth: each lists its parts.
const DEPTH_LIMIT: u8 = 64;

/// The name that an access path ends in, by number: names are compared far more often than read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol(u32);

struct Entry {
    term: Term,
    depth: u8,
    reads_memory: bool,
    has_query: bool,
    last_symbol: Option<Symbol>,
    canonical: Option<TermId>,
    /// All proper subterms, each once: a range of [`Terms::parts`].
    parts: Range<usize>,
    /// One bit for each of them, by its id modulo 64: most questions whether a term occurs in another end here.
    signature: u64,
    names_several: bool,
}

/// The arena.
#[derive(Default)]
pub struct Terms {
    entries: Vec<Entry>,
    ids: FxHashMap<Term, TermId>,
    parts: Vec<TermId>,
    symbols: FxHashMap<Name, Symbol>,
}

fn signature(id: TermId) -> u64 {
    1 << (id.0 % 64)
}

impl Terms {
    /// The term's id, the same for equal terms.
    pub fn intern(&mut self, term: Term) -> TermId {
        if let Some(&id) = self.ids.get(&term) {
            return id;
        }
        let mut depth = 0;
        let mut reads_memory = match &term {
            Term::Load(_) => true,
            // A question about constants has one answer for the whole program.
            Term::Call(_, args) => {
                !args.iter().all(|&arg| matches!(self.get(arg), Term::Int(_) | Term::Const(_)))
                    || args.is_empty()
            }
            _ => false,
        };
        let mut has_query = matches!(term, Term::Query(..));
        let mut names_several = matches!(term, Term::Oldest(_));
        let mut parts: SmallVec<[TermId; 32]> = SmallVec::new();
        let mut mask = 0;
        for &child in children(&term, &mut [TermId(0); 2]) {
            let entry = &self.entries[child.0 as usize];
            depth = depth.max(entry.depth);
            reads_memory |= entry.reads_memory;
            has_query |= entry.has_query;
            names_several |= entry.names_several;
            mask |= signature(child) | entry.signature;
            parts.push(child);
            parts.extend_from_slice(&self.parts[entry.parts.clone()]);
        }
        if matches!(term, Term::Old(_)) {
            reads_memory = !reads_memory;
        }
        parts.sort_unstable();
        parts.dedup();
        let first = self.parts.len();
        self.parts.extend_from_slice(&parts);
        let id = TermId(self.entries.len() as u32);
        let entry = Entry {
            depth: depth.saturating_add(1),
            reads_memory,
            has_query,
            last_symbol: self.ending(&term),
            canonical: None,
            parts: first..self.parts.len(),
            signature: mask,
            names_several,
            term: term.clone(),
        };
        self.entries.push(entry);
        self.ids.insert(term, id);
        id
    }

    /// Number of terms; ids run from 0.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no term was made yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The term.
    #[inline]
    pub fn get(&self, id: TermId) -> &Term {
        &self.entries[id.0 as usize].term
    }

    /// Whether the term is too deep to be built upon.
    pub fn too_deep(&self, id: TermId) -> bool {
        self.entries[id.0 as usize].depth >= DEPTH_LIMIT
    }

    /// Whether the term is too deep for a variable's value.
    pub fn too_deep_to_keep(&self, id: TermId) -> bool {
        self.entries[id.0 as usize].depth >= KEPT_DEPTH
    }

    /// Whether the term's value depends on what memory holds now.
    #[inline]
    pub fn reads_memory(&self, id: TermId) -> bool {
        self.entries[id.0 as usize].reads_memory
    }

    /// Whether the answer to a lock query takes part in the term.
    pub fn has_query(&self, id: TermId) -> bool {
        self.entries[id.0 as usize].has_query
    }

    /// Whether the term may stand for several values on one path: then it need not equal itself.
    pub fn names_several(&self, id: TermId) -> bool {
        self.entries[id.0 as usize].names_several
    }

    /// An integer.
    pub fn int(&mut self, value: i64) -> TermId {
        self.intern(Term::Int(value))
    }

    /// Member `name` of what lies at `base`.
    pub fn field(&mut self, base: TermId, name: Name) -> TermId {
        self.intern(Term::Field(base, name))
    }

    /// `Old(id)`; a term that does not read memory is its own old value.
    pub fn old(&mut self, id: TermId) -> TermId {
        if self.reads_memory(id) { self.intern(Term::Old(id)) } else { id }
    }

    /// The value itself, where `id` is an old one.
    pub fn without_age(&self, mut id: TermId) -> TermId {
        while let Term::Old(inner) = self.get(id) {
            id = *inner;
        }
        id
    }

    /// What a cell of memory that was given `id` presumably still holds; `None` when the term would grow too deep.
    pub fn presumed(&mut self, id: TermId) -> Option<TermId> {
        if matches!(self.get(id), Term::Old(_)) && self.reads_memory(id) {
            return Some(id);
        }
        let saved = self.old(id);
        (!self.too_deep_to_keep(saved)).then(|| self.intern(Term::Old(saved)))
    }

    /// All proper subterms of `id`, each once.
    #[inline]
    pub fn parts(&self, id: TermId) -> &[TermId] {
        &self.parts[self.entries[id.0 as usize].parts.clone()]
    }

    /// Whether `part` is `whole` or occurs in it.
    #[inline]
    pub fn contains(&self, whole: TermId, part: TermId) -> bool {
        whole == part
            || self.entries[whole.0 as usize].signature & signature(part) != 0
                && self.parts(whole).contains(&part)
    }

    /// Calls `visit` on the term and on everything in it, each once.
    pub fn walk(&self, id: TermId, visit: &mut dyn FnMut(TermId, &Term)) {
        visit(id, self.get(id));
        for &part in self.parts(id) {
            visit(part, self.get(part));
        }
    }

    /// Replaces every occurrence of `from` in `id` by `to`.
    pub fn substitute(&mut self, id: TermId, from: TermId, to: TermId) -> TermId {
        if id == from {
            return to;
        }
        if !self.contains(id, from) {
            return id;
        }
        let term = self.get(id).clone();
        let rebuilt = self.map_children(term, &mut |terms, child| terms.substitute(child, from, to));
        self.intern(rebuilt)
    }

    /// The terms that `id` is directly made of.
    pub fn children(&self, id: TermId) -> SmallVec<[TermId; 3]> {
        SmallVec::from_slice(children(self.get(id), &mut [TermId(0); 2]))
    }

    /// The term with what it is directly made of replaced, in the order of [`Self::children`].
    pub fn with_children(&mut self, id: TermId, new: &[TermId]) -> TermId {
        let term = self.get(id).clone();
        let mut new = new.iter();
        let rebuilt = self.map_children(term, &mut |_, old| new.next().copied().unwrap_or(old));
        self.intern(rebuilt)
    }

    /// The term as it names a lock: what memory holds now and what it held before are one.
    pub fn canonical(&mut self, id: TermId) -> TermId {
        if let Some(known) = self.entries[id.0 as usize].canonical {
            return known;
        }
        let canonical = self.canonical_of(id);
        self.entries[id.0 as usize].canonical = Some(canonical);
        canonical
    }

    fn canonical_of(&mut self, id: TermId) -> TermId {
        match self.get(id).clone() {
            Term::Old(inner) => self.canonical(inner),
            Term::Int(_)
            | Term::Str
            | Term::Const(_)
            | Term::Input(_)
            | Term::Global(_)
            | Term::Local(_)
            | Term::Fresh(_)
            | Term::Older(_)
            | Term::Oldest(_)
            | Term::Configuration(_) => id,
            // `base + i` and `&base[i]` are one element; offset 0 is the base itself.
            Term::Binary(BinaryOp::Add, base, offset) => {
                let (base, offset) = (self.canonical(base), self.canonical(offset));
                self.intern(Term::Index(base, offset))
            }
            composed => {
                let rebuilt = self.map_children(composed, &mut |terms, child| terms.canonical(child));
                self.intern(rebuilt)
            }
        }
    }

    fn map_children(&mut self, term: Term, map: &mut dyn FnMut(&mut Self, TermId) -> TermId) -> Term {
        match term {
            Term::Load(a) => Term::Load(map(self, a)),
            Term::Old(a) => Term::Old(map(self, a)),
            Term::Field(a, name) => Term::Field(map(self, a), name),
            Term::Index(a, b) => Term::Index(map(self, a), map(self, b)),
            Term::Unary(op, a) => Term::Unary(op, map(self, a)),
            Term::Binary(op, a, b) => Term::Binary(op, map(self, a), map(self, b)),
            Term::Call(name, args) => Term::Call(name, args.into_iter().map(|arg| map(self, arg)).collect()),
            Term::Query(family, a) => Term::Query(family, map(self, a)),
            Term::Pair(a, b) => Term::Pair(map(self, a), map(self, b)),
            leaf @ (Term::Int(_)
            | Term::Str
            | Term::Const(_)
            | Term::Input(_)
            | Term::Global(_)
            | Term::Local(_)
            | Term::Fresh(_)
            | Term::Older(_)
            | Term::Oldest(_)
            | Term::Configuration(_)) => leaf,
        }
    }

    /// Whether two different terms certainly denote different objects on every run: both are rooted in parameters, locals or
    /// globals without passing through a value that came into being on the way.
    pub fn is_rigid(&self, id: TermId) -> bool {
        let mut rigid = true;
        self.walk(id, &mut |_, term| {
            rigid &= !matches!(term, Term::Fresh(_) | Term::Older(_) | Term::Oldest(_) | Term::Call(..));
            if let Term::Index(_, index) = term {
                rigid &= matches!(self.get(*index), Term::Int(_) | Term::Const(_) | Term::Input(_));
            }
        });
        rigid
    }

    /// The variable, or the value, whose member or element `id` is the address of.
    pub fn root(&self, mut id: TermId) -> TermId {
        while let Term::Field(base, _) | Term::Index(base, _) = self.get(id) {
            id = *base;
        }
        id
    }

    /// The last name of an access path, to tell locks of one function apart at a glance.
    pub fn last_name(&self, id: TermId) -> Option<Name> {
        match self.get(id) {
            Term::Field(_, name) | Term::Global(name) | Term::Const(name) => Some(name.clone()),
            Term::Load(a) | Term::Old(a) | Term::Index(a, _) | Term::Query(_, a) | Term::Pair(a, _) => {
                self.last_name(*a)
            }
            _ => None,
        }
    }

    /// [`Self::last_name`], to be compared.
    #[inline]
    pub fn last_symbol(&self, id: TermId) -> Option<Symbol> {
        self.entries[id.0 as usize].last_symbol
    }

    fn ending(&mut self, term: &Term) -> Option<Symbol> {
        match term {
            Term::Field(_, name) | Term::Global(name) | Term::Const(name) => {
                let next = Symbol(self.symbols.len() as u32);
                Some(*self.symbols.entry(name.clone()).or_insert(next))
            }
            Term::Load(a) | Term::Old(a) | Term::Index(a, _) | Term::Query(_, a) | Term::Pair(a, _) => {
                self.last_symbol(*a)
            }
            _ => None,
        }
    }
}

/// What the term is directly made of; `room` holds it where the term keeps no list. The address in a join's site only names the
/// site: it is not part of the value.
fn children<'t>(term: &'t Term, room: &'t mut [TermId; 2]) -> &'t [TermId] {
    match *term {
        Term::Load(a) | Term::Old(a) | Term::Field(a, _) | Term::Unary(_, a) | Term::Query(_, a) => {
            room[0] = a;
            &room[..1]
        }
        Term::Index(a, b) | Term::Binary(_, a, b) | Term::Pair(a, b) => {
            *room = [a, b];
            room
        }
        Term::Call(_, ref args) => args,
        Term::Int(_)
        | Term::Str
        | Term::Const(_)
        | Term::Input(_)
        | Term::Global(_)
        | Term::Local(_)
        | Term::Fresh(_)
        | Term::Older(_)
        | Term::Oldest(_)
        | Term::Configuration(_) => &[],
    }
}
