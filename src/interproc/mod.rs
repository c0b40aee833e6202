//! From single functions to files and trees: who calls whom, in which order functions are analysed, what callers say.
//!
//! Bodies come through a closure; no frontend is called from here.

pub mod callers;
pub mod file;
