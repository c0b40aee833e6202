//! One pass over a file: function boundaries, macros, annotations, directives. No parser.
//!
//! At depth 0 the words since the last `;` or `}` are a header in the making; a `{` behind it opens a function body when the
//! header holds a parameter list and no `=`. Braces in the arms of one `#if` are counted in its first arm only, so that a
//! function whose head exists twice still has one end.

use super::lex::{Token, TokenKind, brackets, tokens};
use super::text::{after_word, directive_word, is_never, name_of, strip_comments};
use crate::frontend::directive;
use crate::ir::file_index::{FileIndex, FunctionDefinition, MacroDefinition};
use crate::ir::{Linkage, Name};
use crate::source::{FileId, Span};

mod accessors;
mod declarations;
mod recursive;
mod variants;

/// Words with an argument list that may stand before a function's name.
const ATTRIBUTES_WITH_ARGUMENTS: [&str; 14] = [
    "__attribute__",
    "__attribute",
    "__declspec",
    "__printf",
    "__scanf",
    "__aligned",
    "__section",
    "__alloc_size",
    "__nonnull",
    "__no_sanitize",
    "__assume_aligned",
    "__acquires",
    "__releases",
    "__must_hold",
];

/// Words before a parenthesis that call nothing.
const NOT_CALLS: [&str; 12] = [
    "if",
    "while",
    "for",
    "switch",
    "return",
    "sizeof",
    "typeof",
    "__typeof__",
    "__attribute__",
    "defined",
    "else",
    "do",
];

/// What `text` defines.
pub fn index(file: FileId, text: &[u8]) -> FileIndex {
    if is_wide(text) {
        let reason =
            "UTF-16 or UTF-32 text, or no text at all: only bytes that extend ASCII can be read".to_owned();
        return FileIndex { unreadable: Some(reason), ..FileIndex::default() };
    }
    let tokens = tokens(text);
    let mut scan = Scan { file, text, tokens: &tokens, index: FileIndex::default() };
    scan.directive_comments();
    scan.run();
    scan.index
}

/// Whether the text says that its units are wider than a byte, or holds so many zeros that they must be.
fn is_wide(text: &[u8]) -> bool {
    let marked = [&b"\xff\xfe"[..], b"\xfe\xff", b"\0\0\xfe\xff"].iter().any(|mark| text.starts_with(mark));
    let start = &text[..text.len().min(1024)];
    marked || start.iter().filter(|byte| **byte == 0).count() * 4 > start.len()
}

struct Scan<'t> {
    file: FileId,
    text: &'t [u8],
    tokens: &'t [Token],
    index: FileIndex,
}

impl<'t> Scan<'t> {
    fn name(&self, at: usize) -> Name {
        name_of(self.tokens[at].text(self.text))
    }

    fn run(&mut self) {
        let partner = self.brackets_of_first_arms();
        let mut at = 0;
        let mut header = 0;
        self.recursive_locks();
        while at < self.tokens.len() {
            let token = self.tokens[at];
            match token.kind {
                TokenKind::Directive => {
                    self.directive(token);
                    if header == at {
                        header = at + 1;
                    }
                    at += 1;
                }
                TokenKind::Punct(b'{') => {
                    let linkage_block = at > 0 && self.tokens[at - 1].kind == TokenKind::String;
                    let close = match partner[at] {
                        usize::MAX => self.likely_close(at),
                        close => close,
                    };
                    let defines = !linkage_block && self.function(header, at, close, &partner);
                    if !linkage_block && !defines && close > at {
                        self.record(header, at, close);
                    }
                    if linkage_block || partner[at] == usize::MAX && !defines {
                        at += 1;
                        header = at;
                        continue;
                    }
                    if defines {
                        header = close + 1;
                    }
                    at = close + 1;
                }
                TokenKind::Punct(b';') => {
                    // Between a K&R parameter list and its body stand declarations.
                    if !self.old_style(header, at, &partner) {
                        self.prototype(header, at, &partner);
                        self.variables(header, at, &partner);
                        header = at + 1;
                    }
                    at += 1;
                }
                TokenKind::Punct(b'}') => {
                    at += 1;
                    header = at;
                }
                TokenKind::Punct(b'(') if partner[at] != usize::MAX => at = partner[at] + 1,
                _ => at += 1,
            }
        }
    }

    /// Where a block ends that is never closed: at the next `}` in the first column, else with the text.
    fn likely_close(&self, open: usize) -> usize {
        let first_column = |at: &usize| {
            let start = self.tokens[*at].start;
            self.tokens[*at].is(b'}') && (start == 0 || self.text[start - 1] == b'\n')
        };
        (open + 1..self.tokens.len()).find(first_column).unwrap_or(self.tokens.len() - 1)
    }

    /// Matching brackets, counted in the first arm of each `#if` only.
    fn brackets_of_first_arms(&self) -> Vec<usize> {
        let conditional = |token: &Token| {
            token.kind == TokenKind::Directive
                && matches!(directive_word(token.text(self.text)), b"if" | b"else" | b"elif")
        };
        if !self.tokens.iter().any(conditional) {
            // `#ifdef` without `#else` leaves nothing out.
            return brackets(self.tokens);
        }
        let mut first: Vec<Token> = Vec::with_capacity(self.tokens.len());
        // Whether an arm was taken, and whether the present one is left out.
        let mut arms: Vec<(bool, bool)> = Vec::new();
        for token in self.tokens {
            let mut kept = *token;
            if token.kind == TokenKind::Directive {
                match directive_word(token.text(self.text)) {
                    b"if" | b"ifdef" | b"ifndef" => {
                        let never = is_never(token.text(self.text));
                        arms.push((!never, never));
                    }
                    b"else" | b"elif" => {
                        if let Some((taken, dead)) = arms.last_mut() {
                            *dead = *taken;
                            *taken = true;
                        }
                    }
                    b"endif" => {
                        arms.pop();
                    }
                    _ => {}
                }
            } else if arms.iter().any(|&(_, dead)| dead) {
                kept.kind = TokenKind::Char;
            }
            first.push(kept);
        }
        let mut partner = brackets(&first);
        // Brackets of the other arms match among themselves where they can.
        let all = brackets(self.tokens);
        for (at, slot) in partner.iter_mut().enumerate() {
            if *slot == usize::MAX
                && first[at].kind == TokenKind::Char
                && self.tokens[at].kind != TokenKind::Char
            {
                *slot = all[at];
            }
        }
        partner
    }

    /// Whether the words since `header` are a K&R head whose parameter declarations have begun.
    fn old_style(&self, header: usize, at: usize, partner: &[usize]) -> bool {
        let Some((_, open)) = self.parameter_list(header, at, partner) else { return false };
        let close = partner[open];
        let next = close + 1;
        // `int f(a, b) int a; char *b; {`: a word follows the list, and a body comes soon.
        let names_only = (open + 1..close)
            .all(|i| matches!(self.tokens[i].kind, TokenKind::Word) || self.tokens[i].is(b','));
        let declares = next < at && self.tokens[next].kind == TokenKind::Word && at - next >= 2;
        let mut ahead = at + 1;
        while ahead < self.tokens.len() && ahead < at + 64 {
            match self.tokens[ahead].kind {
                TokenKind::Punct(b'{') => break,
                TokenKind::Word | TokenKind::Punct(b';' | b',' | b'*' | b'[' | b']') | TokenKind::Number => {}
                _ => return false,
            }
            ahead += 1;
        }
        names_only && declares && close > open + 1 && ahead < self.tokens.len() && self.tokens[ahead].is(b'{')
    }

    /// The word that names the function in `header..end`, and the `(` of its parameters.
    fn parameter_list(&self, header: usize, end: usize, partner: &[usize]) -> Option<(usize, usize)> {
        let mut groups = Vec::new();
        let mut at = header;
        while at < end {
            let token = self.tokens[at];
            if token.is(b'(') {
                let close = partner[at];
                if close == usize::MAX || close >= end {
                    return None;
                }
                if at > header && self.tokens[at - 1].kind == TokenKind::Word {
                    groups.push((at - 1, at));
                }
                at = close + 1;
                continue;
            }
            if token.is(b'=') || token.is(b'{') {
                return None;
            }
            at += 1;
        }
        let attribute = |word: usize| {
            ATTRIBUTES_WITH_ARGUMENTS.iter().any(|name| self.tokens[word].is_word(self.text, name))
        };
        let named_later = |open: usize| {
            // `API(int) foo(int x)`: a plain word and another list follow.
            let next = partner[open] + 1;
            next + 1 < end
                && self.tokens[next].kind == TokenKind::Word
                && self.tokens[next + 1].is(b'(')
                && !declarations::looks_like_annotation(self.tokens[next].text(self.text))
        };
        groups
            .iter()
            .copied()
            .find(|&(word, open)| !attribute(word) && !named_later(open))
            .or_else(|| groups.iter().copied().find(|&(word, _)| !attribute(word)))
    }

    fn function(&mut self, header: usize, open: usize, close: usize, partner: &[usize]) -> bool {
        let Some((word, list)) = self.parameter_list(header, open, partner) else { return false };
        let first = self.tokens[header];
        let starts_type = ["struct", "union", "enum", "typedef"].iter().any(|w| first.is_word(self.text, w));
        if starts_type && word == header {
            return false;
        }
        if NOT_CALLS.iter().any(|w| self.tokens[word].is_word(self.text, w)) {
            return false;
        }
        let mut name = self.name(word);
        let list_end = partner[list];
        let mut irregular = word == header;
        // `SYSCALL_DEFINE3(name, …)`: callers know it by its first argument.
        if name.contains("DEFINE") && list + 1 < list_end && self.tokens[list + 1].kind == TokenKind::Word {
            name = self.name(list + 1);
            irregular = true;
        }
        if self.tokens.get(list_end + 1).is_some_and(|token| token.is(b'(')) {
            irregular = true;
        }
        let linkage = if (header..word).any(|at| self.tokens[at].is_word(self.text, "static")) {
            Linkage::Internal
        } else {
            Linkage::External
        };
        let mut words: Vec<&[u8]> = Vec::new();
        let mut calls: Vec<Name> = Vec::new();
        for at in open + 1..close {
            if self.tokens[at].kind == TokenKind::Word
                && (self.tokens[at + 1].is(b'(') || self.is_choice_of_call(at))
            {
                let word = self.tokens[at].text(self.text);
                words.push(word);
                // Scope guards call the constructor of their class.
                if matches!(word, b"guard" | b"scoped_guard" | b"scoped_cond_guard" | b"CLASS")
                    && at + 2 < close
                {
                    calls.push(Name::new(format!("class_{}_constructor", self.name(at + 2))));
                }
            }
        }
        words.sort_unstable();
        words.dedup();
        let is_call = |word: &&&[u8]| !NOT_CALLS.iter().any(|known| known.as_bytes() == **word);
        calls.extend(words.iter().filter(is_call).map(|word| name_of(word)));
        calls.sort_unstable();
        calls.dedup();
        let annotations = self.annotations(header, word, list_end + 1, open, partner);
        if linkage == Linkage::Internal
            && calls.is_empty()
            && !irregular
            && let Some(accessor) = self.accessor(&name, (list, list_end), (open, close))
        {
            self.index.macros.entry(name.clone()).or_insert(accessor);
        }
        self.index.functions.push(FunctionDefinition {
            name,
            span: self.span(first.start, self.tokens[close].end),
            body: self.span(self.tokens[open].start, self.tokens[close].end),
            header: self.span(self.tokens[word].start, self.tokens[list_end].end),
            linkage,
            irregular_header: irregular,
            annotations,
            calls,
        });
        true
    }

    fn directive(&mut self, token: Token) {
        let text = token.text(self.text);
        match directive_word(text) {
            b"define" => self.define(token),
            b"include" => {
                let operand = String::from_utf8_lossy(after_word(text, b"include")).trim().to_owned();
                self.index.includes.push(operand.into());
            }
            _ => {}
        }
    }

    /// Whether the word at `at` is one of two functions of which one is called: `(write ? up_write : up_read)(l)`.
    fn is_choice_of_call(&self, at: usize) -> bool {
        let is = |at: usize, byte: u8| self.tokens.get(at).is_some_and(|token| token.is(byte));
        let called = |last: usize| is(last + 1, b')') && is(last + 2, b'(');
        let first = at > 0 && is(at - 1, b'?') && is(at + 1, b':') && called(at + 2);
        first || at > 0 && is(at - 1, b':') && called(at)
    }

    fn define(&mut self, token: Token) {
        let text = after_word(token.text(self.text), b"define");
        // A tree has millions of these, and most are a name and a number.
        let plain = !text.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'"' | b'\''));
        let text = if plain { String::from_utf8_lossy(text) } else { strip_comments(text).into() };
        let text = text.trim_start();
        let end = text.bytes().position(|b| !super::lex::is_word_byte(b)).unwrap_or(text.len());
        if end == 0 {
            return;
        }
        let (name, rest) = text.split_at(end);
        let name = Name::new(name);
        let (parameters, body) = match rest.strip_prefix('(') {
            Some(rest) => {
                let Some((list, body)) = rest.split_once(')') else { return };
                let names = list.split(',').map(|p| Name::new(p.trim())).filter(|p| !p.is_empty()).collect();
                (Some(names), body)
            }
            None => (None, rest),
        };
        let definition = MacroDefinition {
            name: name.clone(),
            parameters,
            body: body.trim().to_owned(),
            span: self.span(token.start, token.end),
        };
        // What returns in one configuration returns in all.
        let returns = |definition: &MacroDefinition| {
            definition
                .body
                .strip_prefix("return")
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
        };
        match self.index.macros.get(&name) {
            Some(other) if returns(other) => {}
            Some(_) if returns(&definition) => {
                self.index.redefined.retain(|other| *other != name);
                self.index.macros.insert(name, definition);
            }
            // The variants of a debugging build, of one without threads or without modules, do the same, or less.
            Some(other) if variants::is_plain(other) => {}
            Some(_) if variants::is_plain(&definition) => {
                self.index.redefined.retain(|other| *other != name);
                self.index.macros.insert(name, definition);
            }
            Some(other) if other.body != definition.body || other.parameters != definition.parameters => {
                if !self.index.redefined.contains(&name) {
                    self.index.redefined.push(name);
                }
            }
            Some(_) => {}
            None => {
                self.index.macros.insert(name, definition);
            }
        }
    }

    fn directive_comments(&mut self) {
        self.index.directives = directive::directives(self.file, self.text);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }
}

#[cfg(test)]
mod tests;
