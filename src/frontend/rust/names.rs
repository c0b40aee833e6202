//! Names in full: what `use` makes of them, and what generic parameters are bound by.

use super::types::Ty;
use crate::ir::Name;
use rustc_hash::FxHashMap;

/// The names that a text is read with.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// What imported names stand for.
    pub imports: FxHashMap<Name, Name>,
    /// Type parameters.
    bounds: FxHashMap<Name, Ty>,
    /// What `Self` is.
    this: Option<Name>,
}

/// Crates whose items are the standard library's.
const STANDARD: [&str; 2] = ["core", "alloc"];

impl Names {
    /// Names read with these imports.
    pub fn of(imports: FxHashMap<Name, Name>) -> Self {
        Names { imports, ..Names::default() }
    }

    /// Sets what `Self` is.
    pub fn set_self(&mut self, name: Name) {
        self.this = Some(name);
    }

    /// Names a type parameter.
    pub fn bind(&mut self, name: Name, ty: Ty) {
        self.bounds.insert(name, ty);
    }

    /// The type that a parameter stands for.
    pub fn bound(&self, name: &str) -> Option<&Ty> {
        self.bounds.get(name)
    }

    /// Modules of which everything is imported.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.imports.keys().filter_map(|name| name.strip_prefix('*'))
    }

    /// A path in full: its first word replaced by what it was imported as.
    pub fn full(&self, path: &syn::Path) -> Name {
        let mut words = path.segments.iter().map(|segment| segment.ident.to_string());
        let Some(first) = words.next() else { return Name::default() };
        let rest: Vec<String> = words.collect();
        self.full_of(&first, &rest)
    }

    fn full_of(&self, first: &str, rest: &[String]) -> Name {
        let mut text = match first {
            "Self" => self.this.clone().unwrap_or_else(|| Name::new("Self")).to_string(),
            _ => self.imports.get(first).map_or_else(|| first.to_owned(), |full| full.to_string()),
        };
        for word in rest {
            text.push_str("::");
            text.push_str(word);
        }
        standard(&text)
    }
}

/// `core::mem::drop` is `std::mem::drop`; a path of the crate's own is its last word, for types and functions are known by that.
pub fn standard(path: &str) -> Name {
    let path = path.trim_start_matches("::");
    let Some((first, rest)) = path.split_once("::") else { return Name::new(path) };
    if STANDARD.contains(&first) {
        return Name::new(format!("std::{rest}"));
    }
    Name::new(path)
}

/// Collects what a `use` declares: name and path in full.
pub fn imports(tree: &syn::UseTree, prefix: &str, found: &mut dyn FnMut(Name, Name)) {
    let joined = |ident: &syn::Ident| {
        if prefix.is_empty() { ident.to_string() } else { format!("{prefix}::{ident}") }
    };
    match tree {
        syn::UseTree::Path(path) => imports(&path.tree, &joined(&path.ident), found),
        syn::UseTree::Name(name) if name.ident == "self" => {
            let last = prefix.rsplit("::").next().unwrap_or(prefix);
            found(Name::new(last), standard(prefix));
        }
        syn::UseTree::Name(name) => found(Name::new(name.ident.to_string()), standard(&joined(&name.ident))),
        syn::UseTree::Rename(rename) => {
            let path = if rename.ident == "self" { prefix.to_owned() } else { joined(&rename.ident) };
            found(Name::new(rename.rename.to_string()), standard(&path));
        }
        syn::UseTree::Glob(_) => found(Name::new(format!("*{prefix}")), standard(prefix)),
        syn::UseTree::Group(group) => group.items.iter().for_each(|item| imports(item, prefix, found)),
    }
}
