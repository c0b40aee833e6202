//! The Rust frontend: syn's tree of a file, without a compiler and without a build.
//!
//! ```text
//! file ── measure (depth) ── syn ──▶ index (functions, closures, calls) + declare (types of members, results, statics)
//! function slice ── syn ── lower (scopes, drops, temporaries by edition) + types ──▶ Body
//! ```
//!
//! A tree is dropped as soon as its file is read: spans cannot leave their thread, and a slice is parsed again to be lowered.

mod declare;
pub mod environment;
pub mod index;
pub mod lower;
mod macros;
mod measure;
mod names;
mod tables;
mod types;

use super::Frontend;
use crate::ir::file_index::{FileIndex, References};

/// Rust.
pub const FRONTEND: Frontend = Frontend {
    name: "rust",
    extensions: &["rs"],
    has_editions: true,
    index: index::index,
    references,
    lower: lower::lower,
};

/// Which functions are put into tables was seen when the file was indexed.
fn references(_: &[u8], index: &FileIndex, _: &dyn Fn(&str) -> bool) -> References {
    References { slots: index.puts.clone(), ..References::default() }
}
