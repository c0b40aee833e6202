//! What lowering may ask of the world outside the function: the tree's index implements it.

use super::file_index::MacroDefinition;
use super::place::Name;
use rustc_hash::FxHashMap;

/// How often the block behind a macro runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockMacro {
    /// Zero or more times: `list_for_each_entry(…) {`.
    Loop,
    /// Once, or not at all: `scoped_guard(…) {`, `ASSERT_EQ(…) {`.
    Once,
}

/// A type that stands for the value it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// Points to it: `Arc<T>`.
    Pointer,
    /// Holds it in place: `LazyLock<T>`.
    InPlace,
}

/// What a call gives, where a definition out of sight cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Type of the result as text, in full paths; `T` stands for the last type argument of the first argument's type, `Self` for that
    /// type itself. Empty: unit.
    pub gives: Name,
    /// The argument whose value the result stands for: a value whose end does something to that argument's object.
    pub carries: u8,
    /// A closure among the arguments is run while that value's end has been done and not yet undone: `unlocked(&mut g, || …)`.
    pub around: bool,
}

/// What lowering may ask. Every answer may be "not known".
pub trait Environment {
    /// The definition of macro `name`, function-like or object-like.
    fn macro_definition(&self, name: &str) -> Option<&MacroDefinition>;

    /// Whether a block behind `name(…)` is a loop, read off the definition or known by name.
    fn block_macro(&self, name: &str) -> Option<BlockMacro>;

    /// Whether `name` is an attribute word (with or without an argument list) that means nothing to control flow.
    fn is_attribute(&self, name: &str) -> bool;

    /// What the file, or the tree, declares under `key` (see [`super::file_index::FileIndex::declarations`]); several when it differs
    /// from place to place.
    fn declared(&self, _key: &str) -> &[Name] {
        &[]
    }

    /// What the names that the file imports stand for.
    fn imports(&self) -> Option<&FxHashMap<Name, Name>> {
        None
    }

    /// What a call of `name` gives, when that is known without a definition.
    fn signature(&self, _name: &str) -> Option<&Signature> {
        None
    }

    /// Whether a call of `name` is known to do something.
    fn knows_call(&self, _name: &str) -> bool {
        false
    }

    /// Whether values of the type with this path do something when they end; `path::drop` is what is called then.
    fn ends_with_a_call(&self, _path: &str) -> bool {
        false
    }

    /// Whether a method of this name means something on some type: one cannot pass over it without knowing the type.
    fn is_telling_method(&self, _name: &str) -> bool {
        false
    }

    /// Whether something is known of the type with this path.
    fn is_telling_type(&self, _path: &str) -> bool {
        false
    }

    /// What kind of pointer or wrapper the type with this path is.
    fn wrapper(&self, _path: &str) -> Option<Wrapper> {
        None
    }

    /// Whether a closure handed to a method of this name runs before the call returns.
    fn runs_closure(&self, _name: &str) -> bool {
        false
    }

    /// The edition of the language that the file is written in; 0 when nobody told.
    fn edition(&self) -> u16 {
        0
    }
}
