//! What lowering may ask of the world outside the function: the tree's index implements it.

use super::file_index::MacroDefinition;

/// How often the block behind a macro runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockMacro {
    /// Zero or more times: `list_for_each_entry(…) {`.
    Loop,
    /// Once, or not at all: `scoped_guard(…) {`, `ASSERT_EQ(…) {`.
    Once,
}

/// What lowering may ask. Every answer may be "not known".
pub trait Environment {
    /// The definition of macro `name`, function-like or object-like.
    fn macro_definition(&self, name: &str) -> Option<&MacroDefinition>;

    /// Whether a block behind `name(…)` is a loop, read off the definition or known by name.
    fn block_macro(&self, name: &str) -> Option<BlockMacro>;

    /// Whether `name` is an attribute word (with or without an argument list) that means nothing to control flow.
    fn is_attribute(&self, name: &str) -> bool;
}
