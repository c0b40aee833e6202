//! From files to the index of the tree: every file is read once; what its relevant functions need is kept.
//!
//! ```text
//! path ─ read ─▶ FileIndex + References ─▶ TreeIndex (names, calls, slots)
//!                                     ├──▶ SharedMacros (of headers)
//!                                     └──▶ Unit (the text of relevant functions, the macros of their file)
//! ```

use super::{Progress, Settings, environment};
use crate::frontend::{self, Frontend};
use crate::interproc::declarations::SharedDeclarations;
use crate::interproc::macros::{self, SharedMacros};
use crate::interproc::tree::{FunctionId, NameId, TreeIndex};
use crate::ir::file_index::{FileIndex, FunctionDefinition, MemberDirective, References};
use crate::ir::{Annotation, Linkage, Name};
use crate::source::{FileId, SourceMap, TextError, TextProvider};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// Files read before their indexes are merged: bounds what is in memory unmerged.
const BATCH: usize = 512;

/// What is kept of a file with relevant functions.
pub struct Unit {
    /// Its macros, prototypes and static variables; no functions.
    pub index: FileIndex,
    /// Its relevant functions.
    pub functions: FxHashMap<FunctionId, Source>,
}

/// A function that may be lowered.
pub struct Source {
    /// Its definition.
    pub definition: FunctionDefinition,
    /// Its text.
    pub text: Box<[u8]>,
}

/// A tree that has been read.
pub struct ReadTree {
    /// Who defines and calls what.
    pub tree: TreeIndex,
    /// Macros of headers.
    pub shared: SharedMacros,
    /// What files declare about types.
    pub declarations: SharedDeclarations,
    /// Files with relevant functions.
    pub units: FxHashMap<FileId, Unit>,
    /// For each file, which of the profiles it is read with.
    pub dialects: Vec<u8>,
    /// Variables and members that are locks which their holder may take again; not those that only their own file can name.
    pub recursive: FxHashSet<Name>,
    /// What directives say of members of records.
    pub member_directives: Vec<MemberDirective>,
    /// Functions that name a lock operation, or a macro that leads to one; sorted.
    pub direct: Vec<FunctionId>,
    /// Files that could not be read.
    pub errors: Vec<(FileId, TextError)>,
}

struct FileRead {
    index: FileIndex,
    references: References,
    dialect: Option<u8>,
    /// The language alone tells the dialect.
    decided: bool,
    /// Macros of the file that lead to lock operations.
    /// Ordinals of functions that matter, with their text.
    texts: Vec<(u32, Box<[u8]>)>,
}

/// Reads all files of `sources`.
pub fn read(
    sources: &SourceMap,
    provider: &dyn TextProvider,
    settings: &Settings,
    progress: Progress<'_>,
) -> ReadTree {
    let files: Vec<FileId> = sources.files().collect();
    let mut read = ReadTree {
        tree: TreeIndex::default(),
        shared: SharedMacros::default(),
        declarations: SharedDeclarations::default(),
        units: FxHashMap::default(),
        dialects: Vec::with_capacity(files.len()),
        recursive: FxHashSet::default(),
        member_directives: Vec::new(),
        direct: Vec::new(),
        errors: Vec::new(),
    };
    let mut unmarked: Vec<FileId> = Vec::new();
    let mut votes: FxHashMap<u8, usize> = FxHashMap::default();
    for batch in files.chunks(BATCH) {
        let done: Vec<(FileId, Result<FileRead, TextError>)> = batch
            .par_iter()
            .map(|&file| {
                let result = read_file(file, sources, provider, settings);
                progress();
                (file, result)
            })
            .collect();
        for (file, result) in done {
            let found = result.unwrap_or_else(|error| {
                read.errors.push((file, error));
                FileRead::nothing()
            });
            match found.dialect {
                // A file whose language says how it is read has no say in how others are.
                Some(_) if found.decided => {}
                Some(dialect) => *votes.entry(dialect).or_default() += 1,
                None => unmarked.push(file),
            }
            read.dialects.push(found.dialect.unwrap_or_default());
            read.merge(file, sources.path(file), found, settings);
        }
    }
    // A file that says nothing of itself speaks as most of the tree does.
    let fallback = settings.profiles.fallback_dialect();
    let majority = votes.into_iter().max_by_key(|&(dialect, count)| (count, std::cmp::Reverse(dialect)));
    let common = majority.map_or(fallback, |(dialect, _)| dialect);
    for file in unmarked {
        read.dialects[file.0 as usize] = common;
    }
    read.finish(settings, sources);
    read
}

/// A primitive's row outweighs its definitions, unless they stand in the same file for that file alone.
fn asks_definition(tree: &TreeIndex, file: FileId, meant: &[FunctionId]) -> bool {
    meant.iter().all(|&function| {
        let definition = tree.definition(function);
        definition.file == file && definition.linkage == Linkage::Internal
    })
}

/// The member that stands at a position: `row.action` for `row[3]`, where the record's members are known.
fn member_of(declarations: &SharedDeclarations, path: &str, slot: &str) -> Option<Name> {
    let (table, position) = slot.strip_suffix(']')?.rsplit_once('[')?;
    let [members] = declarations.get(&format!("layout {table}"), path) else { return None };
    let member = members.split(',').nth(position.parse().ok()?)?;
    (!member.is_empty()).then(|| Name::new(format!("{table}.{member}")))
}

impl FileRead {
    fn nothing() -> Self {
        FileRead {
            index: FileIndex::default(),
            references: References::default(),
            dialect: None,
            decided: false,
            texts: Vec::new(),
        }
    }
}

/// The frontend that reads `path`; what has no known extension was named outright, and is taken for C.
pub fn frontend_of(path: &str) -> Option<&'static Frontend> {
    frontend::for_path(path).or_else(|| frontend::FRONTENDS.first())
}

fn read_file(
    file: FileId,
    sources: &SourceMap,
    provider: &dyn TextProvider,
    settings: &Settings,
) -> Result<FileRead, TextError> {
    let path = sources.path(file);
    let failed = |reason: &str| TextError { path: path.to_owned(), reason: reason.to_owned() };
    let text = provider.read(path)?;
    if text.len() > settings.max_file_size {
        return Err(failed("larger than the size limit"));
    }
    let frontend = frontend_of(path).ok_or_else(|| failed("no frontend for this kind of file"))?;
    let mut index = (frontend.index)(file, &text);
    if let Some(reason) = &index.unreadable {
        return Err(failed(reason));
    }
    let decided = frontend.has_editions;
    if decided {
        let manifest = |path: &str| String::from_utf8(provider.read(path).ok()?).ok();
        index.edition = environment::edition_of(path, &manifest);
    }
    // What a lock operation does is given, whatever this file makes of its name.
    index.macros.retain(|name, _| !settings.profiles.is_hot(name));
    let references = (frontend.references)(&text, &index, &|name| settings.profiles.is_export(name));
    let dialect = settings.profiles.choose(&index.includes);
    let is_hot = |name: &str| settings.profiles.is_hot(name);
    let leading = macros::leading(index.macros.iter(), &is_hot);
    let declares =
        |said: &[Annotation]| said.iter().any(|annotation| settings.profiles.is_contract(&annotation.name));
    let texts = index
        .functions
        .iter()
        .enumerate()
        .filter(|(_, function)| {
            function.calls.iter().any(|call| is_hot(call) || leading.contains(call))
                || declares(&function.annotations)
                || index.prototypes.get(&function.name).is_some_and(|said| declares(said))
        })
        .map(|(ordinal, function)| (ordinal as u32, function.span.of(&text).into()))
        .collect();
    Ok(FileRead { index, references, dialect, decided, texts })
}

impl ReadTree {
    fn merge(&mut self, file: FileId, path: &str, read: FileRead, settings: &Settings) {
        let FileRead { index, references, texts, .. } = read;
        self.declarations.add(&index, path);
        self.recursive.extend(index.recursive.difference(&index.statics).cloned());
        self.member_directives.extend(index.member_directives.iter().cloned());
        let first = self.tree.len() as u32;
        let definition = |name: &str| index.macros.get(name);
        self.tree.add(file, path, &index, references, &|call, visit| {
            macros::called(&definition, call, &mut |word| visit(&Name::new(word)), 4);
        });
        if path.ends_with(".h") {
            self.shared.add(&index, &|name| settings.profiles.is_known(name));
        }
        if texts.is_empty() {
            return;
        }
        let mut unit = Unit { index, functions: FxHashMap::default() };
        let mut definitions = std::mem::take(&mut unit.index.functions);
        for (ordinal, text) in texts {
            let mut definition = definitions[ordinal as usize].clone();
            definition.calls = Vec::new();
            let id = FunctionId(first + ordinal);
            self.direct.push(id);
            unit.functions.insert(id, Source { definition, text });
        }
        definitions.clear();
        self.units.insert(file, unit);
    }

    fn finish(&mut self, settings: &Settings, sources: &SourceMap) {
        let passing = self.passing(sources);
        self.shared.finish(&|name| settings.profiles.is_hot(name), &|name| {
            self.tree.name_id(name).is_some_and(|name| passing.contains(&name))
        });
        let methods = self.tree.methods();
        self.tree.extend_calls(&|call, visit| {
            if let Some(named) = call.strip_prefix('.').and_then(|method| methods.get(method)) {
                named.iter().for_each(visit);
            }
        });
        let shared = &self.shared;
        self.tree.extend_calls(&|call, visit| {
            shared.called_by(call, &mut |word| visit(&Name::new(word)));
        });
        let dialects = &self.dialects;
        self.tree.finish(
            dialects,
            &|tree, file, name, meant| {
                let profile = settings.profiles.get(dialects[file.0 as usize]);
                let given = profile.calls.contains_key(name) || profile.not_locks.contains(name);
                asks_definition(tree, file, meant) || !given
            },
            &|file, slot| member_of(&self.declarations, sources.path(file), slot),
        );
        let known: FxHashSet<FunctionId> = self.direct.iter().copied().collect();
        let through_headers = self.tree.functions().filter(|function| {
            !known.contains(function)
                && self
                    .tree
                    .definition(*function)
                    .calls
                    .iter()
                    .any(|&call| shared.is_leading(self.tree.name(call)))
        });
        let more: Vec<FunctionId> = through_headers.collect();
        self.direct.extend(more);
        self.direct.sort_unstable();
    }

    /// Functions that other files can call and that touch locks: directly, or as one in a header that calls such a one.
    fn passing(&self, sources: &SourceMap) -> FxHashSet<NameId> {
        let in_header =
            |function: FunctionId| sources.path(self.tree.definition(function).file).ends_with(".h");
        let direct = self.direct.iter().copied().filter(|&function| {
            self.tree.definition(function).linkage == Linkage::External || in_header(function)
        });
        let direct: FxHashSet<NameId> = direct.map(|function| self.tree.definition(function).name).collect();
        let inline = self.tree.functions().filter(|&function| {
            self.tree.definition(function).calls.iter().any(|call| direct.contains(call))
                && in_header(function)
        });
        let inline: Vec<NameId> = inline.map(|function| self.tree.definition(function).name).collect();
        direct.into_iter().chain(inline).collect()
    }

    /// Fetches the texts of `functions` that were not kept; a file that cannot be read any more gives none.
    pub fn load(&mut self, functions: &[FunctionId], sources: &SourceMap, provider: &dyn TextProvider) {
        let mut wanted: FxHashMap<FileId, Vec<FunctionId>> = FxHashMap::default();
        for &function in functions {
            let file = self.tree.definition(function).file;
            if !self.units.get(&file).is_some_and(|unit| unit.functions.contains_key(&function)) {
                wanted.entry(file).or_default().push(function);
            }
        }
        let wanted: Vec<(FileId, Vec<FunctionId>)> = wanted.into_iter().collect();
        let tree = &self.tree;
        let loaded: Vec<(FileId, Unit)> = wanted
            .par_iter()
            .filter_map(|(file, functions)| {
                let path = sources.path(*file);
                let text = provider.read(path).ok()?;
                let mut index = (frontend_of(path)?.index)(*file, &text);
                let manifest = |path: &str| String::from_utf8(provider.read(path).ok()?).ok();
                if frontend_of(path)?.has_editions {
                    index.edition = environment::edition_of(path, &manifest);
                }
                let definitions = std::mem::take(&mut index.functions);
                let sources = functions.iter().filter_map(|&id| {
                    let mut definition = definitions.get(tree.definition(id).ordinal as usize)?.clone();
                    definition.calls = Vec::new();
                    let text = definition.span.of(&text).into();
                    Some((id, Source { definition, text }))
                });
                Some((*file, Unit { functions: sources.collect(), index }))
            })
            .collect();
        for (file, unit) in loaded {
            match self.units.get_mut(&file) {
                Some(known) => known.functions.extend(unit.functions),
                None => {
                    self.units.insert(file, unit);
                }
            }
        }
    }

    /// The text of a relevant function, with its file.
    pub fn source(&self, function: FunctionId) -> Option<(&Unit, &Source)> {
        let unit = self.units.get(&self.tree.definition(function).file)?;
        Some((unit, unit.functions.get(&function)?))
    }
}
