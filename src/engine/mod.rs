//! The fixpoint machine: explores a control-flow graph with sets of disjuncts, blind to what they mean.
//!
//! ```text
//! worklist ─▶ node (block, state) ─ statements ─▶ states ─ edges ─▶ states ─ settle ─▶ insert at target
//!                 ▲                                                                        │ equal? merge? new?
//!                 └────────────────────────────────────────────────────────────────────────┘
//! ```

pub mod analysis;
pub mod explore;

pub use analysis::{Analysis, Merge};
pub use explore::{DisjunctLimit, Node, NodeId, Results, explore};
