//! A place in the text that is read: words, quoted texts, numbers, and what to say when something else stands there.

use super::{ParseError, Parsed};
use crate::ir::dump::WORDS;
use crate::ir::place::Name;

/// Where reading has come to. Blanks and `//` comments before the next token are always skipped.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// End of the last token.
    end: usize,
}

/// The name of a local as written.
pub(super) struct LocalName {
    /// With its `#number`: unlike that of any other local.
    pub full: String,
    /// Without it.
    pub name: Name,
    /// `_2`: the local has no name.
    pub is_number: bool,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut cursor = Cursor { text, at: 0, end: 0 };
        cursor.skip();
        cursor
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip(&mut self) {
        loop {
            let rest = self.rest().trim_start();
            self.at = self.text.len() - rest.len();
            if !rest.starts_with("//") {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn advance(&mut self, length: usize) {
        self.at += length;
        self.end = self.at;
        self.skip();
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn go_back(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn end_of_last(&self) -> usize {
        self.end
    }

    /// The text from `start` to the end of the last token.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.end.max(start)]
    }

    /// Just behind the next brace that closes a body.
    pub(super) fn closing_brace(&self) -> usize {
        self.rest().find("\n}").map_or(self.text.len(), |at| self.at + at + 2)
    }

    /// Whether the last token was the last of its line.
    pub(super) fn at_line_end(&self) -> bool {
        self.text[self.end..self.at].contains('\n') || self.at_end()
    }

    /// The error: `what` should stand here.
    pub(super) fn expected(&self, what: &str) -> ParseError {
        let at = if self.at_end() { self.end } else { self.at };
        let line = self.text[..at].matches('\n').count() + 1;
        let found = match self.rest().lines().next() {
            Some(rest) if !rest.is_empty() => format!("`{}`", rest.chars().take(24).collect::<String>()),
            _ => "the end of the text".to_owned(),
        };
        ParseError { line, expected: what.to_owned(), found }
    }

    pub(super) fn looking_at(&self, symbol: &str) -> bool {
        self.rest().starts_with(symbol)
    }

    pub(super) fn eat(&mut self, symbol: &str) -> bool {
        let here = self.looking_at(symbol);
        if here {
            self.advance(symbol.len());
        }
        here
    }

    /// As [`Self::eat`], when nothing stands between the last token and this one: `a[1]`, but not `switch a [1: …]`.
    pub(super) fn eat_adjacent(&mut self, symbol: &str) -> bool {
        self.end == self.at && self.eat(symbol)
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    /// The identifier that stands here, not yet read.
    fn identifier(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if rest.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &rest[..end] }
    }

    /// Reads `word` when it stands here as a word of the language: `return#3` and `return.x` are not it.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let after = self.rest().as_bytes().get(word.len());
        let here = self.identifier() == word && after != Some(&b'#');
        if here {
            self.advance(word.len());
        }
        here
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.expected(&format!("`{word}`"))) }
    }

    /// A name: an identifier, or anything in quotes.
    pub(super) fn name(&mut self, what: &str) -> Parsed<Name> {
        if self.looking_at("\"") {
            return Ok(self.text()?.into());
        }
        match self.identifier() {
            "" => Err(self.expected(what)),
            word => {
                self.advance(word.len());
                Ok(word.into())
            }
        }
    }

    /// A text in quotes.
    pub(super) fn text(&mut self) -> Parsed<String> {
        let rest = self.rest().strip_prefix('"').ok_or_else(|| self.expected("a text in quotes"))?;
        let mut out = String::new();
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.advance(at + 2);
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, c @ ('"' | '\\'))) => out.push(c),
                    _ => return Err(self.expected("`\\n`, `\\\"` or `\\\\` behind a backslash")),
                },
                c => out.push(c),
            }
        }
        Err(self.expected("a closing quote"))
    }

    /// A callee's name and the parenthesis behind it.
    pub(super) fn try_callee_name(&mut self) -> Option<Name> {
        let (before, end) = (self.at, self.end);
        let word = self.identifier();
        let name = if self.looking_at("\"") {
            self.text().ok().map(Name::from)
        } else if word.is_empty() || WORDS.contains(&word) {
            None
        } else {
            self.advance(word.len());
            Some(word.into())
        };
        if name.is_some() && self.eat_adjacent("(") {
            return name;
        }
        (self.at, self.end) = (before, end);
        None
    }

    pub(super) fn local_name(&mut self, what: &str) -> Parsed<LocalName> {
        let word = self.identifier();
        let number = self.rest()[word.len()..].starts_with('#');
        if WORDS.contains(&word) && !number {
            return Err(self.expected(what));
        }
        let start = self.at;
        let name = self.name(what)?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if self.end == self.at && self.eat("#") {
            let rest = self.rest();
            let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            if length == 0 {
                return Err(self.expected("the number of a local"));
            }
            self.advance(length);
            return Ok(LocalName { full: self.since(start).to_owned(), name, is_number: false });
        }
        let is_number = name.strip_prefix('_').is_some_and(digits);
        Ok(LocalName { full: self.since(start).to_owned(), name, is_number })
    }

    /// A type: in quotes, or up to the end of the declaration.
    pub(super) fn type_text(&mut self) -> Parsed<String> {
        if self.looking_at("\"") {
            return self.text();
        }
        let rest = self.rest();
        let end = rest.find([',', ')', '\n']).unwrap_or(rest.len());
        let ty = rest[..end].trim_end();
        if ty.is_empty() {
            return Err(self.expected("a type"));
        }
        self.advance(ty.len());
        Ok(ty.to_owned())
    }

    /// The number of `bb3`.
    pub(super) fn block_name(&mut self, what: &str) -> Parsed<u32> {
        let word = self.identifier();
        let number = word.strip_prefix("bb").and_then(|number| number.parse().ok());
        match number {
            Some(number) => {
                self.advance(word.len());
                Ok(number)
            }
            None => Err(self.expected(what)),
        }
    }

    /// A number, if one stands here.
    pub(super) fn number(&mut self) -> Parsed<Option<i64>> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if length == 0 {
            return Ok(None);
        }
        let number = &rest[..rest.len() - digits.len() + length];
        let value = number.parse().map_err(|_| self.expected("a number of 64 bits"))?;
        self.advance(number.len());
        Ok(Some(value))
    }
}
