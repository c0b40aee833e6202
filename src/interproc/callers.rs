//! Evidence from callers: what becomes of a lock that a function hands over, and who holds what it releases.

use crate::ir::{Callee, Name, StatementKind};
use crate::lock::analysis::LockAnalysis;
use crate::lock::event::EventKind;
use crate::lock::exits::Imbalance;

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
                let handed_on = matches!(analysis.imbalance(event.key, false), Imbalance::HandsOver { .. });
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
