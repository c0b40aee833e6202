//! What lowering may ask about a file, by its language.

use crate::frontend::c::environment::FileEnvironment as CEnvironment;
use crate::frontend::rust::environment::{Declared, FileEnvironment as RustEnvironment, Types};
use crate::frontend::{Frontend, rust};
use crate::interproc::declarations::SharedDeclarations;
use crate::ir::environment::{Signature, Wrapper};
use crate::ir::file_index::{FileIndex, MacroDefinition};
use crate::ir::{Environment, Name};
use crate::profile::Profile;

/// What a tree knows beyond one file.
pub struct Shared<'a> {
    /// Macros of headers.
    pub macros: &'a dyn Fn(&str) -> Option<&'a MacroDefinition>,
    /// Types.
    pub declarations: &'a SharedDeclarations,
    /// The file that asks.
    pub path: &'a str,
}

/// Runs `work` with the environment of a file.
pub fn with<'a, R>(
    frontend: &Frontend,
    index: &'a FileIndex,
    shared: &Shared<'a>,
    profile: &'a Profile,
    work: impl FnOnce(&dyn Environment) -> R,
) -> R {
    if frontend.name == rust::FRONTEND.name {
        return work(&RustEnvironment::new(index, &Tree(shared.declarations, shared.path), &Known(profile)));
    }
    work(&CEnvironment::new(index, shared.macros, &profile.block_macros, &profile.attributes))
}

/// The nearest edition that a manifest above `path` says. `inherited` manifests are followed upwards.
pub fn edition_of(path: &str, read: &dyn Fn(&str) -> Option<String>) -> u16 {
    let mut folder = path;
    loop {
        folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        let manifest =
            if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") };
        if let Some(edition) = read(&manifest).and_then(|text| told(&text)) {
            return edition;
        }
        if folder.is_empty() {
            return 0;
        }
    }
}

/// What a manifest says of the edition: a package without one is of the first; one that inherits leaves it to those above, and so does
/// a manifest that cargo could not read either.
fn told(manifest: &str) -> Option<u16> {
    const FIRST: u16 = 2015;
    let manifest: toml::Table = manifest.parse().ok()?;
    let edition = |of: &toml::Value| of.get("edition")?.as_str()?.parse().ok();
    match manifest.get("package") {
        Some(package) if package.get("edition").is_some_and(toml::Value::is_table) => {
            manifest.get("workspace")?.get("package").and_then(edition)
        }
        Some(package) => edition(package).or(Some(FIRST)),
        None => manifest.get("workspace")?.get("package").and_then(edition),
    }
}

struct Tree<'d>(&'d SharedDeclarations, &'d str);

impl Declared for Tree<'_> {
    fn declared(&self, key: &str) -> &[Name] {
        self.0.get(key, self.1)
    }
}

struct Known<'p>(&'p Profile);

impl Types for Known<'_> {
    fn signature(&self, name: &str) -> Option<&Signature> {
        self.0.signatures.get(name)
    }

    fn knows_call(&self, name: &str) -> bool {
        self.0.calls.contains_key(name)
    }

    fn is_guard(&self, path: &str) -> bool {
        self.0.guards.contains(path)
    }

    fn is_method(&self, name: &str) -> bool {
        self.0.methods.contains(name)
    }

    fn is_type(&self, path: &str) -> bool {
        self.0.types.contains(path)
    }

    fn wrapper(&self, path: &str) -> Option<Wrapper> {
        self.0.wrappers.get(path).copied()
    }

    fn runs_closure(&self, name: &str) -> bool {
        self.0.runs_closure.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_manifest_that_says_an_edition_counts() {
        let read = |path: &str| match path {
            "Cargo.toml" => Some("[workspace.package]\nedition = \"2024\" # new\n".to_owned()),
            "a/Cargo.toml" => Some("[package]\nname = \"a\"\nedition.workspace = true\n".to_owned()),
            "b/Cargo.toml" => Some("[package]\nname = \"b\"\nedition = \"2018\"\n".to_owned()),
            "c/Cargo.toml" => {
                Some("[package]\nname = \"c\"\n[package.metadata.x]\nedition = \"1999\"\n".to_owned())
            }
            "old/Cargo.toml" => Some("[package]\nname = \"old\"\n".to_owned()),
            _ => None,
        };
        assert_eq!(edition_of("a/src/lib.rs", &read), 2024);
        assert_eq!(edition_of("b/src/x/y.rs", &read), 2018);
        assert_eq!(edition_of("c/src/lib.rs", &read), 2015, "no key of another table counts");
        assert_eq!(edition_of("old/src/lib.rs", &read), 2015);
        assert_eq!(edition_of("z.rs", &|_| None), 0);
    }
}
