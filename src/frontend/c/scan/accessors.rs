//! Functions that only give another name for something, or answer a question about what they are given:
//! `static inline struct p *p_of(struct q *q) { return q->private; }`, `static bool is_write(int mode) { return mode == WRITE; }`.
//!
//! They are read wherever they are called, as if they were macros; so what is locked through one of them has one name, and what is asked
//! twice is answered once.

use super::Scan;
use crate::frontend::c::lex::{Token, TokenKind};
use crate::ir::Name;
use crate::ir::file_index::MacroDefinition;

/// Longer bodies are no mere names.
const NAME_LIMIT: usize = 24;
/// Longer bodies answer more than one would have read at each call.
const ANSWER_LIMIT: usize = 48;

impl Scan<'_> {
    /// The macro that the static function `name` stands for, if its body, between the tokens `open` and `close`, returns what its
    /// parameters, between `list` and `list_end`, lead to, or how they compare, and does nothing else.
    pub(super) fn accessor(
        &self,
        name: &Name,
        (list, list_end): (usize, usize),
        (open, close): (usize, usize),
    ) -> Option<MacroDefinition> {
        let body = self.tokens.get(open + 1..close)?;
        let [first, path @ .., last] = body else { return None };
        if body.len() > ANSWER_LIMIT || !first.is_word(self.text, "return") || !last.is(b';') {
            return None;
        }
        let parameters = self.parameter_names(list, list_end)?;
        let named = |token: &Token| {
            token.kind == TokenKind::Word
                && parameters.iter().any(|parameter| token.is_word(self.text, parameter.as_str()))
        };
        let name_only = body.len() <= NAME_LIMIT && is_path(path);
        if !path.iter().any(named) || !name_only && !is_answer(path, self.text, named) {
            return None;
        }
        let span = self.span(path[0].start, path[path.len() - 1].end);
        let expression = String::from_utf8_lossy(span.of(self.text));
        let body = format!("({})", expression.split_whitespace().collect::<Vec<_>>().join(" "));
        Some(MacroDefinition { name: name.clone(), parameters: Some(parameters), body, span })
    }

    /// The last word of each declaration in a parameter list; `None` when some declaration is no plain one.
    fn parameter_names(&self, list: usize, list_end: usize) -> Option<Vec<Name>> {
        let declarations = self.tokens.get(list + 1..list_end)?.split(|token| token.is(b','));
        let named = declarations.map(|declaration| {
            let plain = declaration.iter().all(|token| token.kind == TokenKind::Word || token.is(b'*'));
            let last = declaration
                .last()
                .filter(|token| declaration.len() > 1 && plain && token.kind == TokenKind::Word)?;
            Some(super::name_of(last.text(self.text)))
        });
        named.collect()
    }
}

/// Whether the tokens are members of members, with casts: no operators, no calls, no choice.
fn is_path(tokens: &[Token]) -> bool {
    let at = |at: usize| tokens.get(at);
    let mut follows = false;
    for (here, token) in tokens.iter().enumerate() {
        let (before, after) = (here.checked_sub(1).and_then(at), at(here + 1));
        let fits = match token.kind {
            // Two words side by side: `struct p` in a cast.
            TokenKind::Word => after.is_none_or(|next| !next.is(b'(')),
            TokenKind::Punct(b'-') => after.is_some_and(|next| next.is(b'>')),
            TokenKind::Punct(b'>') => before.is_some_and(|last| last.is(b'-')),
            TokenKind::Punct(b'*') => after.is_some_and(|next| next.is(b')') || next.is(b'*')),
            TokenKind::Punct(b'&') => before.is_none_or(|last| last.is(b'(') || last.is(b')')),
            TokenKind::Punct(b'(' | b')' | b'.') => true,
            _ => false,
        };
        if !fits {
            return false;
        }
        follows |= token.is(b'>') || token.is(b'.');
    }
    follows
}

/// Whether the tokens compare parameters, their members, numbers and named constants, and combine the answers.
fn is_answer(tokens: &[Token], text: &[u8], is_parameter: impl Fn(&Token) -> bool) -> bool {
    let is_member = |at: usize| match tokens.get(at.wrapping_sub(1)) {
        Some(last) if last.is(b'.') => true,
        Some(last) => last.is(b'>') && at > 1 && tokens[at - 2].is(b'-'),
        None => false,
    };
    let is_constant = |token: &Token| {
        let word = token.text(text);
        !word.iter().any(u8::is_ascii_lowercase) || matches!(word, b"true" | b"false")
    };
    let mut compares = false;
    for (here, token) in tokens.iter().enumerate() {
        let (before, after) = (here.checked_sub(1).map(|at| &tokens[at]), tokens.get(here + 1));
        let beside = |bytes: &[u8]| {
            [before, after].into_iter().flatten().any(|token| bytes.iter().any(|&byte| token.is(byte)))
        };
        let fits = match token.kind {
            TokenKind::Word => {
                let whole = after.is_none_or(|next| !next.is(b'(') && next.kind != TokenKind::Word);
                whole && (is_parameter(token) || is_member(here) || is_constant(token))
            }
            TokenKind::Number | TokenKind::Char => true,
            TokenKind::Punct(b'-') => after.is_some_and(|next| next.is(b'>')),
            TokenKind::Punct(b'=') => beside(b"=!<>"),
            TokenKind::Punct(b'&') => before.is_some_and(|last| !last.is(b'(') || last.is(b'&')),
            TokenKind::Punct(b'(' | b')' | b'.' | b'!' | b'<' | b'>' | b'|' | b'?' | b':') => true,
            _ => false,
        };
        if !fits {
            return false;
        }
        compares |= matches!(token.kind, TokenKind::Punct(b'=' | b'!' | b'<' | b'&' | b'|' | b'?'));
    }
    compares
}
