//! Makes a function's text digestible for tree-sitter without changing its length, so that byte offsets stay true.
//!
//! tree-sitter-c expects preprocessed C; kernel C is not. What it cannot read is blanked or replaced by something of the same
//! length and structure, and noted on the side: macro-headed blocks, types as arguments, attribute words, `asm`, case ranges,
//! `typeof`, statements without `;`. Preprocessor conditionals stay where they stand between statements; elsewhere the function is
//! read once per choice of arms ([`super::conditionals`]).

use super::lex::{Token, TokenKind, brackets, tokens};
use super::scan::{split_arguments, squeeze};
use crate::ir::Name;
use crate::ir::environment::{BlockMacro, Environment};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What was blanked and still means something, by offset into the slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// Block macros, by the offset of the keyword that stands for them now.
    pub blocks: BTreeMap<usize, BlockNote>,
    /// `asm` statements, by the offset of the `0` that stands for them now.
    pub asm: BTreeMap<usize, AsmNote>,
    /// Scope-exit attributes (`__free(f)`, `cleanup(f)`), by the offset of the word: the function called at scope exit.
    pub cleanups: BTreeMap<usize, Name>,
    /// Upper bounds of case ranges, by the offset of the `case`.
    pub case_ranges: BTreeMap<usize, String>,
    /// `goto *p`, by the offset of the star.
    pub computed_gotos: BTreeSet<usize>,
    /// Labels whose address is taken.
    pub label_addresses: BTreeSet<Name>,
}

/// A macro that stands before a block.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockNote {
    /// Its name.
    pub name: Name,
    /// Its arguments as written.
    pub args: Vec<Name>,
    /// How often the block runs.
    pub kind: BlockMacro,
    /// Its parenthesised argument list in the slice.
    pub range: Range<usize>,
}

/// An `asm` statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AsmNote {
    /// Labels that `asm goto` may jump to.
    pub labels: Vec<Name>,
    /// Output operands as written.
    pub outputs: Vec<Name>,
}

/// A masked text.
#[derive(Clone, Debug)]
pub struct Masked {
    /// Same length as the original.
    pub text: Vec<u8>,
    /// What was taken away.
    pub notes: Notes,
}

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

/// Keywords that open a parenthesised header.
const HEADER_WORDS: [&str; 4] = ["if", "while", "for", "switch"];

/// Words after which an identifier starts an expression, not a declarator.
const NOT_BEFORE_ATTRIBUTE: [&str; 17] = [
    "struct", "union", "enum", "const", "static", "volatile", "return", "case", "goto", "sizeof", "else",
    "do", "typedef", "unsigned", "signed", "extern", "inline",
];

/// Masks the statements and declarations of `slice`.
pub fn mask(slice: &[u8], env: &dyn Environment) -> Masked {
    let tokens = tokens(slice);
    let partner = brackets(&tokens);
    let mut mask = Mask {
        slice,
        tokens: &tokens,
        partner: &partner,
        env,
        out: Masked { text: readable(slice), notes: Notes::default() },
        starts_next: vec![false; tokens.len()],
    };
    mask.directives();
    mask.statements();
    mask.words();
    mask.arguments();
    mask.out
}

/// The text in an encoding that tree-sitter reads: bytes above ASCII that are no UTF-8 become word bytes.
fn readable(slice: &[u8]) -> Vec<u8> {
    let mut text = slice.to_vec();
    if std::str::from_utf8(slice).is_err() {
        text.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'_');
    }
    text
}

struct Mask<'t> {
    slice: &'t [u8],
    tokens: &'t [Token],
    partner: &'t [usize],
    env: &'t dyn Environment,
    out: Masked,
    /// Tokens behind which a statement starts: they close the header of a control statement, or were given a `;`.
    starts_next: Vec<bool>,
}

impl Mask<'_> {
    fn word(&self, at: usize) -> &str {
        match self.tokens.get(at) {
            Some(token) if token.kind == TokenKind::Word => {
                std::str::from_utf8(token.text(self.slice)).unwrap_or("")
            }
            _ => "",
        }
    }

    fn is(&self, at: usize, byte: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(byte))
    }

    fn blank(&mut self, range: Range<usize>) {
        for byte in &mut self.out.text[range] {
            if !matches!(*byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    /// Writes `text` at the start of `range`, blanks the rest.
    fn put(&mut self, range: Range<usize>, text: &str) {
        self.blank(range.clone());
        self.out.text[range.start..range.start + text.len()].copy_from_slice(text.as_bytes());
    }

    /// The argument list that opens right behind token `at`.
    fn list(&self, at: usize) -> Option<(usize, usize)> {
        let open = at + 1;
        (self.is(open, b'(') && self.partner[open] != usize::MAX).then(|| (open, self.partner[open]))
    }

    /// Directives that change no control flow are blanked; conditionals stay.
    fn directives(&mut self) {
        for token in self.tokens.iter().filter(|token| token.kind == TokenKind::Directive) {
            let word = super::scan::directive_word(token.text(self.slice));
            if !super::conditionals::is_conditional(word) {
                self.out.text[token.start..token.end]
                    .iter_mut()
                    .filter(|byte| !matches!(**byte, b'\n' | b'\r'))
                    .for_each(|byte| *byte = b' ');
            }
        }
    }

    fn statements(&mut self) {
        for at in 0..self.tokens.len() {
            if HEADER_WORDS.contains(&self.word(at))
                && let Some((_, close)) = self.list(at)
            {
                self.starts_next[close] = true;
            }
            if self.tokens[at].kind == TokenKind::Word && self.starts_statement(at) {
                self.statement(at);
            }
        }
    }

    fn starts_statement(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match self.tokens[before].kind {
            TokenKind::Punct(b'{' | b'}' | b';' | b':') | TokenKind::Directive => true,
            TokenKind::Punct(b')') => self.starts_next[before],
            TokenKind::Word => matches!(self.word(before), "else" | "do"),
            _ => false,
        }
    }

    fn statement(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        match word.as_str() {
            "asm" | "__asm__" | "__asm" => return self.assembly(at),
            "goto" | "__label__" => return self.jump(at),
            _ => self.label(at),
        }
        let keyword = HEADER_WORDS.contains(&word.as_str())
            || matches!(word.as_str(), "return" | "sizeof" | "else" | "do" | "case" | "goto");
        let attribute = word.starts_with("__") && self.env.is_attribute(&word);
        let Some((open, close)) = self.list(at).filter(|_| !keyword && !attribute) else { return };
        let next = close + 1;
        let Some(follower) = self.tokens.get(next).copied() else { return };
        // `CLASS(fd, f)(x);` and `guard(mutex)(&m);` are calls of calls.
        let block = follower.is(b'{');
        let heads = block
            || follower.kind == TokenKind::Word
                && (self.deeper(at, next) || self.env.block_macro(&word).is_some())
                && !self.is_plain_attribute(next);
        if heads {
            return self.block(at, &word, open, close);
        }
        // A macro used as a statement, without `;`.
        let ends =
            follower.is(b'}') || follower.kind == TokenKind::Word || follower.kind == TokenKind::Directive;
        if ends && !self.is_plain_attribute(next) {
            self.end_statement(close, next);
        }
    }

    /// Puts a `;` between two tokens, if there is room. A line end may go for it, but not the one before a directive.
    fn end_statement(&mut self, last: usize, next: usize) {
        let gap = self.tokens[last].end..self.tokens[next].start;
        let line_stays = self.tokens[next].kind == TokenKind::Directive;
        self.blank(gap.clone());
        let room = gap.clone().find(|&at| !line_stays || self.slice[at] != b'\n');
        if let Some(at) = room {
            self.out.text[at] = b';';
            self.starts_next[last] = true;
        }
    }

    /// `label: }`, which C23 allows.
    fn label(&mut self, at: usize) {
        if self.is(at + 1, b':') && self.is(at + 2, b'}') && self.word(at) != "default" {
            self.end_statement(at + 1, at + 2);
        }
    }

    /// `goto *p;` stands as `*p;`, `__label__ a, b;` as nothing.
    fn jump(&mut self, at: usize) {
        let word = self.tokens[at];
        if self.word(at) == "__label__" {
            let end = (at..self.tokens.len()).find(|&at| self.is(at, b';'));
            self.blank(word.start..end.map_or(word.end, |end| self.tokens[end].start));
        } else if self.is(at + 1, b'*') {
            self.blank(word.start..word.end);
            self.out.notes.computed_gotos.insert(self.tokens[at + 1].start);
        }
    }

    fn is_plain_attribute(&self, at: usize) -> bool {
        let word = self.word(at);
        word.starts_with("__") && self.env.is_attribute(word)
    }

    /// Whether token `inner` stands indented deeper than the line of token `outer`, or on its line.
    fn deeper(&self, outer: usize, inner: usize) -> bool {
        let line =
            |offset: usize| self.slice[..offset].iter().rposition(|&b| b == b'\n').map_or(0, |nl| nl + 1);
        let indent = |offset: usize| {
            let start = line(offset);
            let blanks = self.slice[start..offset].iter().take_while(|b| matches!(b, b' ' | b'\t'));
            blanks.map(|&b| if b == b'\t' { 8 } else { 1 }).sum::<usize>()
        };
        let (outer, inner) = (self.tokens[outer].start, self.tokens[inner].start);
        line(outer) == line(inner) || indent(inner) > indent(outer)
    }

    fn block(&mut self, at: usize, word: &str, open: usize, close: usize) {
        let range = self.tokens[at].start..self.tokens[close].end;
        let kind = self.env.block_macro(word).unwrap_or_else(|| guess(word));
        let args = split_arguments(self.slice, &self.tokens[open + 1..close]);
        let list = self.tokens[open].start..self.tokens[close].end;
        // `while` takes no `else`: one that follows belongs to the `if` outside.
        let stand_in = if range.len() >= 8 { "while(1)" } else { "if(1)" };
        if range.len() < stand_in.len()
            || self.slice[range.start..range.start + stand_in.len()].contains(&b'\n')
        {
            return;
        }
        self.put(range.clone(), stand_in);
        self.starts_next[close] = true;
        self.out
            .notes
            .blocks
            .insert(range.start, BlockNote { name: Name::new(word), args, kind, range: list });
    }

    fn assembly(&mut self, at: usize) {
        let mut open = at + 1;
        let mut jumps = false;
        while matches!(
            self.word(open),
            "volatile" | "__volatile__" | "goto" | "inline" | "__inline__" | "__volatile"
        ) {
            jumps |= self.word(open) == "goto";
            open += 1;
        }
        if !self.is(open, b'(') || self.partner[open] == usize::MAX {
            return;
        }
        let close = self.partner[open];
        let sections = self.sections(open + 1, close);
        let mut note = AsmNote::default();
        if jumps && let Some(section) = sections.get(4) {
            note.labels = split_arguments(self.slice, &self.tokens[section.clone()]);
        }
        if let Some(section) = sections.get(1) {
            for operand in split_arguments(self.slice, &self.tokens[section.clone()]) {
                if let Some((_, place)) = operand.split_once('(') {
                    note.outputs.push(Name::new(place.trim_end_matches(')')));
                }
            }
        }
        let range = self.tokens[at].start..self.tokens[close].end;
        self.put(range.clone(), "0");
        self.out.notes.asm.insert(range.start, note);
    }

    /// The parts of an asm argument list between its `:`.
    fn sections(&self, from: usize, to: usize) -> Vec<Range<usize>> {
        let mut sections = Vec::new();
        let mut start = from;
        let mut at = from;
        while at < to {
            if self.is(at, b'(') || self.is(at, b'[') {
                if self.partner[at] != usize::MAX {
                    at = self.partner[at];
                }
            } else if self.is(at, b':') {
                sections.push(start..at);
                start = at + 1;
            }
            at += 1;
        }
        sections.push(start..to);
        sections
    }

    fn words(&mut self) {
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                TokenKind::Word => self.word_repairs(at),
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

    fn word_repairs(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        match word.as_str() {
            "typeof" | "__typeof__" | "__typeof" | "typeof_unqual" => {
                if let Some((_, close)) = self.list(at) {
                    self.put(self.tokens[at].start..self.tokens[close].end, "int");
                }
            }
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
        let Some(before) = at.checked_sub(1) else { return false };
        let before_fits = match self.tokens[before].kind {
            TokenKind::Word => !NOT_BEFORE_ATTRIBUTE.contains(&self.word(before)),
            _ => false,
        };
        let after_fits = self.tokens.get(at + 1).is_some_and(|next| {
            next.kind == TokenKind::Word
                || matches!(next.kind, TokenKind::Punct(b'*' | b'=' | b';' | b',' | b')' | b'['))
        });
        before_fits && after_fits
    }

    fn attribute(&mut self, at: usize, with_list: bool) {
        let start = self.tokens[at].start;
        let mut end = self.tokens[at].end;
        if let Some((open, close)) = self.list(at).filter(|_| with_list) {
            end = self.tokens[close].end;
            let inside = squeeze(&self.slice[self.tokens[open].end..self.tokens[close].start]);
            let called = match self.word(at) {
                "__free" => Some(Name::new(format!("__free_{inside}"))),
                "__cleanup" => Some(inside),
                _ => inside.find("cleanup").and_then(|from| {
                    let rest = inside[from..].split_once('(')?.1;
                    Some(Name::new(rest.split(')').next()?.trim()))
                }),
            };
            if let Some(called) = called {
                self.out.notes.cleanups.insert(start, called);
            }
        }
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

    /// Types where expressions belong: `container_of(p, struct s, m)`, `min_t(unsigned int, a, b)`.
    /// Parameters of the function itself are what they say.
    fn arguments(&mut self) {
        let body = self.tokens.iter().position(|token| token.is(b'{')).unwrap_or(0);
        for open in body + 1..self.tokens.len() {
            let callee = self.tokens[open - 1].kind == TokenKind::Word
                && !HEADER_WORDS.contains(&self.word(open - 1))
                && !TAKES_TYPES.contains(&self.word(open - 1))
                && self.word(open - 1) != "return";
            if !callee || !self.is(open, b'(') || self.partner[open] == usize::MAX {
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
        self.blank(range.clone());
        let line = self.slice[range.clone()].iter().position(|&b| b == b'\n').unwrap_or(range.len());
        for byte in &mut self.out.text[range.start..range.start + line] {
            *byte = b'_';
        }
        self.out.text[range.start] = b'T';
    }
}

/// A block macro of which nothing is known: iterators have names that say so.
fn guess(name: &str) -> BlockMacro {
    let lower = name.to_ascii_lowercase();
    let loops = ["each", "foreach", "while", "walk", "loop", "repeat", "iterate"];
    if loops.iter().any(|word| lower.contains(word)) || lower.starts_with("for") {
        BlockMacro::Loop
    } else {
        BlockMacro::Once
    }
}
