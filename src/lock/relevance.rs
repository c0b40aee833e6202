//! What can still matter from a block on: a backward liveness restricted to what conditions, lock operations and
//! results read.
//!
//! A fact that no later test can use would only keep disjuncts apart; this is what makes dropping it safe. Variables that are
//! merely printed or passed on are not relevant.

use super::locals::{escaping_locals, followed_temporaries, left_behind, optional_locals, place_name};
use super::meaning::{CallMeaning, Meanings};
use crate::ir::cfg::{EdgeKind, TerminatorKind};
use crate::ir::{Base, Body, Callee, Expr, LocalId, Name, Place, Predicate, Projection, StatementKind};
use crate::profile::{Effect, FamilyId, LockRoot, Profile};
use rustc_hash::{FxHashMap, FxHashSet};

/// A set of small numbers.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, at: usize) {
        if self.0.len() <= at / 64 {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn remove(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    fn contains(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Answers whether anything was added.
    fn union(&mut self, other: &Bits) -> bool {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let mut grown = false;
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            grown |= *more & !*word != 0;
            *word |= more;
        }
        grown
    }
}

/// The shape of a lock in the text: family and last member name; `None` when a variable hides it.
type Shape = (FamilyId, Option<Name>);

/// A local, or memory of some name, as something that may matter at a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted(u32);

/// What matters at the start of each block of a body.
pub struct Relevance {
    locals: usize,
    names: FxHashMap<Name, usize>,
    shapes: FxHashMap<Shape, usize>,
    live: Vec<Bits>,
    exposed: Vec<Bits>,
    escaping: Vec<bool>,
    followed: Vec<bool>,
    optional: Vec<bool>,
    written_members: FxHashSet<Name>,
    written_behind: FxHashSet<LocalId>,
}

impl Relevance {
    /// Computes what matters in `body`; what it leaves behind its parameters matters when callers are to be told.
    pub fn of(body: &Body, meanings: &Meanings<'_>, for_callers: bool) -> Self {
        let mut relevance = Relevance {
            locals: body.locals.len(),
            names: FxHashMap::default(),
            shapes: FxHashMap::default(),
            live: vec![Bits::default(); body.cfg.len()],
            exposed: vec![Bits::default(); body.cfg.len()],
            escaping: escaping_locals(body),
            followed: followed_temporaries(body, meanings),
            optional: optional_locals(body),
            written_members: FxHashSet::default(),
            written_behind: FxHashSet::default(),
        };
        relevance.note_writes(body);
        let told = if for_callers { left_behind(body) } else { Vec::new() };
        let mut order = body.cfg.reverse_postorder();
        order.reverse();
        loop {
            let mut changed = false;
            for &block in &order {
                let (mut live, mut exposed) = (Bits::default(), Bits::default());
                for edge in body.cfg.successors(block) {
                    live.union(&relevance.live[edge.target.0 as usize]);
                    exposed.union(&relevance.exposed[edge.target.0 as usize]);
                    if let EdgeKind::Case(low, high) = edge.kind {
                        relevance.use_expr(&mut live, low);
                        if let Some(high) = high {
                            relevance.use_expr(&mut live, high);
                        }
                    }
                }
                match &body.cfg.block(block).terminator.kind {
                    TerminatorKind::Branch(Predicate::Holds(condition)) => {
                        relevance.use_expr(&mut live, condition);
                    }
                    TerminatorKind::Switch(scrutinee) => relevance.use_expr(&mut live, scrutinee),
                    TerminatorKind::Return(value) => {
                        value.iter().for_each(|value| relevance.use_expr(&mut live, value));
                        told.iter().for_each(|place| relevance.use_place(&mut live, place));
                    }
                    TerminatorKind::Branch(_)
                    | TerminatorKind::Goto
                    | TerminatorKind::Choice
                    | TerminatorKind::Unreachable => {}
                }
                for statement in body.cfg.block(block).statements.iter().rev() {
                    relevance.backward(&mut live, &mut exposed, &statement.kind, body, meanings);
                }
                changed |= relevance.live[block.0 as usize].union(&live);
                changed |= relevance.exposed[block.0 as usize].union(&exposed);
            }
            if !changed {
                return relevance;
            }
        }
    }

    /// What to ask of a local.
    pub fn of_local(&self, local: LocalId) -> Wanted {
        Wanted(local.0)
    }

    /// What to ask of memory called `name` (its last member, or a global); `None` when nothing that matters reads any.
    pub fn of_name(&self, name: &Name) -> Option<Wanted> {
        self.names.get(name).map(|&at| Wanted((self.locals + at) as u32))
    }

    /// Whether it is read by something that matters, from the start of `block` on.
    pub fn is_wanted(&self, block: crate::ir::BlockId, wanted: Wanted) -> bool {
        self.live[block.0 as usize].contains(wanted.0 as usize)
    }

    /// Whether a release of such a lock can be reached from `block` without passing an acquisition of it.
    pub fn release_ahead(&self, block: crate::ir::BlockId, family: FamilyId, name: Option<Name>) -> bool {
        let exposed = &self.exposed[block.0 as usize];
        let ahead = |shape: &Shape| self.shapes.get(shape).is_some_and(|&at| exposed.contains(at));
        ahead(&(family, None)) || name.is_some() && ahead(&(family, name))
    }

    /// The family of the locks of this last name that the body's calls take or release, when there is just one.
    pub fn family_of(&self, name: Option<&Name>) -> Option<FamilyId> {
        let mut families =
            self.shapes.keys().filter(|(_, other)| other.as_ref() == name).map(|shape| shape.0);
        let first = families.next()?;
        families.all(|family| family == first).then_some(first)
    }

    /// Whether the local's address is kept somewhere, so that any callee may write it.
    pub fn escapes(&self, local: LocalId) -> bool {
        self.escaping[local.0 as usize]
    }

    /// Whether the variable is set to null (or 0, or false) somewhere: having a value then tells what was done.
    pub fn is_optional(&self, local: LocalId) -> bool {
        self.optional[local.0 as usize]
    }

    /// Whether the body itself writes a member called `name`.
    pub fn writes_member(&self, name: &Name) -> bool {
        self.written_members.contains(name)
    }

    /// Whether the body itself writes what parameter `n` points to: `*n = …`.
    pub fn writes_behind(&self, parameter: usize) -> bool {
        self.written_behind.contains(&LocalId(parameter as u32))
    }

    fn note_writes(&mut self, body: &Body) {
        for statement in body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements) {
            let (StatementKind::Assign { place, .. } | StatementKind::Call { place: Some(place), .. }) =
                &statement.kind
            else {
                continue;
            };
            match (place_name(place), &place.base) {
                (Some(name), _) => drop(self.written_members.insert(name)),
                (None, Base::Local(id)) if !place.projections.is_empty() => {
                    self.written_behind.insert(*id);
                }
                _ => {}
            }
        }
    }

    /// Whether the temporary holds a pointer that is followed at once: `of(x)->lock`.
    pub fn is_followed(&self, local: LocalId) -> bool {
        self.followed[local.0 as usize]
    }

    fn backward(
        &mut self,
        live: &mut Bits,
        exposed: &mut Bits,
        kind: &StatementKind,
        body: &Body,
        meanings: &Meanings<'_>,
    ) {
        match kind {
            StatementKind::Assign { place, value } => {
                // An object that is put into memory may be a locked one that somebody finds there.
                let stored = !place.projections.is_empty() && matches!(value, Expr::Read(_));
                if self.define(live, place) || stored {
                    self.use_expr(live, value);
                }
            }
            StatementKind::Declare(place) => {
                self.define(live, place);
            }
            StatementKind::Call { place, callee, args, .. } => {
                let wanted = match place {
                    Some(place) => self.define(live, place),
                    None => false,
                };
                let name = match callee {
                    Callee::Named(name) => name,
                    Callee::Through(through) => {
                        let member = body.member_of(through);
                        let Some(slot) = member.and_then(|(table, member)| (meanings.slots)(table, member))
                        else {
                            return;
                        };
                        args.iter().for_each(|arg| self.use_expr(live, arg));
                        for shape in slot.released_shapes() {
                            let at = self.shape_id(shape);
                            exposed.insert(at);
                        }
                        return;
                    }
                };
                let meaning = meanings.of(name);
                let matters = match &meaning {
                    CallMeaning::Unknown => wanted,
                    _ => true,
                };
                if matters {
                    for arg in args {
                        self.use_expr(live, arg);
                    }
                }
                if wanted {
                    let at = self.name_id(name);
                    live.insert(self.locals + at);
                }
                if let CallMeaning::Summary(summary) = &meaning {
                    for name in summary.condition_names() {
                        let at = self.name_id(&name);
                        live.insert(self.locals + at);
                    }
                }
                self.expose(exposed, &meaning, args, meanings.profile);
            }
            StatementKind::Opaque(_) => {}
        }
    }

    fn expose(&mut self, exposed: &mut Bits, meaning: &CallMeaning<'_>, args: &[Expr], profile: &Profile) {
        match meaning {
            CallMeaning::Effects(effects, _) => {
                for effect in effects.iter() {
                    let name = match (&effect.lock.root, effect.lock.members.last()) {
                        (_, Some(member)) => Some(member.clone()),
                        (LockRoot::Argument(n), None) => args.get(usize::from(*n)).and_then(expr_name),
                        (LockRoot::Global, None) => Some(Name::default()),
                        _ => None,
                    };
                    if effect.effect == Effect::Assert && !profile.family(effect.family).reported {
                        for family in profile.reported_families() {
                            let at = self.shape_id((family, name.clone()));
                            exposed.insert(at);
                        }
                        continue;
                    }
                    let at = self.shape_id((effect.family, name));
                    match effect.effect {
                        Effect::Release | Effect::ReleaseIf(_) | Effect::GuardRelease | Effect::Assert => {
                            exposed.insert(at);
                        }
                        Effect::Acquire | Effect::TryAcquire(_) => exposed.remove(at),
                        _ => {}
                    }
                }
            }
            CallMeaning::Summary(summary) => {
                let wanted = summary.wants.iter().flat_map(|want| want.shapes(profile));
                for shape in summary.released_shapes().into_iter().chain(wanted) {
                    let at = self.shape_id(shape);
                    exposed.insert(at);
                }
            }
            _ => {}
        }
    }

    /// The place is written: answers whether anybody cares.
    fn define(&mut self, live: &mut Bits, place: &Place) -> bool {
        if let Some(local) = place.as_local() {
            let wanted = live.contains(local.0 as usize);
            live.remove(local.0 as usize);
            return wanted || self.escaping[local.0 as usize];
        }
        let wanted = match place_name(place) {
            Some(name) => self.names.get(&name).is_some_and(|&at| live.contains(self.locals + at)),
            None => matches!(place.base, Base::Local(id) if live.contains(id.0 as usize)),
        };
        if wanted {
            self.use_place(live, place);
        }
        wanted
    }

    fn use_expr(&mut self, live: &mut Bits, expr: &Expr) {
        match expr {
            Expr::Read(place) | Expr::AddressOf(place) => self.use_place(live, place),
            Expr::Unary(_, operand) => self.use_expr(live, operand),
            Expr::Binary(_, left, right) => {
                self.use_expr(live, left);
                self.use_expr(live, right);
            }
            Expr::Int(_) | Expr::Null | Expr::Str | Expr::Const(_) | Expr::Unknown => {}
        }
    }

    fn use_place(&mut self, live: &mut Bits, place: &Place) {
        match &place.base {
            Base::Local(id) => live.insert(id.0 as usize),
            Base::Global(name) => {
                let at = self.name_id(name);
                live.insert(self.locals + at);
            }
        }
        for step in &place.projections {
            match step {
                Projection::Field(name) => {
                    let at = self.name_id(name);
                    live.insert(self.locals + at);
                }
                Projection::Index(index) => self.use_expr(live, index),
                Projection::Deref => {}
            }
        }
    }

    fn name_id(&mut self, name: &Name) -> usize {
        let next = self.names.len();
        *self.names.entry(name.clone()).or_insert(next)
    }

    fn shape_id(&mut self, shape: Shape) -> usize {
        let next = self.shapes.len();
        *self.shapes.entry(shape).or_insert(next)
    }
}

/// Last name of the place that `expr` denotes or points to.
fn expr_name(expr: &Expr) -> Option<Name> {
    match expr {
        Expr::AddressOf(place) => place_name(place),
        Expr::Read(place) if !place.projections.is_empty() => place_name(place),
        _ => None,
    }
}
