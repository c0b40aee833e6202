//! Evidence about a function from outside it: what becomes of a lock that it hands over, who holds what it releases, and what
//! functions in the same place do.

use crate::ir::{Callee, Name, StatementKind};
use crate::lock::analysis::LockAnalysis;
use crate::lock::convention;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

/// What callers and siblings of a function say about the locks that it leaves changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Callers seen.
    pub callers: usize,
    /// Nobody else can call it.
    pub all_visible: bool,
    /// Nobody in the file calls it by name, but its address is taken: it is called through a pointer.
    pub callback: bool,
    /// Some caller gives back what it was handed (or hands it on).
    pub consumed: bool,
    /// Some caller holds what the function releases.
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

/// What one caller does with one callee's locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerUse {
    /// The callee.
    pub callee: Name,
    /// The caller gives back what the callee took, or promises its own callers to hand it on.
    pub consumes: bool,
    /// The caller holds what the callee releases, or promises its own callers to release it.
    pub supplies: bool,
    /// The caller leaves to its own callers, without a word, what the callee left changed.
    pub passes_on: bool,
}

/// What the analysed body does with the locks of the callees in sight.
pub fn uses(analysis: &LockAnalysis<'_>) -> Vec<CallerUse> {
    let mut found: Vec<CallerUse> = Vec::new();
    let mut note = |this: CallerUse| match found.iter_mut().find(|known| known.callee == this.callee) {
        Some(known) => {
            known.consumes |= this.consumes;
            known.supplies |= this.supplies;
            known.passes_on |= this.passes_on;
        }
        None => found.push(this),
    };
    let name = &analysis.body().name;
    for event in &analysis.events {
        match &event.kind {
            EventKind::Acquired { by: Some(callee) } => {
                let handed_on = matches!(analysis.imbalance(event.key, false), Imbalance::HandsOver { .. });
                let promised = convention::promises_to_take(name) || analysis.declares_contract();
                note(CallerUse {
                    callee: callee.clone(),
                    consumes: analysis.releases(event.key) || handed_on && promised,
                    supplies: false,
                    passes_on: handed_on && !promised,
                });
            }
            EventKind::Released { held, .. } => {
                let statement = analysis.body().cfg.statement(event.at).map(|statement| &statement.kind);
                if let Some(StatementKind::Call { callee: Callee::Named(callee), .. }) = statement {
                    let passed_on =
                        matches!(analysis.imbalance(event.key, false), Imbalance::TakesOver { .. });
                    let promised = convention::promises_to_release(name) || analysis.declares_contract();
                    note(CallerUse {
                        callee: callee.clone(),
                        consumes: false,
                        supplies: *held || passed_on && promised,
                        passes_on: passed_on && !promised,
                    });
                }
            }
            _ => {}
        }
    }
    found
}
