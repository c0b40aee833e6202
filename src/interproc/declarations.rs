//! What the files of a tree declare about types, merged.
//!
//! A key may be declared differently in several places: records of one name in different modules. Of a member the nearest declaration is
//! meant, as of functions; of a type's own name all are kept, and whoever asks must live with not knowing.

use crate::ir::Name;
use crate::ir::file_index::FileIndex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Declarations of one key that are kept.
const LIMIT: usize = 16;

#[derive(Debug, Default)]
struct Entry {
    /// What is declared, each text once.
    texts: SmallVec<[Name; 1]>,
    /// Which text, by which folder.
    places: SmallVec<[(u8, u32); 1]>,
}

/// Declarations of a tree.
#[derive(Debug, Default)]
pub struct SharedDeclarations {
    entries: FxHashMap<Name, Entry>,
    folders: Vec<Box<str>>,
}

impl SharedDeclarations {
    /// Adds what the file at `path` declares.
    pub fn add(&mut self, index: &FileIndex, path: &str) {
        if index.declarations.is_empty() {
            return;
        }
        let folder = self.folders.len() as u32;
        self.folders.push(path.rsplit_once('/').map_or("", |(folder, _)| folder).into());
        for (key, text) in &index.declarations {
            let entry = self.entries.entry(key.clone()).or_default();
            let at = match entry.texts.iter().position(|known| known == text) {
                Some(at) => at,
                None if entry.texts.len() < LIMIT => {
                    entry.texts.push(text.clone());
                    entry.texts.len() - 1
                }
                None => continue,
            };
            if entry.places.len() < LIMIT {
                entry.places.push((at as u8, folder));
            }
        }
    }

    /// What is declared under `key`, seen from the file at `path`.
    pub fn get(&self, key: &str, path: &str) -> &[Name] {
        let Some(entry) = self.entries.get(key) else { return &[] };
        if entry.texts.len() == 1 || !is_member(key) {
            return &entry.texts;
        }
        let here = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let steps = |folder: u32| distance(here, &self.folders[folder as usize]);
        let Some(least) = entry.places.iter().map(|place| steps(place.1)).min() else { return &entry.texts };
        let mut nearest = entry.places.iter().filter(|place| steps(place.1) == least).map(|place| place.0);
        match nearest.next() {
            Some(first) if nearest.all(|other| other == first) => {
                std::slice::from_ref(&entry.texts[usize::from(first)])
            }
            _ => &entry.texts,
        }
    }
}

/// Whether a key is of something in a record, rather than of a type or function by itself.
fn is_member(key: &str) -> bool {
    key.contains('.') || key.starts_with("members ") || key.starts_with("layout ")
}

/// Steps through the folders from one to the other.
fn distance(here: &str, there: &str) -> usize {
    let (here, there): (Vec<&str>, Vec<&str>) = (here.split('/').collect(), there.split('/').collect());
    let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
    here.len() + there.len() - 2 * shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declaring(key: &str, text: &str) -> FileIndex {
        let declarations = [(Name::new(key), Name::new(text))].into_iter().collect();
        FileIndex { declarations, ..FileIndex::default() }
    }

    #[test]
    fn the_nearest_member_is_meant_and_types_stay_several() {
        let mut all = SharedDeclarations::default();
        for (path, text) in [("src/gl/mod.rs", "u8"), ("src/vk/mod.rs", "u16")] {
            all.add(&declaring("Device.lock", text), path);
            all.add(&declaring("type Lock", text), path);
        }
        assert_eq!(all.get("Device.lock", "src/gl/queue.rs"), ["u8"]);
        assert_eq!(all.get("Device.lock", "src/vk/a/b.rs"), ["u16"]);
        assert_eq!(all.get("Device.lock", "src/lib.rs"), ["u8", "u16"]);
        assert_eq!(all.get("type Lock", "src/gl/queue.rs"), ["u8", "u16"]);
        assert!(all.get("nothing", "src/lib.rs").is_empty());
    }
}
