//! What happens to locks: the analysis proper.
//!
//! ```text
//! Body + Meanings ── analysis (states, transfer, joins) ──▶ events, exits ── judge ──▶ findings to be witnessed
//!                                                             └── summary (for callers)
//! ```

pub mod analysis;
mod assume;
mod calls;
pub mod certificate;
pub mod convention;
pub mod demand;
mod effects;
mod eval;
pub mod event;
pub mod exits;
pub mod meaning;
pub mod relevance;
pub mod replay;
pub mod state;
pub mod summary;
pub mod terms;
pub mod witness;
