//! Functions that only give another name for something: `static inline struct p *p_of(struct q *q) { return q->private; }`.
//!
//! They are read wherever they are called, as if they were macros; so what is locked through one of them has one name.

use super::Scan;
use crate::frontend::c::lex::{Token, TokenKind};
use crate::ir::Name;
use crate::ir::file_index::MacroDefinition;

/// Longer bodies are no mere names.
const TOKEN_LIMIT: usize = 24;

impl Scan<'_> {
    /// The macro that the static function `name` stands for, if its body, between the tokens `open` and `close`, returns what its
    /// parameters, between `list` and `list_end`, lead to, and does nothing else.
    pub(super) fn accessor(
        &self,
        name: &Name,
        (list, list_end): (usize, usize),
        (open, close): (usize, usize),
    ) -> Option<MacroDefinition> {
        let body = &self.tokens[open + 1..close];
        let [first, path @ .., last] = body else { return None };
        if body.len() > TOKEN_LIMIT || !first.is_word(self.text, "return") || !last.is(b';') {
            return None;
        }
        let parameters = self.parameter_names(list, list_end)?;
        let named = |token: &Token| {
            token.kind == TokenKind::Word
                && parameters.iter().any(|parameter| token.is_word(self.text, parameter.as_str()))
        };
        if !path.iter().any(named) || !is_path(path) {
            return None;
        }
        let span = self.span(path[0].start, path[path.len() - 1].end);
        let expression = String::from_utf8_lossy(span.of(self.text));
        let body = format!("({})", expression.split_whitespace().collect::<Vec<_>>().join(" "));
        Some(MacroDefinition { name: name.clone(), parameters: Some(parameters), body, span })
    }

    /// The last word of each declaration in a parameter list; `None` when some declaration is no plain one.
    fn parameter_names(&self, list: usize, list_end: usize) -> Option<Vec<Name>> {
        let declarations = self.tokens[list + 1..list_end].split(|token| token.is(b','));
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
