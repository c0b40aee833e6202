//! Certificates: what *balanced* rests on, written down so that it can be checked apart from the search for it (Necula, POPL 1997, in
//! spirit).
//!
//! A certificate holds the states at the entry of each block and the locks that are claimed to be balanced. The checker takes one
//! step from each state, with the same transfer functions as the search, and asks whether what comes out is covered by a state of
//! the block it comes to. It knows no worklist, no joins, no order and nothing of the explored graph: what it accepts is an
//! inductive invariant of the body in which no exit leaves a claimed lock changed and nothing forbidden happens to it on the way.
//! Trusted beside the checker are the transfer functions, and which variables are still read (`relevance`).

mod check;
mod cover;

use super::analysis::LockAnalysis;
use super::exits::Imbalance;
use super::obligations::Kept;
use super::state::{LockKey, PathState};
use super::terms::{TermId, Terms};
use crate::engine::Results;
use crate::ir::BlockId;
pub use check::{Refusal, check};
use std::hash::{Hash, Hasher};

/// What the checker is given.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// States at block entries.
    pub states: Vec<(BlockId, PathState)>,
    /// Locks said to be balanced, or left as the body has promised.
    pub claims: Vec<LockKey>,
}

/// What the checker has accepted.
#[derive(Clone, Debug)]
pub struct Certified {
    /// Names the certificate.
    pub hash: String,
    /// The claims that hold.
    pub locks: Vec<LockKey>,
}

/// Writes the certificate of what was explored and has it checked; `None` when it proves nothing.
pub fn certify(analysis: &mut LockAnalysis<'_>, results: &Results<PathState>) -> Option<Certified> {
    let certificate = Certificate::of(analysis, results)?;
    let locks = check(analysis, &certificate).ok()?;
    Some(Certified { hash: certificate.hash(&analysis.terms), locks })
}

impl Certificate {
    /// The certificate of what was explored; `None` when a bound cut it short, or nothing is claimed.
    pub fn of(analysis: &LockAnalysis<'_>, results: &Results<PathState>) -> Option<Self> {
        if !results.cut.is_empty() {
            return None;
        }
        let blocks = analysis.body().cfg.blocks();
        let states =
            blocks.flat_map(|block| results.live(block).map(move |node| (block, node.state.clone())));
        let even = |key: &LockKey| match analysis.kept(*key) {
            Some(kept) => kept == Kept::Yes,
            None => analysis.imbalance(*key, true) == Imbalance::Even,
        };
        Some(Certificate {
            states: states.collect(),
            claims: analysis.keys().into_iter().filter(even).collect(),
        })
    }

    /// Sixteen digits that name it: the terms that it is written in, its states and its claims.
    pub fn hash(&self, terms: &Terms) -> String {
        let mut digest = Digest::default();
        for id in 0..terms.len() {
            terms.get(TermId(id as u32)).hash(&mut digest);
        }
        self.states.hash(&mut digest);
        self.claims.hash(&mut digest);
        digest.0.finalize().to_hex()[..16].to_owned()
    }
}

/// Takes in what is hashed, for a name that others can rely on.
#[derive(Default)]
struct Digest(blake3::Hasher);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests;
