//! Macros of headers that files elsewhere may use: those that hide lock operations or jumps, head a block, mean nothing, or
//! are short expressions.
//!
//! A tree's headers hold millions of definitions; only these few matter to what lowering asks.

use crate::ir::Name;
use crate::ir::file_index::{FileIndex, MacroDefinition};
use rustc_hash::{FxHashMap, FxHashSet};

/// Bodies longer than this are not kept.
const BODY_LIMIT: usize = 4096;
/// Expressions longer than this are left as calls.
const VALUE_LIMIT: usize = 120;
/// Macros that lead to one another are followed this far.
const CHAIN_LIMIT: usize = 6;

/// Macros of the tree's headers, by name.
#[derive(Debug, Default)]
pub struct SharedMacros {
    definitions: FxHashMap<Name, MacroDefinition>,
    /// Names whose definitions differ from header to header: nothing is known of them.
    differing: FxHashSet<Name>,
    /// Names that lead to something worth reading.
    leading: FxHashSet<Name>,
    prototypes: FxHashMap<Name, Vec<crate::ir::Annotation>>,
}

impl SharedMacros {
    /// Takes what may matter from a header. `is_known`: names whose meaning is given, whatever their definition.
    pub fn add(&mut self, index: &FileIndex, is_known: &dyn Fn(&str) -> bool) {
        for (name, definition) in &index.macros {
            if is_known(name) || !may_matter(definition) {
                continue;
            }
            match self.definitions.get(name) {
                Some(other) if other.body != definition.body || other.parameters != definition.parameters => {
                    self.differing.insert(name.clone());
                }
                Some(_) => {}
                None => {
                    self.definitions.insert(name.clone(), definition.clone());
                }
            }
        }
        self.differing.extend(index.redefined.iter().cloned());
        for (name, annotations) in &index.prototypes {
            self.prototypes.entry(name.clone()).or_insert_with(|| annotations.clone());
        }
    }

    /// To be called once, when all headers are in: drops what leads nowhere. `is_hot`: names of lock operations; `is_passing`: names of
    /// functions that may do one to a lock of whoever calls them.
    pub fn finish(&mut self, is_hot: &dyn Fn(&str) -> bool, is_passing: &dyn Fn(&str) -> bool) {
        self.definitions.retain(|name, _| !self.differing.contains(name));
        self.leading = leading(self.definitions.iter(), is_hot);
        let passing = leading(self.definitions.iter(), is_passing);
        let leading = &self.leading;
        self.definitions.retain(|name, definition| {
            leading.contains(name)
                || passing.contains(name)
                || words(&definition.body).any(steers)
                || is_empty_word(definition)
                || is_value(definition)
        });
    }

    /// The definition of `name`.
    pub fn get(&self, name: &str) -> Option<&MacroDefinition> {
        self.definitions.get(name)
    }

    /// Whether using `name` may do something to a lock.
    pub fn is_leading(&self, name: &str) -> bool {
        self.leading.contains(name)
    }

    /// Names called by the body of `name`, and by what that calls.
    pub fn called_by(&self, name: &str, visit: &mut dyn FnMut(&str)) {
        called(&|name| self.definitions.get(name), name, visit, CHAIN_LIMIT);
    }

    /// Annotations on prototypes of `name` in headers.
    pub fn prototype(&self, name: &str) -> &[crate::ir::Annotation] {
        self.prototypes.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Words called by the body of macro `name`, and by the macros among them.
pub fn called<'m>(
    definition: &dyn Fn(&str) -> Option<&'m MacroDefinition>,
    name: &str,
    visit: &mut dyn FnMut(&str),
    depth: usize,
) {
    let Some(found) = definition(name).filter(|_| depth > 0) else { return };
    for word in words(&found.body).filter(|word| *word != name) {
        visit(word);
        called(definition, word, visit, depth - 1);
    }
}

/// The names among `definitions` whose bodies mention a hot name, or another such name.
pub fn leading<'m>(
    definitions: impl Iterator<Item = (&'m Name, &'m MacroDefinition)> + Clone,
    is_hot: &dyn Fn(&str) -> bool,
) -> FxHashSet<Name> {
    let mut leading: FxHashSet<Name> = FxHashSet::default();
    for _ in 0..CHAIN_LIMIT {
        let before = leading.len();
        for (name, definition) in definitions.clone() {
            if !leading.contains(name)
                && words(&definition.body).any(|word| is_hot(word) || leading.contains(word))
            {
                leading.insert(name.clone());
            }
        }
        if leading.len() == before {
            break;
        }
    }
    leading
}

/// The words of a macro's body.
pub fn words(body: &str) -> impl Iterator<Item = &str> {
    body.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

fn may_matter(definition: &MacroDefinition) -> bool {
    definition.body.len() <= BODY_LIMIT
        && (definition.parameters.is_some() && definition.body.contains('(')
            || is_empty_word(definition)
            || words(&definition.body).any(steers)
            || is_alias(definition))
}

/// `#define take_it mutex_lock`
fn is_alias(definition: &MacroDefinition) -> bool {
    definition.parameters.is_none()
        && words(&definition.body).next().is_some_and(|word| word == definition.body)
}

/// `#define BIT(n) (1 << (n))`: an expression short enough to be read wherever it is used, and without a choice in it.
fn is_value(definition: &MacroDefinition) -> bool {
    definition.parameters.is_some()
        && definition.body.len() <= VALUE_LIMIT
        && !definition.body.contains(['{', ';', '#', '"', '?'])
        && !definition.body.contains("&&")
        && !definition.body.contains("||")
}

/// Words that change where control goes.
fn steers(word: &str) -> bool {
    matches!(word, "return" | "goto" | "for" | "while" | "break" | "continue")
}

/// An attribute word: expands to nothing, or to an attribute.
fn is_empty_word(definition: &MacroDefinition) -> bool {
    definition.parameters.is_none()
        && (definition.body.is_empty() || definition.body.starts_with("__attribute__"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};

    fn header(macros: &[(&str, Option<&[&str]>, &str)]) -> FileIndex {
        let mut index = FileIndex::default();
        for (name, parameters, body) in macros {
            let parameters = parameters.map(|list| list.iter().map(|p| Name::new(*p)).collect());
            let (name, body, span) = (Name::new(*name), (*body).to_owned(), Span::new(FileId(0), 0, 0));
            index.macros.insert(name.clone(), MacroDefinition { name, parameters, body, span });
        }
        index
    }

    #[test]
    fn only_what_leads_somewhere_is_kept() {
        let mut shared = SharedMacros::default();
        shared.add(
            &header(&[
                ("TAKE", Some(&["x"]), "take_two(&(x)->lock)"),
                ("take_two", Some(&["l"]), "mutex_lock(l)"),
                ("ADD", Some(&["a", "b"]), "((a) + (b))"),
                ("LOG", Some(&["a"]), "log(\"%d\", a)"),
                ("GIVE_UP", Some(&["e"]), "do { if (e) return -1; } while (0)"),
                ("__api", None, ""),
                ("LIMIT", None, "12"),
            ]),
            &|_| false,
        );
        shared.add(&header(&[("GIVE_UP", Some(&["e"]), "other(e)")]), &|_| false);
        shared.finish(&|name| name == "mutex_lock", &|_| false);
        let kept = ["TAKE", "take_two", "ADD", "LOG", "GIVE_UP", "__api", "LIMIT"]
            .map(|name| shared.get(name).is_some());
        assert_eq!(kept, [true, true, true, false, false, true, false]);
        let mut called = Vec::new();
        shared.called_by("TAKE", &mut |word| called.push(word.to_owned()));
        assert!(shared.is_leading("TAKE") && called.contains(&"mutex_lock".to_owned()));
    }
}
