//! What lowering may ask, answered from one file's declarations, the tree's, and what the profile says of types.

use crate::ir::Name;
use crate::ir::environment::{BlockMacro, Environment, Signature, Wrapper};
use crate::ir::file_index::{FileIndex, MacroDefinition};
use rustc_hash::FxHashMap;

/// What a profile says of types and methods.
pub trait Types {
    /// See [`Environment::signature`].
    fn signature(&self, name: &str) -> Option<&Signature>;
    /// See [`Environment::knows_call`].
    fn knows_call(&self, name: &str) -> bool;
    /// See [`Environment::ends_with_a_call`].
    fn is_guard(&self, path: &str) -> bool;
    /// See [`Environment::is_telling_method`].
    fn is_method(&self, name: &str) -> bool;
    /// See [`Environment::is_telling_type`].
    fn is_type(&self, path: &str) -> bool;
    /// See [`Environment::wrapper`].
    fn wrapper(&self, path: &str) -> Option<Wrapper>;
    /// See [`Environment::runs_closure`].
    fn runs_closure(&self, name: &str) -> bool;
}

/// What the tree declares under a key.
pub trait Declared {
    /// What is declared under `key`.
    fn declared(&self, key: &str) -> &[Name];
}

/// The environment of a file.
pub struct FileEnvironment<'a> {
    index: &'a FileIndex,
    tree: &'a dyn Declared,
    types: &'a dyn Types,
}

impl<'a> FileEnvironment<'a> {
    /// `tree`: what all files declare.
    pub fn new(index: &'a FileIndex, tree: &'a dyn Declared, types: &'a dyn Types) -> Self {
        FileEnvironment { index, tree, types }
    }
}

impl Environment for FileEnvironment<'_> {
    fn macro_definition(&self, _: &str) -> Option<&MacroDefinition> {
        None
    }

    fn block_macro(&self, _: &str) -> Option<BlockMacro> {
        None
    }

    fn is_attribute(&self, _: &str) -> bool {
        false
    }

    fn declared(&self, key: &str) -> &[Name] {
        match self.index.declarations.get(key) {
            Some(own) => std::slice::from_ref(own),
            None => self.tree.declared(key),
        }
    }

    fn imports(&self) -> Option<&FxHashMap<Name, Name>> {
        Some(&self.index.imports)
    }

    fn signature(&self, name: &str) -> Option<&Signature> {
        self.types.signature(name)
    }

    fn knows_call(&self, name: &str) -> bool {
        self.types.knows_call(name)
    }

    fn ends_with_a_call(&self, path: &str) -> bool {
        self.types.is_guard(path)
    }

    fn is_telling_method(&self, name: &str) -> bool {
        self.types.is_method(name)
    }

    fn is_telling_type(&self, path: &str) -> bool {
        self.types.is_type(path)
    }

    fn wrapper(&self, path: &str) -> Option<Wrapper> {
        self.types.wrapper(path)
    }

    fn runs_closure(&self, name: &str) -> bool {
        self.types.runs_closure(name)
    }

    fn edition(&self) -> u16 {
        self.index.edition
    }
}
