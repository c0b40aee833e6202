//! Statements that tree-sitter would read as something else: macros that head a block or end a loop, statements without `;`,
//! statements as arguments, computed `goto`.

use super::{BlockNote, Mask, STATEMENT_WORDS};
use crate::frontend::c::conditionals::is_conditional;
use crate::frontend::c::lex::TokenKind;
use crate::frontend::c::text::{directive_word, split_arguments};
use crate::ir::Name;
use crate::ir::environment::BlockMacro;

/// The end of a `do` loop whose condition a macro hides.
const UNKNOWN_END: &str = "while(_())";

impl Mask<'_> {
    pub(super) fn ends_do(&self, at: usize) -> bool {
        let open = at.checked_sub(1).filter(|&brace| self.is(brace, b'}')).map(|brace| self.partner[brace]);
        open.and_then(|open| open.checked_sub(1)).is_some_and(|before| self.word(before) == "do")
    }

    /// `do { … } while_each_thread(a, b);`: a condition that nobody knows.
    pub(super) fn do_end(&mut self, at: usize) {
        if let Some((_, close)) = self.list(at) {
            let range = self.tokens[at].start..self.tokens[close].end;
            if range.len() >= UNKNOWN_END.len() {
                self.put(range, UNKNOWN_END);
            }
        }
    }

    /// `static DEFINE_X(y);`
    pub(super) fn is_declaring_macro(&self, at: usize) -> bool {
        let macro_name =
            self.word(at).bytes().all(|b| b.is_ascii_uppercase() || b == b'_' || b.is_ascii_digit());
        macro_name
            && self.list(at).is_some_and(|(_, close)| self.is(close + 1, b';') || self.is(close + 1, b'='))
    }

    /// Whether an argument list holds statements: `DEBUG(if (x) f();)`.
    pub(super) fn holds_statements(&self, open: usize, close: usize) -> bool {
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
    pub(super) fn statements_in_argument(&mut self, at: usize, open: usize, close: usize) {
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
        let mut args = split_arguments(self.slice, &self.tokens[open + 1..start.max(open + 1)]);
        // It is no iterator: what it is given it does not change.
        args.retain(|arg| arg.contains('('));
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

    /// `if UNLIKELY (x)`: the macro brings the parentheses, and its meaning is its argument's.
    pub(super) fn bare_condition(&mut self, at: usize) {
        let hint = self.word(at + 1).to_ascii_lowercase().contains("likely");
        if let Some((_, close)) = self.list(at + 1).filter(|_| hint && self.word(at) == "if") {
            self.blank(self.tokens[at + 1].start..self.tokens[at + 1].end);
            self.starts_next[close] = true;
        }
    }

    /// A macro that is a whole statement, alone on its line and without `;`.
    pub(super) fn lone_word(&mut self, at: usize) -> bool {
        let Some(next) = self.tokens.get(at + 1) else { return false };
        let between = &self.slice[self.tokens[at].end..next.start];
        let ends = match next.kind {
            TokenKind::Punct(b'}') | TokenKind::Directive => true,
            TokenKind::Word => self.is_keyword(at + 1) && self.word(at + 1) != "sizeof",
            _ => false,
        };
        let lone = ends && between.contains(&b'\n');
        if lone {
            self.end_statement(at, at + 1);
        }
        lone
    }

    /// Puts a `;` between two tokens, if there is room. A line end may go for it, but not the one before a directive.
    pub(super) fn end_statement(&mut self, last: usize, next: usize) {
        let gap = self.tokens[last].end..self.tokens[next].start;
        let line_stays = self.is_conditional(next);
        self.blank(gap.clone());
        let room = gap.clone().find(|&at| !line_stays || self.slice[at] != b'\n');
        if let Some(at) = room {
            self.out.text[at] = b';';
            self.starts_next[last] = true;
        }
    }

    /// `label: }`, which C23 allows.
    pub(super) fn label(&mut self, at: usize) {
        if self.is(at + 1, b':') && self.is(at + 2, b'}') && self.word(at) != "default" {
            self.end_statement(at + 1, at + 2);
        }
    }

    /// `goto *p;` stands as `*p;`, `__label__ a, b;` as nothing.
    pub(super) fn jump(&mut self, at: usize) {
        let word = self.tokens[at];
        if self.word(at) == "__label__" {
            let end = (at..self.tokens.len()).find(|&at| self.is(at, b';'));
            self.blank(word.start..end.map_or(word.end, |end| self.tokens[end].start));
        } else if self.is(at + 1, b'*') {
            self.blank(word.start..word.end);
            self.out.notes.computed_gotos.insert(self.tokens[at + 1].start);
        }
    }

    pub(super) fn is_conditional(&self, at: usize) -> bool {
        let token = self.tokens[at];
        token.kind == TokenKind::Directive && is_conditional(directive_word(token.text(self.slice)))
    }

    /// Whether token `inner` stands on a later line than token `outer`, indented deeper.
    pub(super) fn below(&self, outer: usize, inner: usize) -> bool {
        let between = &self.slice[self.tokens[outer].end..self.tokens[inner].start];
        between.contains(&b'\n') && self.deeper(outer, inner)
    }

    /// Whether token `inner` stands indented deeper than the line of token `outer`, or on its line.
    pub(super) fn deeper(&self, outer: usize, inner: usize) -> bool {
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

    pub(super) fn block(&mut self, at: usize, word: &str, open: usize, close: usize) {
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
}

/// A block macro of which nothing is known: iterators have names that say so.
pub(super) fn guess(name: &str) -> BlockMacro {
    let lower = name.to_ascii_lowercase();
    let loops = ["each", "foreach", "while", "walk", "loop", "repeat", "iterate"];
    if loops.iter().any(|word| lower.contains(word)) || lower.starts_with("for") {
        BlockMacro::Loop
    } else {
        BlockMacro::Once
    }
}
