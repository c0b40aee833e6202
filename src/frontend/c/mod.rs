//! The C frontend: source that no preprocessor has touched.
//!
//! ```text
//! file ── scan ──▶ FileIndex (function boundaries, macros, annotations)
//! function slice ── mask (same length) ──▶ tree-sitter ── lower ──▶ Body
//!        └───────── structure (independent reader) ── must agree ──┘
//! ```

pub mod conditionals;
pub mod environment;
pub mod lex;
pub mod lower;
pub mod macros;
pub mod mask;
mod record;
pub mod references;
pub mod scan;
pub mod structure;
mod text;

use super::Frontend;

/// C.
pub const FRONTEND: Frontend = Frontend {
    name: "c",
    extensions: &["c", "h"],
    has_editions: false,
    index: scan::index,
    references: references::references,
    lower: lower::lower,
};
