//! What happens to locks: the analysis proper.
//!
//! ```text
//! Body + Meanings ── analysis (states, transfer, joins) ──▶ events, exits ── judge ──▶ findings to be witnessed
//!                                                             └── summary (for callers)
//! ```

pub mod analysis;
mod apply;
mod assume;
mod calls;
pub mod certificate;
pub mod contract;
pub mod convention;
pub mod declared;
pub mod demand;
mod disturb;
mod effects;
mod eval;
pub mod event;
pub mod exits;
mod fold;
mod holding;
mod leave;
pub mod locals;
mod masks;
pub mod meaning;
pub mod obligations;
pub mod path;
mod presume;
pub mod relevance;
pub mod replay;
mod search;
pub mod slot;
pub mod state;
mod summarise;
pub mod summary;
pub mod takes;
pub mod terms;
pub mod tour;
pub mod witness;
