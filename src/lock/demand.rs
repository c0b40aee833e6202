//! For each term, what must still matter for a fact about it to be kept: asked of every fact at every edge, so it is worked out
//! once a term and then only looked up.

use super::relevance::{Relevance, Wanted};
use super::terms::{Term, TermId, Terms};
use crate::ir::{BlockId, LocalId};
use smallvec::SmallVec;

/// A term matters at a block where one of these is wanted.
#[derive(Clone, Debug, Default)]
struct Demand {
    always: bool,
    any: SmallVec<[Wanted; 4]>,
}

/// The demands of all terms met so far.
#[derive(Default)]
pub struct Demands {
    facts: Vec<Demand>,
    addresses: Vec<Demand>,
}

impl Demands {
    /// Learns of the terms made since the last call. With `keep_inputs`, facts about parameters always matter.
    pub fn update(&mut self, terms: &Terms, relevance: &Relevance, keep_inputs: bool) {
        for at in self.facts.len()..terms.len() {
            let id = TermId(at as u32);
            self.facts.push(about(terms, relevance, id, keep_inputs));
            self.addresses.push(written(terms, relevance, id));
        }
    }

    /// Whether a fact about `term` matters at `block` by itself.
    pub fn fact(&self, relevance: &Relevance, block: BlockId, term: TermId) -> bool {
        holds(&self.facts[term.0 as usize], relevance, block)
    }

    /// Whether what was written to `address` matters at `block`.
    pub fn address(&self, relevance: &Relevance, block: BlockId, address: TermId) -> bool {
        holds(&self.addresses[address.0 as usize], relevance, block)
    }
}

fn holds(demand: &Demand, relevance: &Relevance, block: BlockId) -> bool {
    demand.always || demand.any.iter().any(|&wanted| relevance.is_wanted(block, wanted))
}

fn about(terms: &Terms, relevance: &Relevance, id: TermId, keep_inputs: bool) -> Demand {
    let mut demand = Demand { always: matches!(terms.get(id), Term::Const(_)), ..Demand::default() };
    terms.walk(id, &mut |_, part| match part {
        Term::Input(_) if keep_inputs => demand.always = true,
        Term::Input(local) => demand.any.push(relevance.of_local(*local)),
        Term::Load(address) => match terms.get(*address) {
            Term::Local(local) => demand.any.push(relevance.of_local(*local)),
            _ => demand.add_name(terms, relevance, *address),
        },
        Term::Call(name, _) => demand.any.extend(relevance.of_name(name)),
        Term::Query(..) | Term::Configuration(_) => demand.always = true,
        _ => {}
    });
    demand
}

fn written(terms: &Terms, relevance: &Relevance, address: TermId) -> Demand {
    let mut demand = Demand::default();
    match root_local(terms, address) {
        Some(local) => demand.any.push(relevance.of_local(local)),
        None => demand.add_name(terms, relevance, address),
    }
    demand
}

impl Demand {
    /// Memory is known by its last name; memory without one may be anything.
    fn add_name(&mut self, terms: &Terms, relevance: &Relevance, address: TermId) {
        match terms.last_name(address) {
            Some(name) => self.any.extend(relevance.of_name(&name)),
            None => self.always = true,
        }
    }
}

fn root_local(terms: &Terms, address: TermId) -> Option<LocalId> {
    match terms.get(terms.root(address)) {
        Term::Local(id) => Some(*id),
        _ => None,
    }
}
