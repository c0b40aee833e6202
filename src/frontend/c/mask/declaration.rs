//! Attribute words that no list knows, told by their place: a declaration holds one type and one name before its `=` or `;`.

use super::Mask;
use super::word::{BUILTIN_TYPES, QUALIFIERS};
use crate::frontend::c::lex::TokenKind;
use crate::ir::Name;

/// Types of GLib whose variables are cleaned up, and how the function is called that does it.
const AUTOMATIC_TYPES: [(&str, &str); 2] =
    [("g_autoptr", "glib_autoptr_cleanup_"), ("g_auto", "glib_auto_cleanup_")];

impl Mask<'_> {
    /// Blanks what is too much in the declaration that starts at token `at`; `true` when a word with an argument list went, so that
    /// it is no call.
    pub(super) fn declaration(&mut self, at: usize) -> bool {
        if let Some((_, close)) = self.list(at) {
            return self.automatic_type(at, close)
                || self.macro_type(at, close)
                || self.declares(close + 1) && {
                    self.attribute(at, true);
                    self.starts_next[close] = true;
                    true
                };
        }
        let plain = self.plain_words(at);
        let Some(&last) = plain.last() else { return false };
        let surplus = match plain.as_slice() {
            // A type by itself stands behind it.
            [first, ..] if self.standard_type_follows(*first) => Some(*first),
            [first, .., _] if plain.len() > 2 && self.looks_like_attribute(*first) => Some(*first),
            [_, .., _] if plain.len() > 2 && self.looks_like_attribute(last) => Some(last),
            [_, _] if self.standard_type_leads(at) && self.looks_like_attribute(last) => Some(last),
            [first, second] if self.is(second + 1, b'*') && self.looks_like_attribute(*first) => Some(*first),
            _ => None,
        };
        if let Some(word) = surplus {
            self.attribute(word, self.is(word + 1, b'('));
            self.starts_next[word] |= word == at;
        }
        false
    }

    /// `g_autoptr(Type) name`
    fn automatic_type(&mut self, at: usize, close: usize) -> bool {
        let known = AUTOMATIC_TYPES.iter().find(|(word, _)| *word == self.word(at));
        let Some((_, prefix)) = known.filter(|_| close == at + 3) else { return false };
        let start = self.tokens[at].start;
        let called = Name::new(format!("{prefix}{}", self.word(at + 2)));
        self.out.notes.cleanups.insert(start, called);
        self.put(start..self.tokens[close].end, "int");
        true
    }

    /// `ARRAY(struct s) name;`, `BUFFER(8) name = {};`: the macro stands for a type.
    fn macro_type(&mut self, at: usize, close: usize) -> bool {
        let named = !self.word(close + 1).is_empty() && !self.is_keyword(close + 1);
        let ends = self.is(close + 2, b';') || self.is(close + 2, b'=');
        let of_type = self.is_standard_type(at + 2);
        let listed = self.is(close + 2, b'=') && self.is(close + 3, b'{');
        let found = named && ends && (of_type || listed);
        if found {
            self.put(self.tokens[at].start..self.tokens[close].end, "int");
        }
        found
    }

    /// Whether a declaration with an initialiser or a `;` stands at token `at`.
    fn declares(&self, at: usize) -> bool {
        let Some(end) = self.declaration_end(at) else { return false };
        self.declared_before(end) == (true, true)
    }

    /// The token that ends the first declarator of what may be a declaration.
    fn declaration_end(&self, at: usize) -> Option<usize> {
        let mut end = at;
        while self.is(end, b'*') && end > at || !self.word(end).is_empty() && !self.is_keyword(end) {
            end = match self.list(end) {
                Some((_, close)) if end > at => close + 1,
                _ => end + 1,
            };
        }
        matches!(self.tokens.get(end)?.kind, TokenKind::Punct(b'=' | b';' | b',' | b'[')).then_some(end)
    }

    /// The words of a declaration that are no part of a standard type and no qualifier: type, name and what is too much.
    fn plain_words(&self, at: usize) -> Vec<usize> {
        let Some(end) = self.declaration_end(at) else { return Vec::new() };
        let mut plain = Vec::new();
        let mut at = at;
        while at < end {
            let word = self.word(at);
            if matches!(word, "struct" | "union" | "enum") {
                at += 1;
            } else if !word.is_empty() && !BUILTIN_TYPES.contains(&word) && !QUALIFIERS.contains(&word) {
                plain.push(at);
            }
            at = self.list(at).map_or(at + 1, |(_, close)| close + 1);
        }
        plain
    }

    fn is_standard_type(&self, at: usize) -> bool {
        let word = self.word(at);
        BUILTIN_TYPES.contains(&word) || matches!(word, "struct" | "union" | "enum")
    }

    fn standard_type_follows(&self, at: usize) -> bool {
        let mut next = at + 1;
        while QUALIFIERS.contains(&self.word(next)) {
            next += 1;
        }
        self.is_standard_type(next)
    }

    fn standard_type_leads(&self, at: usize) -> bool {
        self.is_standard_type(at) || QUALIFIERS.contains(&self.word(at)) && self.standard_type_follows(at)
    }

    /// `UNUSED`, `_cleanup_free_`
    fn looks_like_attribute(&self, at: usize) -> bool {
        let word = self.word(at);
        let capitals = word.len() > 3 && !word.bytes().any(|byte| byte.is_ascii_lowercase());
        capitals || word.starts_with('_') && word.ends_with('_')
    }
}
