//! Whether one state stands for everything that another stands for.
//!
//! A state is written in symbols: values that came into being somewhere, arguments, contents of memory. It *covers* another state
//! when its symbols can be read as terms of that other one such that all that it says is true there: each cell holds what it says,
//! each fact that it takes as proved is proved, and the locks are the same. What the covering state does not mention may be anything.

use crate::ir::{BinaryOp, BlockId};
use crate::lock::analysis::LockAnalysis;
use crate::lock::assume;
use crate::lock::fold;
use crate::lock::state::{Entry, Fact, LockKey, LockState, Now, PathState, Signs, lookup};
use crate::lock::terms::{Term, TermId};
use crate::profile::{FamilyId, LockMode};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How the symbols of the covering state are read.
#[derive(Default)]
struct Reading {
    of: FxHashMap<TermId, TermId>,
    /// What the symbols that name several values are read as.
    several: Vec<(TermId, TermId)>,
}

struct Cover<'s, 'l, 'a> {
    analysis: &'l mut LockAnalysis<'a>,
    covering: &'s PathState,
    covered: &'s PathState,
    block: BlockId,
    reading: Reading,
    forgotten: Vec<LockKey>,
}

/// Whether, at the start of `block`, `covering` stands for all that `covered` stands for; answers the locks that the path has met,
/// owes nothing for, and the covering state does not tell of.
pub(super) fn covers(
    analysis: &mut LockAnalysis<'_>,
    block: BlockId,
    covering: &PathState,
    covered: &PathState,
) -> Option<Vec<LockKey>> {
    // Most candidates fail here.
    if kinds_held(covering) != kinds_held(covered) || covering.debts != covered.debts {
        return None;
    }
    let (reading, forgotten) = (Reading::default(), Vec::new());
    let mut cover = Cover { analysis, block, covering, covered, reading, forgotten };
    (cover.store() && cover.facts() && cover.locks()).then_some(cover.forgotten)
}

/// What is held, without names.
fn kinds_held(state: &PathState) -> SmallVec<[(FamilyId, Entry, u8, LockMode); 4]> {
    let held = state.locks.iter().filter_map(|(key, lock)| match lock.now {
        Now::Held { depth, mode, .. } => Some((key.family, lock.entry, depth, mode)),
        Now::Released | Now::Failed | Now::Transferred => None,
    });
    let mut kinds: SmallVec<_> = held.collect();
    kinds.sort_unstable();
    kinds
}

impl Cover<'_, '_, '_> {
    /// Reads the symbols off the cells, and looks whether each cell then holds what the covering state says.
    fn store(&mut self) -> bool {
        let (covering, covered) = (self.covering, self.covered);
        let cells = covering.store.iter().chain(&covered.store).map(|cell| cell.0);
        let (fixed, moving): (Vec<TermId>, Vec<TermId>) = cells.partition(|&cell| self.is_fixed(cell));
        let mut pairs = Vec::new();
        for cell in fixed {
            if lookup(&covering.store, cell).is_none() && self.is_dead(cell) {
                continue;
            }
            let said = self.analysis.value_at(covering, cell);
            let there = self.analysis.value_at(covered, cell);
            if !self.read(said, there) {
                return false;
            }
            pairs.push((said, there));
        }
        // Cells that are named by values: where they are depends on how these are read.
        let mut named = Vec::new();
        for &(cell, said) in covering.store.iter().filter(|cell| moving.contains(&cell.0)) {
            let Some(place) = self.apply(cell) else { return false };
            let there = self.analysis.value_at(covered, place);
            if !self.read(said, there) {
                return false;
            }
            named.push(place);
            pairs.push((said, there));
        }
        for &(cell, there) in covered.store.iter().filter(|cell| moving.contains(&cell.0)) {
            let said = self.analysis.terms.intern(Term::Load(cell));
            if !named.contains(&cell) && !self.is_dead(cell) && !self.read(said, there) {
                return false;
            }
        }
        pairs.into_iter().all(|(said, there)| self.names_several(said) || self.apply(said) == Some(there))
    }

    /// Whether nothing that matters reads the cell before it is written.
    fn is_dead(&self, cell: TermId) -> bool {
        let (terms, relevance) = (&self.analysis.terms, &self.analysis.relevance);
        let wanted = match terms.get(terms.root(cell)) {
            Term::Local(id) => Some(relevance.of_local(*id)),
            _ => match terms.last_name(cell) {
                Some(name) => relevance.of_name(&name),
                None => return false,
            },
        };
        wanted.is_none_or(|wanted| !relevance.is_wanted(self.block, wanted))
    }

    /// Whether the cell is the same one however symbols are read.
    fn is_fixed(&self, cell: TermId) -> bool {
        matches!(self.analysis.terms.get(self.analysis.terms.root(cell)), Term::Local(_) | Term::Global(_))
            && !self.analysis.terms.parts(cell).iter().any(|&part| self.is_symbol(part))
    }

    fn is_symbol(&self, term: TermId) -> bool {
        matches!(
            self.analysis.terms.get(term),
            Term::Fresh(_) | Term::Older(_) | Term::Oldest(_) | Term::Input(_) | Term::Load(_)
        )
    }

    fn names_several(&self, term: TermId) -> bool {
        matches!(self.analysis.terms.get(term), Term::Oldest(_))
    }

    /// Reads the symbol `said` as `there`; answers whether it is not read as something else already.
    fn read(&mut self, said: TermId, there: TermId) -> bool {
        if self.names_several(said) {
            self.reading.several.push((said, there));
            return true;
        }
        !self.is_symbol(said) || *self.reading.of.entry(said).or_insert(there) == there
    }

    /// A term of the covering state in terms of the other; `None` when it cannot be said.
    fn apply(&mut self, term: TermId) -> Option<TermId> {
        if let Some(&value) = self.reading.of.get(&term) {
            return Some(value);
        }
        if self.names_several(term) {
            return self.reading.several.iter().all(|(several, _)| *several != term).then_some(term);
        }
        if !self.analysis.terms.parts(term).iter().any(|part| self.is_symbol(*part)) {
            return Some(term);
        }
        if let Term::Load(cell) = *self.analysis.terms.get(term) {
            let place = self.apply(cell)?;
            return Some(match lookup(&self.covering.store, cell) {
                None if place != cell => self.analysis.value_at(self.covered, place),
                _ => self.analysis.terms.intern(Term::Load(place)),
            });
        }
        let mut sayable = true;
        let mut parts = Vec::new();
        for child in self.analysis.terms.children(term) {
            let read = self.apply(child);
            sayable &= read.is_some();
            parts.push(read.unwrap_or(child));
        }
        sayable.then(|| self.analysis.terms.with_children(term, &parts))
    }

    /// Whether everything that the covering state takes as proved is proved in the other.
    fn facts(&mut self) -> bool {
        for &(about, ref fact) in &self.covering.facts {
            let fact = fact.proved();
            if fact.is_any() {
                continue;
            }
            let mut read: Vec<TermId> = self
                .reading
                .several
                .iter()
                .filter(|(symbol, _)| *symbol == about)
                .map(|(_, value)| *value)
                .collect();
            if read.is_empty() {
                let Some(term) = self.apply(about) else { return false };
                read.push(term);
            }
            if !read.into_iter().all(|term| self.is_proved(term, &fact)) {
                return false;
            }
        }
        true
    }

    fn is_proved(&mut self, term: TermId, fact: &Fact) -> bool {
        assume::signs(&self.analysis.terms, self.covered, term, true).within(fact.signs)
            && fact.equals.is_none_or(|value| self.compares(term, value, true))
            && fact.differs.iter().all(|&value| self.compares(term, value, false))
    }

    /// Whether it is proved that `term` equals the constant, or that it does not.
    fn compares(&mut self, term: TermId, value: TermId, equal: bool) -> bool {
        let question = fold::binary(&mut self.analysis.terms, BinaryOp::Eq, term, value);
        let answer = assume::signs(&self.analysis.terms, self.covered, question, true);
        answer.within(if equal { Signs::NONZERO } else { Signs::ZERO })
    }

    /// Whether the locks are the same, but for such as nothing is owed for.
    fn locks(&mut self) -> bool {
        let mut met = Vec::new();
        for (key, lock) in self.covering.locks.iter() {
            let (Some(read), Some(now)) = (self.read_key(key), self.read_saved(lock.now)) else {
                return false;
            };
            let lock = LockState { now, ..lock };
            let same = self.covered.locks.get(read) == Some(lock) && !met.contains(&read);
            if !same || !self.is_only_name(key, read, lock) {
                return false;
            }
            met.push(read);
        }
        let owes_nothing = |lock: LockState| {
            lock.balance() == 0 && matches!(lock.now, Now::Released | Now::Failed | Now::Transferred)
        };
        let mut rest = self.covered.locks.iter().filter(|(key, _)| !met.contains(key));
        rest.all(|(key, lock)| {
            self.forgotten.push(key);
            owes_nothing(lock)
        })
    }

    fn read_key(&mut self, key: LockKey) -> Option<LockKey> {
        let address = self.apply(key.address)?;
        Some(LockKey { address: self.analysis.terms.canonical(address), ..key })
    }

    fn read_saved(&mut self, now: Now) -> Option<Now> {
        Some(match now {
            Now::Held { depth, mode, saved: Some(saved) } => {
                Now::Held { depth, mode, saved: Some(self.apply(saved)?) }
            }
            other => other,
        })
    }

    /// Whether the covering state has no second name for the object of a held lock: under that name it would not know it as held.
    fn is_only_name(&mut self, key: LockKey, read: LockKey, lock: LockState) -> bool {
        let terms = &self.analysis.terms;
        let object = |value: TermId| terms.contains(read.address, value) && self.is_value(value);
        let names = self.reading.of.iter().map(|(symbol, value)| (*symbol, *value));
        let mut others = names.chain(self.reading.several.iter().copied());
        !lock.is_held() || others.all(|(symbol, value)| !object(value) || terms.contains(key.address, symbol))
    }

    /// Whether locks may be reached through it: constants and truth values are no objects.
    fn is_value(&self, value: TermId) -> bool {
        !matches!(self.analysis.terms.get(value), Term::Int(_) | Term::Const(_) | Term::Str)
    }
}
