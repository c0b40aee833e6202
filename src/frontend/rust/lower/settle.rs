//! Types settled: names that the file or the tree makes for types are followed to what is known of them.

use super::Lowerer;
use crate::frontend::rust::types::{self, Ty, last_word};
use crate::ir::Name;

/// Aliases followed.
const ALIAS_LIMIT: usize = 6;
/// Members within members that are looked through for a guard.
const MEMBER_LIMIT: usize = 3;

impl Lowerer<'_> {
    /// Reads a type of the slice.
    pub(super) fn read_type(&self, ty: &syn::Type) -> Ty {
        self.settle(types::read(ty, &self.names, 0))
    }

    /// Reads a declared type.
    pub(super) fn parse_type(&self, text: &str) -> Ty {
        self.settle(types::parse(text))
    }

    /// What `Self` is.
    pub(super) fn self_type(&self) -> Ty {
        let record = self.function.annotations.iter().find(|annotation| annotation.name == "impl");
        match record.and_then(|annotation| annotation.args.first()) {
            Some(name) => self.settle(Ty::named(name, Vec::new())),
            None => Ty::Unknown,
        }
    }

    /// The type under the name that it is known by.
    pub(super) fn settle(&self, ty: Ty) -> Ty {
        self.settle_within(ty, 0)
    }

    fn settle_within(&self, ty: Ty, depth: usize) -> Ty {
        let inner = |ty: Ty| self.settle_within(ty, depth);
        match ty {
            Ty::Named(path, args) => {
                let args: Vec<Ty> = args.into_iter().map(inner).collect();
                self.settle_path(path, args, depth)
            }
            Ty::Pointer(target) => Ty::Pointer(Box::new(inner(*target))),
            Ty::List(target) => Ty::List(Box::new(inner(*target))),
            Ty::Tuple(items) => Ty::Tuple(items.into_iter().map(inner).collect()),
            Ty::Callable(output) => Ty::Callable(Box::new(inner(*output))),
            other => other,
        }
    }

    fn settle_path(&self, path: Name, args: Vec<Ty>, depth: usize) -> Ty {
        if depth >= ALIAS_LIMIT {
            return Ty::Unknown;
        }
        if self.env.is_telling_type(&path) || self.env.wrapper(&path).is_some() {
            return Ty::Named(path, args);
        }
        let word = last_word(&path);
        if types::is_option(&path) {
            return Ty::named("Option", args);
        }
        if types::is_result(&path) && !args.is_empty() {
            return Ty::named(if word == "LockResult" { "PoisonResult" } else { word }, args);
        }
        if matches!(word, "TryLockResult" | "LockResult") && args.len() == 1 {
            return Ty::named(if word == "LockResult" { "PoisonResult" } else { "Result" }, args);
        }
        let foreign = path.contains("::")
            && !["crate", "self", "super"].iter().any(|first| path.starts_with(first))
            && path.starts_with("std::");
        if foreign {
            return Ty::Named(path, args);
        }
        self.declared_type(&path, word, args, depth)
    }

    /// A type of the tree: a record under its last word, an alias or a public import followed.
    fn declared_type(&self, path: &Name, word: &str, args: Vec<Ty>, depth: usize) -> Ty {
        let mut known: Vec<Ty> = Vec::new();
        let mut add = |ty: Ty| {
            if !known.contains(&ty) {
                known.push(ty);
            }
        };
        for alias in self.env.declared(&format!("type {word}")) {
            let target = self.instance(types::parse(alias), word, &args);
            add(self.settle_within(target, depth + 1));
        }
        let is_record = !self.env.declared(&format!("record {word}")).is_empty();
        for import in self.env.declared(&format!("use {word}")) {
            if self.env.is_telling_type(import) || self.env.wrapper(import).is_some() {
                add(Ty::Named(import.clone(), args.clone()));
            } else if !is_record && last_word(import) != word {
                add(self.settle_within(Ty::Named(import.clone(), args.clone()), depth + 1));
            }
        }
        if is_record {
            add(Ty::named(word, args.clone()));
        }
        for full in self.through_modules(path) {
            add(Ty::Named(full, args.clone()));
        }
        let single = !path.contains("::");
        for prefix in self.names.globs().filter(|_| single && known.is_empty()) {
            let full = Name::new(format!("{prefix}::{word}"));
            if self.env.is_telling_type(&full) || self.env.wrapper(&full).is_some() {
                return Ty::Named(full, args);
            }
        }
        match known.len() {
            0 => Ty::Named(path.clone(), args),
            1 => known.swap_remove(0),
            // Several types of one name, and one of them means something: nobody can tell.
            _ if known.iter().any(|ty| ty.path().is_some_and(|path| self.env.is_telling_type(path))) => {
                Ty::Unknown
            }
            _ => Ty::named(word, args),
        }
    }

    /// `crate::loom::sync::Mutex`, where some module imports `std::sync` for others: `std::sync::Mutex`.
    fn through_modules(&self, path: &Name) -> Vec<Name> {
        let words: Vec<&str> = path.split("::").collect();
        let mut found = Vec::new();
        for at in (0..words.len().saturating_sub(1)).rev() {
            for import in self.env.declared(&format!("use {}", words[at])) {
                let full = Name::new(format!("{import}::{}", words[at + 1..].join("::")));
                if self.env.is_telling_type(&full) && !found.contains(&full) {
                    found.push(full);
                }
            }
        }
        found
    }

    /// A declared type of a record, with the record's type arguments put in.
    pub(super) fn instance(&self, ty: Ty, record: &str, args: &[Ty]) -> Ty {
        match self.env.declared(&format!("parameters {record}")) {
            [names] => {
                let names: Vec<&str> = names.split(' ').collect();
                // Within the record's own methods the arguments are its parameters, under the names that they have there too.
                let own = |(at, name): (usize, &&str)| {
                    args.get(at).or_else(|| self.names.bound(name)).cloned().unwrap_or_default()
                };
                let args: Vec<Ty> = names.iter().enumerate().map(own).collect();
                ty.with(&names, &args)
            }
            _ => ty,
        }
    }

    /// The guard that a value of the type is, or holds and nothing beside it.
    pub(super) fn guard_of(&self, ty: &Ty) -> Option<Name> {
        self.guard_within(ty, 0)
    }

    fn guard_within(&self, ty: &Ty, depth: usize) -> Option<Name> {
        let Ty::Named(path, args) = ty else { return None };
        if self.env.ends_with_a_call(path) {
            return Some(path.clone());
        }
        let word = last_word(path);
        let holds = types::is_option(path)
            || types::is_result(path)
            || matches!(word, "Maybe" | "PoisonError" | "TryLockError" | "Box" | "Pin");
        if holds && word != "ManuallyDrop" {
            return match args.first()? {
                Ty::Tuple(items) => items.iter().find_map(|item| self.guard_within(item, depth)),
                inner => self.guard_within(inner, depth),
            };
        }
        if path.contains("::") || depth >= MEMBER_LIMIT {
            return None;
        }
        self.guard_of_record(path, depth)
    }

    /// A record with one guard among its members stands for that guard.
    fn guard_of_record(&self, record: &str, depth: usize) -> Option<Name> {
        let mut found = None;
        for (_, ty) in self.members(record) {
            if let Some(guard) = self.guard_within(&ty, depth + 1)
                && found.replace(guard).is_some()
            {
                return None;
            }
        }
        found
    }

    /// The members of a record of the tree, with their types.
    pub(super) fn members(&self, record: &str) -> Vec<(String, Ty)> {
        let [members] = self.env.declared(&format!("members {record}")) else { return Vec::new() };
        let typed = |member: &str| (member.to_owned(), self.member_type(record, member));
        members.split(' ').filter(|member| !member.is_empty()).map(typed).collect()
    }

    /// The type of a member.
    pub(super) fn member_type(&self, record: &str, member: &str) -> Ty {
        match self.env.declared(&format!("{record}.{member}")) {
            [text] => self.parse_type(text),
            _ => Ty::Unknown,
        }
    }

    /// Whether the end of a value runs code that the tree, or a crate out of sight, has written for it.
    pub(super) fn ends_with_code(&self, ty: &Ty) -> bool {
        let Some(path) = ty.path() else { return false };
        let word = last_word(path);
        !self.env.declared(&format!("drop {word}")).is_empty()
            || self.members(word).iter().any(|(_, ty)| {
                ty.path()
                    .is_some_and(|path| !self.env.declared(&format!("drop {}", last_word(path))).is_empty())
            })
            || word.ends_with("Guard")
            || word == "Defer"
    }

    /// Whether ending a value of the type does something.
    pub(super) fn ends(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Tuple(items) => items.iter().any(|item| self.ends(item)),
            other => self.guard_of(other).is_some(),
        }
    }
}
