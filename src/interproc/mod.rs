//! Between functions: who calls whom, in which order functions are analysed, what callers say.
//!
//! No frontend is called from here, and no rule.

pub mod callers;
pub mod order;
