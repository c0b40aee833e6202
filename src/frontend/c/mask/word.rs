//! Words that C does not know: attributes, `typeof`, scope-exit calls, label addresses, case ranges.

use super::Mask;
use crate::frontend::c::lex::TokenKind;
use crate::frontend::c::text::squeeze;
use crate::ir::Name;

/// Words that a declaration does not contain.
const STATEMENT_WORDS: [&str; 7] = ["return", "case", "goto", "sizeof", "else", "do", "typedef"];
/// Types by themselves.
pub(super) const BUILTIN_TYPES: [&str; 10] =
    ["int", "long", "short", "char", "void", "float", "double", "unsigned", "signed", "_Bool"];
/// Words of a declaration that are neither type nor name.
pub(super) const QUALIFIERS: [&str; 7] =
    ["const", "volatile", "static", "extern", "inline", "register", "restrict"];

impl Mask<'_> {
    pub(super) fn words(&mut self) {
        self.settled = 0;
        for at in 0..self.tokens.len() {
            let start = self.tokens[at].start;
            // What is masked already, or stands in the middle of it, has been understood.
            if start < self.settled || self.out.text[start] != self.slice[start] {
                continue;
            }
            match self.tokens[at].kind {
                TokenKind::Word => self.word_repairs(at),
                TokenKind::String => self.string(at),
                TokenKind::Number => self.number(at),
                TokenKind::Punct(b'.') if self.is(at + 1, b'.') && self.is(at + 2, b'.') => {
                    self.case_range(at)
                }
                TokenKind::Punct(b'&') if self.is(at + 1, b'&') && self.label_address(at) => {
                    self.blank(self.tokens[at].start..self.tokens[at].end);
                    self.out.notes.label_addresses.insert(Name::new(self.word(at + 2)));
                }
                _ => {}
            }
        }
    }

    pub(super) fn word_repairs(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        match word.as_str() {
            "typeof" | "__typeof__" | "__typeof" | "typeof_unqual" => {
                if let Some((_, close)) = self.list(at) {
                    self.settled = self.tokens[close].end;
                    self.put(self.tokens[at].start..self.tokens[close].end, "int");
                }
            }
            "asm" | "__asm__" | "__asm" if !self.starts_statement(at) => self.attribute(at, true),
            "alignof" | "_Alignof" | "__alignof__" | "__alignof" => {
                self.put(self.tokens[at].start..self.tokens[at].end, "sizeof");
            }
            "offsetof" | "__builtin_offsetof" => self.offset(at),
            "auto" if self.is(at + 2, b'=') => self.put(self.tokens[at].start..self.tokens[at].end, "int"),
            "__auto_type" => self.put(self.tokens[at].start..self.tokens[at].end, "int"),
            "__extension__" => self.blank(self.tokens[at].start..self.tokens[at].end),
            "__attribute__" | "__attribute" => self.attribute(at, true),
            "__free" | "__cleanup" => self.attribute(at, true),
            _ if !word.starts_with("__")
                && word.bytes().any(|b| b.is_ascii_lowercase())
                && self.env.is_attribute(&word)
                && !self.is(at + 1, b'(')
                && self.between_declaration_words(at) =>
            {
                self.attribute(at, false);
            }
            _ if self.env.is_attribute(&word) => self.attribute(at, self.is(at + 1, b'(')),
            _ if word.starts_with("__") && self.shaped_like_attribute(at) => self.attribute(at, false),
            _ => {}
        }
    }

    fn between_declaration_words(&self, at: usize) -> bool {
        at > 0
            && matches!(self.tokens[at - 1].kind, TokenKind::Word | TokenKind::Punct(b'*' | b')'))
            && !matches!(self.word(at - 1), "return" | "case" | "goto" | "sizeof" | "else")
            && self.tokens.get(at + 1).is_some_and(|next| next.kind == TokenKind::Word || next.is(b'*'))
    }

    /// `struct x __user *p`, `int y __maybe_unused;`: a `__word` where C allows none.
    fn shaped_like_attribute(&self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at + 1) else { return false };
        let (typed, named) = self.declared_before(at);
        match next.kind {
            TokenKind::Word | TokenKind::Punct(b'*') => typed,
            TokenKind::Punct(b'=' | b';' | b',' | b')' | b'[') => named,
            _ => false,
        }
    }

    /// Whether a type stands right before token `end`, and a name behind the type.
    pub(super) fn declared_before(&self, end: usize) -> (bool, bool) {
        let declares = |at: &usize| {
            self.is(*at, b'*')
                || self.tokens[*at].kind == TokenKind::Word && !STATEMENT_WORDS.contains(&self.word(*at))
        };
        let start = (0..end).rev().take_while(declares).last().unwrap_or(end);
        let (mut typed, mut named, mut tag) = (false, false, false);
        for at in start..end {
            let word = self.word(at);
            if std::mem::take(&mut tag) || BUILTIN_TYPES.contains(&word) {
                typed = true;
            } else if matches!(word, "struct" | "union" | "enum") {
                tag = true;
            } else if !self.is(at, b'*') && !QUALIFIERS.contains(&word) && !self.env.is_attribute(word) {
                named |= typed;
                typed = true;
            }
        }
        (typed, named)
    }

    pub(super) fn attribute(&mut self, at: usize, with_list: bool) {
        let start = self.tokens[at].start;
        let mut end = self.tokens[at].end;
        if let Some((open, close)) = self.list(at).filter(|_| with_list) {
            end = self.tokens[close].end;
            let inside = squeeze(&self.slice[self.tokens[open].end..self.tokens[close].start]);
            let called = match self.word(at) {
                "__free" => Some(Name::new(format!("__free_{inside}"))),
                "__cleanup" | "_cleanup_" => Some(inside),
                _ => cleanup_of(&inside),
            };
            if let Some(called) = called {
                self.out.notes.cleanups.insert(start, called);
            }
        } else if let Some(called) =
            self.env.macro_definition(self.word(at)).and_then(|definition| cleanup_of(&definition.body))
        {
            self.out.notes.cleanups.insert(start, called);
        }
        self.settled = self.settled.max(end);
        self.blank(start..end);
    }

    fn case_range(&mut self, dots: usize) {
        let Some(case) = (0..dots).rev().take(12).find(|&at| self.word(at) == "case") else { return };
        let Some(colon) = (dots..self.tokens.len()).take(14).find(|&at| self.is(at, b':')) else { return };
        let range = self.tokens[dots].start..self.tokens[colon].start;
        let upper =
            String::from_utf8_lossy(&self.slice[self.tokens[dots + 2].end..range.end]).trim().to_owned();
        self.out.notes.case_ranges.insert(self.tokens[case].start, upper);
        self.blank(range);
    }

    /// `&&label`
    fn label_address(&self, at: usize) -> bool {
        let adjacent = self.tokens[at].end == self.tokens[at + 1].start;
        let unary = at.checked_sub(1).is_some_and(|before| {
            matches!(self.tokens[before].kind, TokenKind::Punct(b'=' | b',' | b'(' | b'{' | b'?' | b':'))
        });
        adjacent && unary && self.tokens.get(at + 2).is_some_and(|token| token.kind == TokenKind::Word)
    }
}

/// The function that `cleanup(f)` names, within the text of an attribute.
fn cleanup_of(attribute: &str) -> Option<Name> {
    let from = attribute.find("cleanup")?;
    let rest = attribute[from..].split_once('(')?.1;
    Some(Name::new(rest.split(')').next()?.trim()))
}
