//! What the files of a tree declare about types, merged: a key that means different things in different places keeps them all.

use crate::ir::Name;
use crate::ir::file_index::FileIndex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Declarations that differ are kept up to this number.
const DIFFERING_LIMIT: usize = 4;

/// Declarations of a tree.
#[derive(Debug, Default)]
pub struct SharedDeclarations(FxHashMap<Name, SmallVec<[Name; 1]>>);

impl SharedDeclarations {
    /// Adds what a file declares.
    pub fn add(&mut self, index: &FileIndex) {
        for (key, text) in &index.declarations {
            let known = self.0.entry(key.clone()).or_default();
            if !known.contains(text) && known.len() < DIFFERING_LIMIT {
                known.push(text.clone());
            }
        }
    }

    /// What is declared under `key`.
    pub fn get(&self, key: &str) -> &[Name] {
        self.0.get(key).map_or(&[], SmallVec::as_slice)
    }
}
