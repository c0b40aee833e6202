//! What stands in expressions and is none: types as arguments, strings glued to macros, odd numbers.

use super::{HEADER_WORDS, Mask};
use crate::frontend::c::lex::TokenKind;

/// Words that begin or qualify a type.
const TYPE_WORDS: [&str; 17] = [
    "struct",
    "union",
    "enum",
    "const",
    "volatile",
    "unsigned",
    "signed",
    "int",
    "long",
    "short",
    "char",
    "void",
    "float",
    "double",
    "_Bool",
    "__signed__",
    "register",
];

/// Calls whose argument may be a type for tree-sitter too.
const TAKES_TYPES: [&str; 9] = [
    "sizeof",
    "offsetof",
    "__builtin_offsetof",
    "_Alignof",
    "alignof",
    "__alignof__",
    "va_arg",
    "_Generic",
    "_Static_assert",
];

/// Keywords that may stand before a string.
const BEFORE_STRING: [&str; 5] = ["return", "case", "else", "extern", "sizeof"];

impl Mask<'_> {
    /// Strings glued together with macros: `LEVEL PREFIX "text" __stringify(X) "text"`. One string is left.
    pub(super) fn string(&mut self, at: usize) {
        let mut first = at;
        while let Some(start) = self.glued_before(first) {
            first = start;
        }
        self.blank(self.tokens[first].start..self.tokens[at].start);
        let mut last = at;
        while self.tokens.get(last + 1).is_some_and(|next| next.kind == TokenKind::Word) {
            last = self.list(last + 1).map_or(last + 1, |(_, close)| close);
        }
        self.settled = self.tokens[last].end;
        self.blank(self.tokens[at].end..self.settled);
    }

    /// The macro that ends right before token `at`.
    fn glued_before(&self, at: usize) -> Option<usize> {
        let before = at.checked_sub(1)?;
        let is_macro = |at: usize| {
            self.tokens[at].kind == TokenKind::Word
                && !BEFORE_STRING.contains(&self.word(at))
                && !HEADER_WORDS.contains(&self.word(at))
        };
        if is_macro(before) {
            // `L"wide"` is one literal.
            return (self.tokens[before].end < self.tokens[at].start).then_some(before);
        }
        let open = self.partner[before];
        let name = open.checked_sub(1).filter(|_| self.is(before, b')') && open < before)?;
        is_macro(name).then_some(name)
    }

    /// `190A`, `5780_CLASS`: numbers for the preprocessor only.
    pub(super) fn number(&mut self, at: usize) {
        let token = self.tokens[at];
        let text = token.text(self.slice);
        let based = text.len() > 2 && text[0] == b'0' && text[1].is_ascii_alphabetic();
        let known = |byte: &u8| byte.is_ascii_digit() || b".eE+-uUlLfFpPzZjJi".contains(byte);
        if !based && !text.iter().all(known) && !text.contains(&b'\'') {
            self.put(token.start..token.end, "0");
        }
    }

    /// `offsetof(struct s, a.b[1])`: tree-sitter knows plain members only.
    pub(super) fn offset(&mut self, at: usize) {
        let Some((open, close)) = self.list(at) else { return };
        let member = (open..close).rev().find(|&at| self.is(at, b','));
        if member.is_some_and(|comma| comma + 2 < close) {
            let range = self.tokens[at].start..self.tokens[close].end;
            self.settled = range.end;
            self.stand_in(range, b'O');
        }
    }

    /// A name made of `first` and underscores over `range`, as far as its line goes.
    fn stand_in(&mut self, range: std::ops::Range<usize>, first: u8) {
        self.blank(range.clone());
        let line = self.slice[range.clone()].iter().position(|&b| b == b'\n').unwrap_or(range.len());
        self.out.text[range.start..range.start + line].fill(b'_');
        self.out.text[range.start] = first;
    }

    /// Types where expressions belong: `container_of(p, struct s, m)`, `min_t(unsigned int, a, b)`.
    /// Parameters of the function itself are what they say.
    pub(super) fn arguments(&mut self) {
        let body = self.tokens.iter().position(|token| token.is(b'{')).unwrap_or(0);
        for open in body + 1..self.tokens.len() {
            let callee = self.tokens[open - 1].kind == TokenKind::Word
                && !HEADER_WORDS.contains(&self.word(open - 1))
                && !TAKES_TYPES.contains(&self.word(open - 1))
                && self.word(open - 1) != "return";
            // A list that is gone was understood already.
            let gone = self.out.text[self.tokens[open].start] != b'(';
            if !callee || gone || !self.is(open, b'(') || self.partner[open] == usize::MAX {
                continue;
            }
            let close = self.partner[open];
            let mut start = open + 1;
            let mut at = start;
            while at <= close {
                if at == close || self.is(at, b',') {
                    self.argument(start, at);
                    start = at + 1;
                } else if self.partner[at] != usize::MAX && self.partner[at] > at {
                    at = self.partner[at];
                }
                at += 1;
            }
        }
    }

    fn argument(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        // `ASSERT(a, ==, b)`
        let operator =
            |at: usize| matches!(self.tokens[at].kind, TokenKind::Punct(b) if b"=!<>&|+-*/%^".contains(&b));
        if (start..end).all(operator) && !(start..end).all(|at| self.is(at, b'*')) {
            return self.put(self.tokens[start].start..self.tokens[end - 1].end, "0");
        }
        let stars = (start..end).rev().take_while(|&at| self.is(at, b'*')).count();
        let words = start..end - stars;
        if words.is_empty() || !words.clone().all(|at| self.tokens[at].kind == TokenKind::Word) {
            return;
        }
        let is_type =
            words.clone().any(|at| TYPE_WORDS.contains(&self.word(at))) || stars > 0 || words.len() > 1;
        if !is_type {
            return;
        }
        let range = self.tokens[start].start..self.tokens[end - 1].end;
        self.stand_in(range, b'T');
    }
}
