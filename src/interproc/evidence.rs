//! Evidence about a function from outside it: what becomes of a lock that it hands over, who holds what it releases, and what
//! functions in the same place do.

use crate::ir::{Callee, Name, StatementKind};
use crate::lock::analysis::LockAnalysis;
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;
use crate::profile::FamilyId;

/// What callers and siblings of a function say about the locks that it leaves changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Callers seen.
    pub callers: usize,
    /// Nobody else can call it.
    pub all_visible: bool,
    /// Nobody in the file calls it by name, but its address is taken: it is called through a pointer.
    pub callback: bool,
    /// Callers give back what they were handed (or promise to hand it on), and they outnumber those that do neither.
    pub consumed: bool,
    /// Callers hold what the function releases, and they outnumber those that do not.
    pub supplied: bool,
    /// Variables of the file whose locks this function leaves out of balance, and no other function the other way.
    pub lonely: Vec<Name>,
    /// It is put where others are put too, and nearly all of those leave locks as they were.
    pub deviates: bool,
    /// It is put where others are put too, and many of those leave locks changed as it does.
    pub conforms: bool,
}

/// The variables whose locks the body leaves held (`true`), or releases for others (`false`).
pub fn open_globals(analysis: &LockAnalysis<'_>) -> Vec<(Name, bool)> {
    let mut open = Vec::new();
    for key in analysis.keys() {
        let Some(name) = analysis.root_global(key) else { continue };
        let balance = analysis.balance(key, true);
        if !balance.held.is_empty() {
            open.push((name.clone(), true));
        }
        if !balance.released.is_empty() {
            open.push((name, false));
        }
    }
    open
}

/// What one caller does with the locks of one family that one callee changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerUse {
    /// The callee.
    pub callee: Name,
    /// The family of the locks.
    pub family: FamilyId,
    /// The caller gives back what the callee took, or promises its own callers to hand it on.
    pub consumes: bool,
    /// The caller holds what the callee releases, or promises its own callers to release it.
    pub supplies: bool,
    /// The caller leaves to its own callers, without a contract, what the callee left changed.
    pub passes_on: bool,
    /// Its name promises that it does.
    pub promised: bool,
}

impl CallerUse {
    /// What one caller that does not pass the change on says.
    pub fn tally(&self) -> Tally {
        Tally {
            consuming: usize::from(self.consumes),
            supplying: usize::from(self.supplies && !self.consumes),
            contradicting: usize::from(!(self.consumes || self.supplies)),
        }
    }
}

/// How many callers act on a change of locks, and how many as if there were none. "Bugs as deviant behavior" (Engler et al.,
/// SOSP 2001): what most callers do is what the callee means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Callers that give back what was taken.
    pub consuming: usize,
    /// Callers that hold what is released.
    pub supplying: usize,
    /// Callers that do neither.
    pub contradicting: usize,
}

impl Tally {
    /// One caller that acts as if there were no change.
    pub const AGAINST: Tally = Tally { consuming: 0, supplying: 0, contradicting: 1 };

    /// Callers that act on it.
    pub fn bearing(&self) -> usize {
        self.consuming + self.supplying
    }

    /// Whether callers say that the change is meant: somebody does, and no majority speaks against it.
    pub fn bears_out(&self) -> bool {
        self.bearing() > 0 && self.bearing() >= self.contradicting
    }

    /// Counts what others say too.
    pub fn add(&mut self, other: Tally) {
        self.consuming += other.consuming;
        self.supplying += other.supplying;
        self.contradicting += other.contradicting;
    }
}

/// What the analysed body does with the locks of the callees in sight.
pub fn uses(analysis: &LockAnalysis<'_>) -> Vec<CallerUse> {
    let mut found: Vec<CallerUse> = Vec::new();
    let mut note = |this: CallerUse| {
        let same = |known: &&mut CallerUse| known.callee == this.callee && known.family == this.family;
        match found.iter_mut().find(same) {
            Some(known) => {
                known.consumes |= this.consumes;
                known.supplies |= this.supplies;
                known.passes_on |= this.passes_on;
                known.promised |= this.promised;
            }
            None => found.push(this),
        }
    };
    let name = &analysis.body().name;
    for event in &analysis.events {
        let family = event.key.family;
        match &event.kind {
            EventKind::Acquired { by: Some(callee) } => {
                let handed_on = matches!(analysis.imbalance(event.key, false), Imbalance::HandsOver { .. });
                let declared = analysis.declares_contract();
                note(CallerUse {
                    callee: callee.clone(),
                    family,
                    consumes: analysis.releases(event.key) || handed_on && declared,
                    supplies: false,
                    passes_on: handed_on && !declared,
                    promised: convention::promises_to_take(name),
                });
            }
            EventKind::Released { held, .. } => {
                let statement = analysis.body().cfg.statement(event.at).map(|statement| &statement.kind);
                if let Some(StatementKind::Call { callee: Callee::Named(callee), .. }) = statement {
                    let passed_on =
                        matches!(analysis.imbalance(event.key, false), Imbalance::TakesOver { .. });
                    let declared = analysis.declares_contract();
                    note(CallerUse {
                        callee: callee.clone(),
                        family,
                        consumes: false,
                        supplies: *held || passed_on && declared,
                        passes_on: passed_on && !declared,
                        promised: convention::promises_to_release(name),
                    });
                }
            }
            _ => {}
        }
    }
    found
}
