//! Between functions and files: who calls whom and which definition is meant, in which order functions are analysed, what
//! callers and siblings say.
//!
//! No frontend is called from here, and no rule.

pub mod declarations;
pub mod evidence;
pub mod macros;
pub mod schedule;
pub mod tree;
