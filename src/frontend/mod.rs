//! Frontends: text to [`FileIndex`], text and an [`Environment`] to [`Body`].
//!
//! A language is one folder here and one line in [`FRONTENDS`]. Lowering never fails: what it does not
//! understand it turns into `Opaque` and counts.

pub mod c;
pub mod directive;
pub mod rust;

use crate::ir::file_index::{FileIndex, FunctionDefinition, References};
use crate::ir::{Body, Environment};
use crate::source::FileId;

/// Reads [`References`] off a text, given its index and which macros only publish a name.
pub type ReferencesReader = fn(&[u8], &FileIndex, &dyn Fn(&str) -> bool) -> References;

/// One language.
pub struct Frontend {
    /// Its name, `c`.
    pub name: &'static str,
    /// File extensions without the dot.
    pub extensions: &'static [&'static str],
    /// What a text means depends on the edition that a manifest says.
    pub has_editions: bool,
    /// What the file defines, in one pass, without parsing bodies.
    pub index: fn(FileId, &[u8]) -> FileIndex,
    /// Where the file mentions functions without calling them; the last argument tells macros that only publish a name.
    pub references: ReferencesReader,
    /// Lowers one of the functions that `index` found, given its own text.
    pub lower: fn(FileId, &[u8], &FunctionDefinition, &dyn Environment) -> Body,
}

/// All languages.
pub static FRONTENDS: &[Frontend] = &[c::FRONTEND, rust::FRONTEND];

/// The frontend for a path, by its extension.
pub fn for_path(path: &str) -> Option<&'static Frontend> {
    let extension = path.rsplit_once('.')?.1;
    FRONTENDS.iter().find(|frontend| frontend.extensions.contains(&extension))
}
