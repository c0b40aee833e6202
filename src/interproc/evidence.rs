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
    /// The caller gives back what the callee took, or hands it on.
    pub consumes: bool,
    /// The caller holds what the callee releases.
    pub supplies: bool,
}

/// What the analysed body does with the locks of the callees in sight.
pub fn uses(analysis: &LockAnalysis<'_>) -> Vec<CallerUse> {
    let mut found: Vec<CallerUse> = Vec::new();
    let mut note = |callee: &Name, consumes: bool, supplies: bool| match found
        .iter_mut()
        .find(|known| known.callee == *callee)
    {
        Some(known) => {
            known.consumes |= consumes;
            known.supplies |= supplies;
        }
        None => found.push(CallerUse { callee: callee.clone(), consumes, supplies }),
    };
    for event in &analysis.events {
        match &event.kind {
            EventKind::Acquired { by: Some(callee) } => {
                // Handing on says something only of a caller that promises to.
                let promised =
                    convention::promises_to_take(&analysis.body().name) || analysis.declares_contract();
                let handed_on =
                    promised && matches!(analysis.imbalance(event.key, false), Imbalance::HandsOver { .. });
                let released = analysis.releases(event.key);
                note(callee, released || handed_on, false);
            }
            EventKind::Released { held, .. } => {
                let statement = analysis.body().cfg.statement(event.at).map(|statement| &statement.kind);
                if let Some(StatementKind::Call { callee: Callee::Named(callee), .. }) = statement {
                    let passed_on =
                        matches!(analysis.imbalance(event.key, false), Imbalance::TakesOver { .. });
                    note(callee, false, *held || passed_on);
                }
            }
            _ => {}
        }
    }
    found
}
