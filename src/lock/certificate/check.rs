//! The checker: one pass over a certificate.

use super::Certificate;
use super::cover::covers;
use crate::engine::explore::run_block;
use crate::engine::{Analysis, DisjunctLimit};
use crate::ir::{BlockId, TerminatorKind};
use crate::lock::analysis::LockAnalysis;
use crate::lock::event::{Event, EventKind};
use crate::lock::state::{LockKey, PathState};
use crate::lock::terms::TermId;

/// Why a certificate proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The state on entry of the body is not among those of its first block.
    Entry,
    /// A step out of a block leads to a state that the other block does not have.
    Step {
        /// From here.
        from: BlockId,
        /// To there.
        to: BlockId,
    },
    /// More states in the middle of the block than are followed.
    Bound {
        /// The block.
        at: BlockId,
    },
}

struct Checker<'c> {
    at_block: Vec<Vec<&'c PathState>>,
    /// Claimed locks that an exit leaves otherwise than it should.
    changed: Vec<LockKey>,
    /// Locks of which a covering state has forgotten that the path met them.
    forgotten: Vec<LockKey>,
}

/// Checks that the states of `certificate` are closed under execution; answers the claims that hold in them.
///
/// # Errors
/// When they are not closed: then nothing is proved.
pub fn check(analysis: &mut LockAnalysis<'_>, certificate: &Certificate) -> Result<Vec<LockKey>, Refusal> {
    let mut at_block = vec![Vec::new(); analysis.body().cfg.len()];
    for (block, state) in &certificate.states {
        at_block[block.0 as usize].push(state);
    }
    let mut checker = Checker { at_block, changed: Vec::new(), forgotten: Vec::new() };
    // What happens on the way is looked at here and nowhere else.
    let events = std::mem::take(&mut analysis.events);
    let recording = std::mem::replace(&mut analysis.recording, true);
    let closed = checker.steps(analysis, certificate);
    analysis.recording = recording;
    let seen = std::mem::replace(&mut analysis.events, events);
    closed?;
    let holds = |claim: &LockKey| {
        !checker.changed.contains(claim)
            && !seen.iter().any(|event| event.key == *claim && checker.forbids(analysis, event))
    };
    Ok(certificate.claims.iter().copied().filter(holds).collect())
}

impl Checker<'_> {
    fn steps(&mut self, analysis: &mut LockAnalysis<'_>, certificate: &Certificate) -> Result<(), Refusal> {
        let cfg = &analysis.body().cfg;
        let entry = analysis.entry();
        if !self.arrives(analysis, cfg.entry(), &entry) {
            return Err(Refusal::Entry);
        }
        for &(block, ref state) in &certificate.states {
            let states = run_block(cfg, analysis, block, state.clone(), DisjunctLimit::default());
            for state in states.ok_or(Refusal::Bound { at: block })? {
                if let TerminatorKind::Return(value) = &cfg.block(block).terminator.kind {
                    let mut state = state.clone();
                    let value = value.as_ref().map(|value| analysis.evaluate(&mut state, value));
                    self.leave(analysis, &state, value, certificate);
                }
                for edge in cfg.successors(block) {
                    let mut out = Vec::new();
                    analysis.edge(state.clone(), edge, &mut out);
                    if !out.iter().all(|next| self.arrives(analysis, edge.target, next)) {
                        return Err(Refusal::Step { from: block, to: edge.target });
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a state of `block` covers `state`.
    fn arrives(&mut self, analysis: &mut LockAnalysis<'_>, block: BlockId, state: &PathState) -> bool {
        let candidates = &self.at_block[block.0 as usize];
        // The most likely one first; it is looked at like any other.
        let mut settled = state.clone();
        analysis.settle(&mut settled, block);
        let likely = candidates.iter().position(|candidate| **candidate == settled);
        let rest = (0..candidates.len()).filter(|at| Some(*at) != likely);
        let mut order = likely.into_iter().chain(rest).map(|at| candidates[at]);
        match order.find_map(|candidate| covers(analysis, block, candidate, state)) {
            Some(forgotten) => {
                self.forgotten.extend(forgotten);
                true
            }
            None => false,
        }
    }

    fn leave(
        &mut self,
        analysis: &LockAnalysis<'_>,
        state: &PathState,
        value: Option<TermId>,
        certificate: &Certificate,
    ) {
        let changed = |key: &LockKey| analysis.leaves_as_due(*key, state, value) != Some(true);
        self.changed.extend(certificate.claims.iter().filter(|key| changed(key)));
    }

    /// Whether such a thing may not happen to a lock that is claimed to be balanced.
    fn forbids(&self, analysis: &LockAnalysis<'_>, event: &Event) -> bool {
        match event.kind {
            EventKind::DoubleAcquire { .. }
            | EventKind::DoubleRelease { .. }
            | EventKind::ReleaseAfterFailure
            | EventKind::ResultIgnored
            | EventKind::DestroyedHeld
            | EventKind::ThreadEnds
            | EventKind::Leaked
            | EventKind::ReleasedUnderGuard
            | EventKind::MayUnwind
            | EventKind::Suspended
            | EventKind::AssertedHeld
            | EventKind::TakenAlthoughAsserted
            | EventKind::AssertedFree
            | EventKind::CalledWithout { .. }
            | EventKind::CalledHolding { .. } => true,
            // Given back without having been taken: the caller's lock, unless it was forgotten that the path has met it before, or
            // that the lock was asked and not remembered.
            EventKind::Released { held: false, queried, .. } => {
                queried || self.forgotten.iter().any(|key| may_be_same(analysis, *key, event.key))
            }
            EventKind::Acquired { .. }
            | EventKind::AttemptFailed
            | EventKind::Released { held: true, .. }
            | EventKind::WrongFlavour { .. }
            | EventKind::SavedStateReused { .. }
            | EventKind::EnabledUnder { .. }
            | EventKind::QueryAcquire => false,
        }
    }
}

fn may_be_same(analysis: &LockAnalysis<'_>, a: LockKey, b: LockKey) -> bool {
    let rigid = |key: LockKey| analysis.terms.is_rigid(key.address);
    a == b || a.family == b.family && !(rigid(a) && rigid(b))
}
