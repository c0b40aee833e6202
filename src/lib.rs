//! lockbalance: proves that every path from a lock acquisition releases exactly once.
//!
//! The modules stand along one street, and each imports only from floors below its own; `docs/architecture.md`
//! holds the table, and a test reads it.

pub mod cli;
pub mod diagnostic;
pub mod driver;
pub mod engine;
pub mod frontend;
pub mod interproc;
pub mod ir;
pub mod lock;
pub mod profile;
pub mod recovery;
pub mod report;
pub mod rules;
pub mod source;
pub mod view;
