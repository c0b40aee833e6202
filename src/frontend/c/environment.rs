//! What lowering may ask, answered from one file and the tables it is given.

use crate::ir::Name;
use crate::ir::environment::{BlockMacro, Environment};
use crate::ir::file_index::{FileIndex, MacroDefinition};
use rustc_hash::{FxHashMap, FxHashSet};

/// Definitions looked through to find out whether a block macro loops.
const EXPANSION_LIMIT: usize = 6;

/// Gives a macro's definition by its name.
pub type MacroLookup<'a> = &'a dyn Fn(&str) -> Option<&'a MacroDefinition>;

/// The environment of a file: its own macros, and those of the tree's headers.
pub struct FileEnvironment<'a> {
    index: &'a FileIndex,
    shared: MacroLookup<'a>,
    blocks: &'a FxHashMap<Name, bool>,
    attributes: &'a FxHashSet<Name>,
}

impl<'a> FileEnvironment<'a> {
    /// `shared`: macros of headers. `blocks`: macro names known to stand before a block (`true`: a loop). `attributes`: words
    /// known to mean nothing.
    pub fn new(
        index: &'a FileIndex,
        shared: MacroLookup<'a>,
        blocks: &'a FxHashMap<Name, bool>,
        attributes: &'a FxHashSet<Name>,
    ) -> Self {
        FileEnvironment { index, shared, blocks, attributes }
    }

    /// The definition that a use in the file means: its own, else a header's.
    fn definition(&self, name: &str) -> Option<&MacroDefinition> {
        self.index.macros.get(name).or_else(|| (self.shared)(name))
    }

    fn classify(&self, name: &str, depth: usize) -> Option<BlockMacro> {
        if !self.index.macros.contains_key(name)
            && let Some(&looping) = self.blocks.get(name)
        {
            return Some(if looping { BlockMacro::Loop } else { BlockMacro::Once });
        }
        let definition = self.definition(name)?;
        if depth == EXPANSION_LIMIT {
            return None;
        }
        let body = definition.body.trim_end();
        // The definition ends in an open header: the last `for`, `while`, `if` or macro at its own level decides.
        let mut last = None;
        let mut level = 0i32;
        let mut word = String::new();
        for c in body.chars() {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            if c == '(' {
                if level == 0 && !word.is_empty() {
                    last = Some(word.clone());
                }
                level += 1;
            } else if c == ')' {
                level -= 1;
            }
            if !c.is_whitespace() || level > 0 {
                word.clear();
            }
        }
        if !word.is_empty() && word != "else" {
            return None;
        }
        match (last?.as_str(), one_shot(body)) {
            ("for", true) => Some(BlockMacro::Once),
            ("for" | "while", _) => Some(BlockMacro::Loop),
            ("if" | "else", _) => match body.split_once('(').map(|(head, _)| head.trim()) {
                Some("for" | "while") if !one_shot(body) => Some(BlockMacro::Loop),
                // `other_each(…) if (…)`
                Some(head) if head != name => {
                    let looping = self.classify(head, depth + 1) == Some(BlockMacro::Loop);
                    Some(if looping { BlockMacro::Loop } else { BlockMacro::Once })
                }
                _ => Some(BlockMacro::Once),
            },
            (other, _) if other != name => self.classify(other, depth + 1),
            _ => None,
        }
    }
}

/// `for (x = …, *once = (void *)1; once; once = NULL)`: the condition and the step are about one variable, which the step clears.
fn one_shot(body: &str) -> bool {
    let Some(at) = body.rfind("for (").or_else(|| body.rfind("for(")) else { return false };
    let mut parts = body[at..].split(';');
    let (Some(_), Some(condition), Some(step)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let step: String = step.chars().filter(|c| !c.is_whitespace()).collect();
    let cleared = step.split(['=', ')']).next().unwrap_or_default();
    let clears = ["=NULL", "=0", "=((void*)0)", "=false", "=1", "=true", "=(void*)1"];
    !cleared.is_empty()
        && clears.iter().any(|clear| step.starts_with(&format!("{cleared}{clear}")))
        && condition.contains(cleared)
}

impl Environment for FileEnvironment<'_> {
    fn macro_definition(&self, name: &str) -> Option<&MacroDefinition> {
        self.definition(name).filter(|_| !self.index.redefined.iter().any(|other| other == name))
    }

    fn block_macro(&self, name: &str) -> Option<BlockMacro> {
        self.classify(name, 0)
    }

    fn is_attribute(&self, name: &str) -> bool {
        if self.attributes.contains(name) {
            return true;
        }
        self.definition(name).is_some_and(|definition| {
            definition.body.is_empty() && definition.parameters.is_none()
                || definition.body.starts_with("__attribute__")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn classify(text: &str, name: &str) -> Option<BlockMacro> {
        let index = super::super::scan::index(FileId(0), text.as_bytes());
        let (blocks, attributes) = (FxHashMap::default(), FxHashSet::default());
        FileEnvironment::new(&index, &|_| None, &blocks, &attributes).block_macro(name)
    }

    #[test]
    fn a_definition_tells_whether_its_block_loops() {
        assert_eq!(
            classify("#define each(p) for (p = first(); p; p = p->next)\n", "each"),
            Some(BlockMacro::Loop)
        );
        assert_eq!(
            classify("#define each(p) for (p = a; p; p = b) if (!skip(p)) {} else\n", "each"),
            Some(BlockMacro::Loop)
        );
        assert_eq!(
            classify("#define once(l) for (struct g *s = take(l), *d = (void *)1; d; d = NULL)\n", "once"),
            Some(BlockMacro::Once)
        );
        assert_eq!(classify("#define when(x) if (unlikely(x))\n", "when"), Some(BlockMacro::Once));
        assert_eq!(
            classify("#define a(p) b(p, 1)\n#define b(p, q) while (next(p, q))\n", "a"),
            Some(BlockMacro::Loop)
        );
        assert_eq!(
            classify("#define a(p) b(p) if (p->live)\n#define b(p) while (next(p))\n", "a"),
            Some(BlockMacro::Loop)
        );
        assert_eq!(classify("#define f(x) do { g(x); } while (0)\n", "h"), None);
    }
}
