//! Locks that a function takes and gives back inside: its callers must not hold them. When it does so may hang on what it is told:
//! `f(x, bool locked)`.

use super::analysis::LockAnalysis;
use super::assume::{self, assume};
use super::event::{EventKind, ExitClass};
use super::path::Path;
use super::state::{LockKey, PathState};
use super::terms::{Term, TermId};
use crate::ir::{BlockId, EdgeKind, Expr, LocalKind, Place, Predicate, StatementKind, TerminatorKind};
use crate::profile::FamilyId;
use rustc_hash::FxHashSet;

/// A lock that a call takes and gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Take {
    /// Its family.
    pub family: FamilyId,
    /// Which.
    pub path: Path,
    /// It only ever reads.
    pub shared: bool,
    /// When.
    pub when: When,
}

/// When a call takes a lock.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// On every way to success.
    Always,
    /// When these questions about the arguments (parameters, numbers and constants, nothing else) have these answers.
    Told(Vec<(Expr, bool)>),
    /// When something holds that callers do not see.
    Sometimes,
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
                takes.push(Take { family: key.family, path, shared, when: self.when_taken(key) });
            }
        }
        takes
    }

    fn when_taken(&self, key: LockKey) -> When {
        let events = self.events.iter().filter(|event| event.key == key);
        let taken = events.filter(|event| matches!(event.kind, EventKind::Acquired { .. }));
        let blocks: FxHashSet<BlockId> = taken.map(|event| event.at.block).collect();
        let ways: Vec<When> = blocks.into_iter().map(|block| self.when_reached(block)).collect();
        match ways.as_slice() {
            [one] => one.clone(),
            many if many.contains(&When::Always) => When::Always,
            _ => When::Sometimes,
        }
    }

    /// When `block` is reached on a way that does not fail.
    fn when_reached(&self, block: BlockId) -> When {
        let cfg = &self.body.cfg;
        let mut told = Vec::new();
        let mut otherwise = false;
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
                _ => otherwise = true,
            }
        }
        match (told.is_empty(), otherwise) {
            (false, _) => When::Told(told),
            (true, true) => When::Sometimes,
            (true, false) => When::Always,
        }
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
                self.body.local(id).kind == LocalKind::Parameter && !self.is_overwritten(place)
            }),
            Expr::Unary(_, operand) => self.is_about_arguments(operand),
            Expr::Binary(_, left, right) => self.is_about_arguments(left) && self.is_about_arguments(right),
            Expr::Str | Expr::AddressOf(_) | Expr::Unknown => false,
        }
    }

    fn is_overwritten(&self, place: &Place) -> bool {
        let cfg = &self.body.cfg;
        let statements = cfg.blocks().flat_map(|block| &cfg.block(block).statements);
        statements.into_iter().any(|statement| match &statement.kind {
            StatementKind::Assign { place: written, .. } => written == place,
            StatementKind::Call { place: written, .. } => written.as_ref() == Some(place),
            StatementKind::Declare(_) | StatementKind::Opaque(_) => false,
        })
    }

    /// Notes that a call of `name` on `state` takes what is held.
    pub(super) fn take_in_callee(
        &mut self,
        state: &PathState,
        take: &Take,
        name: &crate::ir::Name,
        values: &[TermId],
        spelled: &[crate::ir::Name],
    ) {
        let zero = self.terms.int(0);
        let Some(address) = self.instantiate(state, &take.path, values, zero) else { return };
        let key = LockKey { family: take.family, address: self.terms.canonical(address) };
        self.spell(key, &take.path, spelled);
        let Some(lock) = state.locks.get(key).filter(|lock| lock.is_held()) else { return };
        if take.shared && self.goes_with_readers(key, lock) {
            return;
        }
        let mut state = state.clone();
        match &take.when {
            When::Always => {}
            When::Sometimes => state.doubtful = true,
            When::Told(told) => {
                for (question, answer) in told {
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
                assume::unary(&mut self.terms, *op, operand)
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.answer(left, values)?, self.answer(right, values)?);
                assume::binary(&mut self.terms, *op, left, right)
            }
            Expr::Str | Expr::AddressOf(_) | Expr::Unknown => return None,
        })
    }
}
