//! Makes a function's text digestible for tree-sitter without changing its length, so that byte offsets stay true.
//!
//! tree-sitter-c expects preprocessed C; kernel C is not. What it cannot read is blanked or replaced by something of the same
//! length and structure, and noted on the side: macro-headed blocks, types as arguments, attribute words, `asm`, case ranges,
//! `typeof`, statements without `;`. Preprocessor conditionals stay where they stand between statements; elsewhere the function is
//! read once per choice of arms ([`super::conditionals`]).

use super::lex::{Token, TokenKind, brackets, tokens};
use super::scan::split_arguments;
use crate::ir::Name;
use crate::ir::environment::{BlockMacro, Environment};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

mod operand;
mod word;

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

/// The end of a `do` loop whose condition a macro hides.
const UNKNOWN_END: &str = "while(_())";

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
            TokenKind::Punct(b'{') => !self.is_initialiser(before),
            TokenKind::Punct(b'}' | b';' | b':') | TokenKind::Directive => true,
            TokenKind::Punct(b')' | b'(' | b',') => self.starts_next[before],
            TokenKind::Word => matches!(self.word(before), "else" | "do") || self.starts_next[before],
            _ => false,
        }
    }

    /// Whether the brace opens a list of values, not a block.
    fn is_initialiser(&self, brace: usize) -> bool {
        let mut brace = brace;
        while let Some(before) = brace.checked_sub(1) {
            match self.tokens[before].kind {
                TokenKind::Punct(b'=' | b',' | b'[') => return true,
                TokenKind::Word => return self.word(before) == "return",
                // `(struct s){ … }`: nothing is called and nothing is headed.
                TokenKind::Punct(b')') if self.partner[before] < before => {
                    let name = self.partner[before].checked_sub(1);
                    return name.is_some_and(|at| {
                        let heads = self.tokens[at].kind == TokenKind::Word && self.word(at) != "return"
                            || self.is(at, b')');
                        !heads
                    });
                }
                TokenKind::Punct(b'{') => brace = before,
                _ => return false,
            }
        }
        false
    }

    fn statement(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        match word.as_str() {
            "asm" | "__asm__" | "__asm" => return self.assembly(at),
            "goto" | "__label__" => return self.jump(at),
            "static" if self.is_declaring_macro(at + 1) => {
                self.blank(self.tokens[at].start..self.tokens[at].end);
                self.starts_next[at] = true;
                return;
            }
            _ if word.starts_with("while_") && self.ends_do(at) => return self.do_end(at),
            _ => self.label(at),
        }
        let keyword = HEADER_WORDS.contains(&word.as_str())
            || matches!(word.as_str(), "return" | "sizeof" | "else" | "do" | "case" | "goto");
        let attribute = word.starts_with("__") && self.env.is_attribute(&word);
        let Some((open, close)) = self.list(at).filter(|_| !keyword && !attribute) else { return };
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
            || known && matches!(follower.kind, TokenKind::Punct(b'+' | b'-' | b'*' | b'('));
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

    /// `static DEFINE_X(y);`
    fn is_declaring_macro(&self, at: usize) -> bool {
        let macro_name =
            self.word(at).bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
        macro_name
            && self.list(at).is_some_and(|(_, close)| self.is(close + 1, b';') || self.is(close + 1, b'='))
    }

    /// Whether an argument list holds statements: `DEBUG(if (x) f();)`.
    fn holds_statements(&self, open: usize, close: usize) -> bool {
        let mut at = open + 1;
        while at < close {
            if self.is(at, b';') || STATEMENT_WORDS.contains(&self.word(at)) {
                return true;
            }
            at = match self.partner[at] {
                end if end != usize::MAX && end > at => end + 1,
                _ => at + 1,
            };
        }
        false
    }

    /// Makes a block of the last argument, headed by the macro: how often it runs is not known.
    fn statements_in_argument(&mut self, at: usize, open: usize, close: usize) {
        let mut start = open;
        let mut next = open + 1;
        while next < close && !self.is(next, b';') && !STATEMENT_WORDS.contains(&self.word(next)) {
            if self.is(next, b',') {
                start = next;
            }
            next = match self.partner[next] {
                end if end != usize::MAX && end > next => end + 1,
                _ => next + 1,
            };
        }
        let range = self.tokens[at].start..self.tokens[start].end;
        let stand_in = ["while(1){", "if(1){", "{"].into_iter().find(|text| {
            text.len() <= range.len() && !self.slice[range.start..range.start + text.len()].contains(&b'\n')
        });
        let Some(stand_in) = stand_in else { return };
        let args = split_arguments(self.slice, &self.tokens[open + 1..start.max(open + 1)]);
        let name = Name::new(self.word(at));
        self.put(range.clone(), stand_in);
        if stand_in.len() > 1 {
            let note = BlockNote { name, args, kind: BlockMacro::Loop, range: range.clone() };
            self.out.notes.blocks.insert(range.start, note);
        }
        // The last statement may lack its `;`, which then stands behind the list.
        self.starts_next[start] = true;
        self.starts_next[close] = true;
        let end = self.tokens[close].start;
        if self.is(close + 1, b';') {
            self.out.text[end] = b';';
            self.out.text[self.tokens[close + 1].start] = b'}';
        } else {
            self.out.text[end] = b'}';
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

    fn ends_do(&self, at: usize) -> bool {
        let open = at.checked_sub(1).filter(|&brace| self.is(brace, b'}')).map(|brace| self.partner[brace]);
        open.and_then(|open| open.checked_sub(1)).is_some_and(|before| self.word(before) == "do")
    }

    /// `do { … } while_each_thread(a, b);`: a condition that nobody knows.
    fn do_end(&mut self, at: usize) {
        if let Some((_, close)) = self.list(at) {
            let range = self.tokens[at].start..self.tokens[close].end;
            if range.len() >= UNKNOWN_END.len() {
                self.put(range, UNKNOWN_END);
            }
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
