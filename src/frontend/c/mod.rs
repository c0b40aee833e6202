//! The C frontend: source that no preprocessor has touched.
//!
//! ```text
//! file ── scan ──▶ FileIndex (function boundaries, macros, annotations)
//! function slice ── mask (same length) ──▶ tree-sitter ── lower ──▶ Body
//!        └───────── structure (independent reader) ── must agree ──┘
//! ```

use super::Frontend;

/// C.
pub const FRONTEND: Frontend = todo_frontend();

const fn todo_frontend() -> Frontend {
    Frontend {
        name: "c",
        extensions: &["c", "h"],
        index: |_, _| Default::default(),
        lower: |_, _, f, _| crate::ir::BodyBuilder::new(f.name.clone(), f.span).finish(),
    }
}
