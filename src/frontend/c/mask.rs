//! Makes a function's text digestible for tree-sitter without changing its length, so that byte offsets stay true.
//!
//! tree-sitter-c expects preprocessed C; kernel C is not. What it cannot read is blanked or replaced by something of the same
//! length and structure, and noted on the side: macro-headed blocks, types as arguments, attribute words, `asm`, case ranges,
//! `typeof`, statements without `;`. Preprocessor conditionals stay where they stand between statements; elsewhere the function is
//! read once per choice of arms ([`super::conditionals`]).

use super::conditionals::is_conditional;
use super::lex::{Token, TokenKind, brackets, tokens};
use super::text::directive_word;
use crate::ir::Name;
use crate::ir::environment::{BlockMacro, Environment};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

mod assembly;
mod brace;
mod declaration;
mod operand;
mod statement;
mod word;

use statement::guess;

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

/// Keywords that open a parenthesised header.
const HEADER_WORDS: [&str; 4] = ["if", "while", "for", "switch"];

/// Keywords that no expression holds.
const STATEMENT_WORDS: [&str; 10] =
    ["if", "while", "for", "switch", "do", "return", "goto", "break", "continue", "else"];

/// Masks the statements and declarations of `slice`.
pub fn mask(slice: &[u8], env: &dyn Environment) -> Masked {
    let tokens = tokens(slice);
    let partner = brackets(&tokens);
    let mut mask = Mask {
        slice,
        tokens: &tokens,
        partner: &partner,
        env,
        settled: 0,
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
    /// What stands before this offset needs no further repair of words.
    settled: usize,
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
            let word = directive_word(token.text(self.slice));
            if !is_conditional(word) {
                self.out.text[token.start..token.end]
                    .iter_mut()
                    .filter(|byte| !matches!(**byte, b'\n' | b'\r'))
                    .for_each(|byte| *byte = b' ');
            }
        }
    }

    fn statements(&mut self) {
        let mut record_end = 0;
        for at in 0..self.tokens.len() {
            if self.is(at, b'{') && self.is_record(at) && self.partner[at] != usize::MAX {
                record_end = record_end.max(self.partner[at]);
            }
            if at < record_end {
                self.member(at);
                continue;
            }
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
            TokenKind::Punct(b'{') => !self.is_initialiser(before),
            TokenKind::Punct(b'}' | b';' | b':') | TokenKind::Directive => true,
            TokenKind::Punct(b')' | b'(' | b',') => self.starts_next[before],
            TokenKind::Word => matches!(self.word(before), "else" | "do") || self.starts_next[before],
            _ => false,
        }
    }

    fn statement(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        match word.as_str() {
            "asm" | "__asm__" | "__asm" => return self.assembly(at),
            "goto" | "__label__" => return self.jump(at),
            "typeof" | "__typeof__" | "__typeof" | "typeof_unqual" => return self.word_repairs(at),
            "static" if self.is_declaring_macro(at + 1) => {
                self.blank(self.tokens[at].start..self.tokens[at].end);
                self.starts_next[at] = true;
                return;
            }
            _ if word != "while" && self.ends_do(at) => return self.do_end(at),
            _ => self.label(at),
        }
        let keyword = self.is_keyword(at);
        if keyword {
            return self.bare_condition(at);
        }
        if self.declaration(at) || self.lone_word(at) {
            return;
        }
        let attribute = word.starts_with("__") && self.env.is_attribute(&word);
        let Some((open, close)) = self.list(at).filter(|_| !attribute) else { return };
        let next = close + 1;
        let Some(follower) = self.tokens.get(next).copied() else { return };
        // `DECLARE_BITMAP(map, 8) = { 0 };`
        if follower.is(b'=') && self.is(next + 1, b'{') && self.partner[next + 1] != usize::MAX {
            let end = self.partner[next + 1];
            return self.blank(follower.start..self.tokens[end].end);
        }
        // `CLASS(fd, f)(x);` and `guard(mutex)(&m);` are calls of calls.
        let block = follower.is(b'{');
        let known = self.env.block_macro(&word).is_some();
        let heads = block
            || follower.kind == TokenKind::Word
                && (self.deeper(at, next) || known)
                && !self.is_plain_attribute(next)
            || known && matches!(follower.kind, TokenKind::Punct(b'+' | b'-' | b'*' | b'('))
            || follower.is(b'(') && guess(&word) == BlockMacro::Loop && self.below(close, next);
        if heads {
            return self.block(at, &word, open, close);
        }
        if self.holds_statements(open, close) {
            return self.statements_in_argument(at, open, close);
        }
        // A macro used as a statement, without `;`.
        let ends =
            follower.is(b'}') || follower.kind == TokenKind::Word || follower.kind == TokenKind::Directive;
        if ends && !self.is_plain_attribute(next) {
            self.end_statement(close, next);
        }
    }

    fn is_keyword(&self, at: usize) -> bool {
        STATEMENT_WORDS.contains(&self.word(at)) || matches!(self.word(at), "case" | "default" | "sizeof")
    }

    fn is_plain_attribute(&self, at: usize) -> bool {
        let word = self.word(at);
        word.starts_with("__") && self.env.is_attribute(word)
    }
}
