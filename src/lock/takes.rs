//! Locks that a function takes and gives back inside: its callers must not hold them. When it does so may hang on what it is told:
//! `f(x, bool locked)`.

use super::analysis::LockAnalysis;
use super::assume::assume;
use super::event::{EventKind, ExitClass};
use super::fold;
use super::locals::is_assigned;
use super::path::Path;
use super::state::{LockKey, PathState};
use super::terms::{Term, TermId};
use crate::ir::{BlockId, EdgeKind, Expr, LocalKind, Location, Name, Predicate, TerminatorKind};
use crate::profile::FamilyId;
use rustc_hash::FxHashSet;

/// More locks than this that callees take inside are not told of.
const TAKE_LIMIT: usize = 16;

/// A lock that a call takes and gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// Its family.
    pub family: FamilyId,
    /// Which.
    pub path: Path,
    /// It only ever reads.
    pub shared: bool,
    /// Only when these questions about the arguments (parameters, numbers and constants, nothing else) have these answers.
    pub told: Vec<(Expr, bool)>,
    /// Only when something holds, too, that callers do not see.
    pub sometimes: bool,
}

/// A lock that a callee takes and gives back while the body has nothing to do with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TakenInside {
    key: LockKey,
    /// The call.
    at: Location,
    /// It only ever reads.
    shared: bool,
    /// Only when something holds that the body does not see.
    sometimes: bool,
}

impl LockAnalysis<'_> {
    /// Locks that every exit leaves as they were but that were taken on the way.
    pub(super) fn takes(&self, blamed: &dyn Fn(LockKey) -> bool) -> Vec<Take> {
        let mut takes: Vec<Take> = Vec::new();
        for &key in &self.taken {
            let balance = self.balance(key, true);
            let even = balance.held.is_empty() && balance.released.is_empty();
            let nests = self.profile.family(key.family).nests;
            if nests || !even || blamed(key) || self.roots_in_local(key.address) {
                continue;
            }
            let Some(path) = self.path(key.address, None) else { continue };
            if !takes.iter().any(|take| take.family == key.family && take.path == path) {
                let shared = !self.taken_exclusively.contains(&key);
                let (told, sometimes) = self.when_taken(key);
                takes.push(Take { family: key.family, path, shared, told, sometimes });
            }
        }
        for &TakenInside { key, at, shared, sometimes } in &self.taken_inside {
            let known = self.taken.contains(&key) || blamed(key) || self.roots_in_local(key.address);
            let Some(path) = self.path(key.address, None).filter(|_| !known) else { continue };
            let (told, hidden) = self.when_reached(at.block);
            let take = Take { family: key.family, path, shared, told, sometimes: sometimes || hidden };
            let same = |other: &Take| other.family == take.family && other.path == take.path;
            match takes.iter().position(same) {
                // Of several places none of which is always reached, nobody can tell which it is.
                Some(at) => {
                    let other = &mut takes[at];
                    let always = [&*other, &take].iter().any(|take| take.told.is_empty() && !take.sometimes);
                    (other.told, other.sometimes) = (Vec::new(), !always);
                    other.shared &= take.shared;
                }
                None if takes.len() < TAKE_LIMIT => takes.push(take),
                None => {}
            }
        }
        takes
    }

    /// Whether the body only ever takes it for reading.
    pub fn is_only_read(&self, key: LockKey) -> bool {
        !self.taken_exclusively.contains(&key)
    }

    /// [`Take::told`] and [`Take::sometimes`] for a lock.
    fn when_taken(&self, key: LockKey) -> (Vec<(Expr, bool)>, bool) {
        let events = self.events.iter().filter(|event| event.key == key);
        let taken = events.filter(|event| matches!(event.kind, EventKind::Acquired { .. }));
        let blocks: FxHashSet<BlockId> = taken.map(|event| event.at.block).collect();
        let mut ways: Vec<(Vec<(Expr, bool)>, bool)> =
            blocks.into_iter().map(|block| self.when_reached(block)).collect();
        let always = ways.iter().any(|(told, sometimes)| told.is_empty() && !sometimes);
        match ways.pop() {
            Some(one) if ways.is_empty() => one,
            // Of several places none of which is always reached, nobody can tell which it is.
            _ => (Vec::new(), !always),
        }
    }

    /// When `block` is reached on a way that does not fail.
    fn when_reached(&self, block: BlockId) -> (Vec<(Expr, bool)>, bool) {
        let cfg = &self.body.cfg;
        let mut told = Vec::new();
        let mut sometimes = false;
        for (branch, edge) in cfg.governing(block) {
            let around = cfg.successors(branch).filter(|other| other.id != edge).map(|other| other.target);
            if self.only_fails(around.collect(), block) {
                continue;
            }
            match (&cfg.block(branch).terminator.kind, cfg.edge(edge).kind) {
                (TerminatorKind::Branch(Predicate::Holds(question)), EdgeKind::True | EdgeKind::False)
                    if self.is_about_arguments(question) =>
                {
                    told.push((question.clone(), *cfg.edge(edge).kind == EdgeKind::True));
                }
                (TerminatorKind::Branch(Predicate::Configuration(_)), _) => {}
                _ => sometimes = true,
            }
        }
        (told, sometimes)
    }

    /// Whether whoever goes on from `targets` without passing `block` fails, or never returns.
    fn only_fails(&self, targets: Vec<BlockId>, block: BlockId) -> bool {
        let mut seen: FxHashSet<BlockId> = targets.iter().copied().collect();
        let mut work = targets;
        while let Some(at) = work.pop() {
            let next = self.body.cfg.successors(at).map(|edge| edge.target);
            work.extend(next.filter(|&target| target != block && seen.insert(target)));
        }
        let mut exits = self.exits.iter().filter(|exit| seen.contains(&exit.block));
        exits.all(|exit| exit.kind.class() == ExitClass::Failure)
    }

    fn is_about_arguments(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Int(_) | Expr::Null | Expr::Const(_) => true,
            Expr::Read(place) => place.as_local().is_some_and(|id| {
                self.body.local(id).kind == LocalKind::Parameter && !is_assigned(self.body, id)
            }),
            Expr::Unary(_, operand) => self.is_about_arguments(operand),
            Expr::Binary(_, left, right) => self.is_about_arguments(left) && self.is_about_arguments(right),
            Expr::Str | Expr::AddressOf(_) | Expr::Unknown => false,
        }
    }

    /// Notes that a call of `name` on `state` takes what is held.
    pub(super) fn take_in_callee(
        &mut self,
        state: &PathState,
        take: &Take,
        name: &Name,
        values: &[TermId],
        spelled: &[Name],
    ) {
        let zero = self.terms.int(0);
        let Some(address) = self.instantiate(state, &take.path, values, zero) else { return };
        let key = LockKey { family: take.family, address: self.terms.canonical(address) };
        self.spell(key, &take.path, spelled);
        let Some(lock) = state.locks.get(key).filter(|lock| lock.is_held()) else {
            // A path that grows from call to call would have no end in a circle of calls.
            let grows = |path: &Path| path.pointers() > take.path.pointers();
            let named = self.path(key.address, None).is_some_and(|path| !grows(&path));
            if self.recording && state.locks.get(key).is_none() && named {
                let sometimes = take.sometimes || !take.told.is_empty() || state.doubtful;
                let inside = TakenInside { key, at: self.here, shared: take.shared, sometimes };
                if !self.taken_inside.contains(&inside) {
                    self.taken_inside.push(inside);
                }
            }
            return;
        };
        if take.shared && self.goes_with_readers(key, lock) || self.is_recursive(key) {
            return;
        }
        let mut state = state.clone();
        state.doubtful |= take.sometimes;
        for (question, answer) in &take.told {
            let Some(term) = self.answer(question, values) else {
                state.doubtful = true;
                continue;
            };
            // What this caller does not know of its own argument is a guess.
            state.doubtful |= assume(&mut self.terms, &mut state.clone(), term, !answer);
            if !assume(&mut self.terms, &mut state, term, *answer) {
                return;
            }
        }
        self.record(&state, key, EventKind::DoubleAcquire { by: Some(name.clone()) });
    }

    /// The value of a question about the arguments, at a call with `values`.
    fn answer(&mut self, question: &Expr, values: &[TermId]) -> Option<TermId> {
        Some(match question {
            Expr::Int(value) => self.terms.int(*value),
            Expr::Null => self.terms.int(0),
            Expr::Const(name) => self.terms.intern(Term::Const(name.clone())),
            Expr::Read(place) => *values.get(place.as_local()?.0 as usize)?,
            Expr::Unary(op, operand) => {
                let operand = self.answer(operand, values)?;
                fold::unary(&mut self.terms, *op, operand)
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.answer(left, values)?, self.answer(right, values)?);
                fold::binary(&mut self.terms, *op, left, right)
            }
            Expr::Str | Expr::AddressOf(_) | Expr::Unknown => return None,
        })
    }
}
