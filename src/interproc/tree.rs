//! The index of the tree: what its files define, who calls whom by name, and which definition a call means.
//!
//! ```text
//! FileIndex of each file ── add ──▶ names, definitions, callers by name ── resolve(file, name) ──▶ definitions meant
//! ```
//!
//! A name has often more than one definition: architectures, configurations, copies of whole folders. The nearest one is
//! meant: the same file, then whatever takes the fewest steps through the folders. Equally near ones are all meant.

use crate::ir::file_index::{FileIndex, References, word_hash};
use crate::ir::{Linkage, Name};
use crate::source::FileId;
use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// Types that may have a method of one name, so that a call of it on a type not told yet may still mean each of them.
const NAMESAKE_LIMIT: usize = 40;

/// A name of the tree: an index into its table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// A function definition of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// Gives, for a called name, further names that it leads to: what a macro calls.
pub type LeadsTo<'l> = &'l dyn Fn(&str, &mut dyn FnMut(&Name));

/// Whether the definitions that a name called in a file may mean are asked what it does.
pub type AsksDefinition<'a> = &'a (dyn Fn(&TreeIndex, FileId, &Name, &[FunctionId]) -> bool + Sync);

/// Which member a slot called by its position is, seen from a file: of `row[3]`, `row.action`.
pub type MemberAt<'a> = &'a dyn Fn(FileId, &str) -> Option<Name>;

/// What the tree keeps of a function definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: NameId,
    /// The file it stands in.
    pub file: FileId,
    /// Which of that file's functions it is.
    pub ordinal: u32,
    /// Who can call it.
    pub linkage: Linkage,
    /// Names that it calls, each once.
    pub calls: Box<[NameId]>,
}

/// What the tree keeps of a file.
#[derive(Clone, Debug)]
struct FileEntry {
    folders: Box<[u32]>,
    folder: Folder,
    /// Its definitions by name.
    own: FxHashMap<NameId, SmallVec<[FunctionId; 1]>>,
    /// The vocabulary that its functions are read with; summaries do not cross from one to another.
    dialect: u8,
}

/// A folder of the tree, by one of the files in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Folder(u32);

/// Where a function is put to be called through a pointer: all that are put into one slot should do alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub Name);

/// The index of a tree.
#[derive(Default)]
pub struct TreeIndex {
    names: IndexSet<Name, FxBuildHasher>,
    definitions: Vec<Definition>,
    /// Definitions that other files can mean.
    visible: FxHashMap<NameId, SmallVec<[FunctionId; 1]>>,
    files: Vec<FileEntry>,
    folders: IndexSet<Name, FxBuildHasher>,
    known_folders: FxHashMap<Box<[u32]>, Folder>,
    /// What each definition's calls mean, by name.
    edges: Vec<Box<[(NameId, FunctionId)]>>,
    callers: Vec<Vec<FunctionId>>,
    /// Hashes of words that stand where the address of a function may be taken.
    mentioned: FxHashSet<u32>,
    /// Slots by the function put there.
    slots: FxHashMap<NameId, Vec<(Slot, FileId)>>,
    implementors: FxHashMap<Slot, Vec<FunctionId>>,
    /// Tables that have a member of some name with functions in it.
    tables: FxHashMap<Name, Vec<Name>>,
}

impl Slot {
    /// `row.action` as the table's type and the member's name.
    pub fn table_and_member(&self) -> Option<(&str, &str)> {
        self.0.rsplit_once('.').filter(|(table, _)| !table.is_empty())
    }
}

impl TreeIndex {
    /// Adds a file; files come in the order of their ids. `extra` gives further names that a called macro leads to.
    pub fn add(
        &mut self,
        file: FileId,
        path: &str,
        index: &FileIndex,
        references: References,
        extra: LeadsTo<'_>,
    ) {
        debug_assert_eq!(self.files.len(), file.0 as usize);
        let mut folders: Vec<u32> = Vec::new();
        for folder in path.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
            folders.push(self.folders.insert_full(Name::new(folder)).0 as u32);
        }
        // Whoever includes a header sees its static functions too.
        let is_header = path.ends_with(".h");
        let mut own: FxHashMap<NameId, SmallVec<[FunctionId; 1]>> = FxHashMap::default();
        for (ordinal, function) in index.functions.iter().enumerate() {
            let name = self.intern(&function.name);
            let mut calls: Vec<NameId> = Vec::with_capacity(function.calls.len());
            for call in &function.calls {
                calls.push(self.intern(call));
                extra(call, &mut |name| calls.push(self.intern(name)));
            }
            calls.sort_unstable();
            calls.dedup();
            let id = FunctionId(self.definitions.len() as u32);
            own.entry(name).or_default().push(id);
            if is_header || function.linkage == Linkage::External {
                self.visible.entry(name).or_default().push(id);
            }
            let (ordinal, linkage) = (ordinal as u32, function.linkage);
            self.definitions.push(Definition { name, file, ordinal, linkage, calls: calls.into() });
        }
        let folders: Box<[u32]> = folders.into();
        let first = Folder(self.files.len() as u32);
        let folder = *self.known_folders.entry(folders.clone()).or_insert(first);
        self.files.push(FileEntry { folders, folder, own, dialect: 0 });
        self.mentioned.extend(references.mentioned);
        for (name, slot) in references.slots {
            let name = self.intern(&name);
            self.slots.entry(name).or_default().push((Slot(slot), file));
        }
    }

    /// Adds names that called macros of headers lead to, once those are known.
    pub fn extend_calls(&mut self, extra: LeadsTo<'_>) {
        let mut leads: FxHashMap<NameId, Vec<NameId>> = FxHashMap::default();
        for at in 0..self.names.len() {
            let mut names = Vec::new();
            extra(&self.names[at], &mut |name| names.push(name.clone()));
            if !names.is_empty() {
                let names = names.iter().map(|name| self.intern(name)).collect();
                leads.insert(NameId(at as u32), names);
            }
        }
        for definition in &mut self.definitions {
            let more: Vec<NameId> =
                definition.calls.iter().filter_map(|call| leads.get(call)).flatten().copied().collect();
            if !more.is_empty() {
                let mut calls = std::mem::take(&mut definition.calls).into_vec();
                calls.extend(more);
                calls.sort_unstable();
                calls.dedup();
                definition.calls = calls.into();
            }
        }
    }

    /// Definitions called `Type::method`, by the last word; names that too many types have are left out, for a call of such a method
    /// on something of which the type is not told yet would mean half the tree.
    pub fn methods(&self) -> FxHashMap<Name, Vec<Name>> {
        let mut methods: FxHashMap<Name, Vec<Name>> = FxHashMap::default();
        for definition in &self.definitions {
            let name = self.name(definition.name);
            if let Some((_, method)) = name.rsplit_once("::") {
                let named = methods.entry(Name::new(method)).or_default();
                if !named.contains(name) {
                    named.push(name.clone());
                }
            }
        }
        methods.retain(|_, named| named.len() <= NAMESAKE_LIMIT);
        methods
    }

    /// To be called once, when all files are in: `dialects` tells the vocabulary that each file is read with, `asks` whether the
    /// definitions of a name called in a file are asked what it does, `member_at` the names of members.
    pub fn finish(&mut self, dialects: &[u8], asks: AsksDefinition<'_>, member_at: MemberAt<'_>) {
        for (file, &dialect) in self.files.iter_mut().zip(dialects) {
            file.dialect = dialect;
        }
        let edges = self.definitions.par_iter().map(|definition| {
            let mut edges: Vec<(NameId, FunctionId)> = Vec::new();
            for &call in &definition.calls {
                let meant = self.resolve(definition.file, call);
                if asks(self, definition.file, self.name(call), &meant) {
                    edges.extend(meant.into_iter().map(|function| (call, function)));
                }
            }
            edges.into()
        });
        self.edges = edges.collect();
        self.callers = vec![Vec::new(); self.definitions.len()];
        for (at, edges) in self.edges.iter().enumerate() {
            for &(_, callee) in edges.iter().filter(|(_, callee)| callee.0 != at as u32) {
                let callers = &mut self.callers[callee.0 as usize];
                if callers.last() != Some(&FunctionId(at as u32)) {
                    callers.push(FunctionId(at as u32));
                }
            }
        }
        for (slot, file) in self.slots.values_mut().flatten() {
            if let Some(name) = slot.0.ends_with(']').then(|| member_at(*file, &slot.0)).flatten() {
                slot.0 = name;
            }
        }
        let mut puts: Vec<(Slot, FunctionId)> = Vec::new();
        for (&name, slots) in &self.slots {
            for (slot, file) in slots {
                puts.extend(self.resolve(*file, name).iter().map(|&function| (slot.clone(), function)));
            }
        }
        puts.sort_unstable();
        puts.dedup();
        for (slot, function) in puts {
            self.implementors.entry(slot).or_default().push(function);
        }
        for slot in self.implementors.keys() {
            if let Some((table, member)) = slot.table_and_member() {
                self.tables.entry(Name::new(member)).or_default().push(Name::new(table));
            }
        }
        self.tables.values_mut().for_each(|tables| tables.sort_unstable());
    }

    fn intern(&mut self, name: &Name) -> NameId {
        match self.names.get_index_of(name) {
            Some(at) => NameId(at as u32),
            None => NameId(self.names.insert_full(name.clone()).0 as u32),
        }
    }

    /// The id of `name`, when anything in the tree is called so.
    pub fn name_id(&self, name: &str) -> Option<NameId> {
        self.names.get_index_of(name).map(|at| NameId(at as u32))
    }

    /// The text of a name.
    pub fn name(&self, id: NameId) -> &Name {
        &self.names[id.0 as usize]
    }

    /// The definition.
    pub fn definition(&self, id: FunctionId) -> &Definition {
        &self.definitions[id.0 as usize]
    }

    /// All definitions, in the order of files and text.
    pub fn functions(&self) -> impl Iterator<Item = FunctionId> + use<> {
        (0..self.definitions.len() as u32).map(FunctionId)
    }

    /// Number of definitions.
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether the tree defines no function.
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// The definitions that a call of `name` in `file` may mean, nearest only; several when equally near.
    pub fn resolve(&self, file: FileId, name: NameId) -> SmallVec<[FunctionId; 1]> {
        if let Some(own) = self.files[file.0 as usize].own.get(&name) {
            return own.clone();
        }
        let Some(candidates) = self.visible.get(&name) else { return SmallVec::new() };
        let mut nearest: SmallVec<[FunctionId; 1]> = SmallVec::new();
        let mut distance = usize::MAX;
        for &candidate in candidates {
            let Some(steps) = self.distance(file, candidate) else { continue };
            if steps < distance {
                distance = steps;
                nearest.clear();
            }
            if steps == distance {
                nearest.push(candidate);
            }
        }
        nearest
    }

    /// The folder that `function` stands in.
    pub fn folder(&self, function: FunctionId) -> Folder {
        self.files[self.definition(function).file.0 as usize].folder
    }

    /// Steps through the folders from `file` to the definition; `None` when `file` cannot mean it.
    fn distance(&self, file: FileId, candidate: FunctionId) -> Option<usize> {
        let (here, there) =
            (&self.files[file.0 as usize], &self.files[self.definition(candidate).file.0 as usize]);
        if here.dialect != there.dialect {
            return None;
        }
        let shared = here.folders.iter().zip(&there.folders).take_while(|(a, b)| a == b).count();
        Some(1 + here.folders.len() + there.folders.len() - 2 * shared)
    }

    /// What the calls in `function` mean: the called name and a definition, sorted; a name stands several times when it may mean
    /// several.
    pub fn edges(&self, function: FunctionId) -> &[(NameId, FunctionId)] {
        &self.edges[function.0 as usize]
    }

    /// The definitions that a call of `name` in `function` may mean.
    pub fn targets(&self, function: FunctionId, name: NameId) -> &[(NameId, FunctionId)] {
        let edges = self.edges(function);
        let start = edges.partition_point(|edge| edge.0 < name);
        let end = edges.partition_point(|edge| edge.0 <= name);
        &edges[start..end]
    }

    /// The functions that call `function` by its name and mean it, other than itself.
    pub fn callers(&self, function: FunctionId) -> &[FunctionId] {
        &self.callers[function.0 as usize]
    }

    /// Whether the function's name stands somewhere without being called: its address may be taken.
    pub fn may_be_pointed_to(&self, function: FunctionId) -> bool {
        self.mentioned.contains(&word_hash(self.name(self.definition(function).name).as_bytes()))
    }

    /// The slots that `function` is put into.
    pub fn slots_of(&self, function: FunctionId) -> Vec<&Slot> {
        let Some(slots) = self.slots.get(&self.definition(function).name) else { return Vec::new() };
        let mut found: Vec<&Slot> = slots
            .iter()
            .map(|(slot, _)| slot)
            .filter(|slot| self.implementors.get(slot).is_some_and(|all| all.contains(&function)))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The types of the tables that have functions in a member called `member`; sorted.
    pub fn tables_with(&self, member: &str) -> &[Name] {
        self.tables.get(member).map_or(&[], Vec::as_slice)
    }

    /// All slots with functions in them, in no order.
    pub fn slots(&self) -> impl Iterator<Item = (&Slot, &[FunctionId])> {
        self.implementors.iter().map(|(slot, functions)| (slot, functions.as_slice()))
    }

    /// Whether some function of the tree is called `name` in the body of `function`, or a member of that name is.
    pub fn calls(&self, function: FunctionId, name: NameId) -> bool {
        self.definition(function).calls.binary_search(&name).is_ok()
    }

    /// The functions put into `slot`.
    pub fn implementors(&self, slot: &Slot) -> &[FunctionId] {
        self.implementors.get(slot).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests;
