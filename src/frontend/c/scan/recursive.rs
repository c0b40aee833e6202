//! Locks that are made to be taken again by who holds them: `= PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP`, `mtx_init(&m, mtx_recursive)`,
//! `pthread_mutex_init(&m, &attr)` where `attr` was given the recursive type.

use super::Scan;
use crate::frontend::c::lex::{Token, TokenKind};
use memchr::memmem;

impl Scan<'_> {
    /// Notes the names of such locks: their variable or member.
    pub(super) fn recursive_locks(&mut self) {
        if ["recurs", "RECURS"].iter().all(|word| memmem::find(self.text, word.as_bytes()).is_none()) {
            return;
        }
        let says = |token: &Token| {
            let word = token.text(self.text).to_ascii_lowercase();
            let speaks_of = |part: &str| memmem::find(&word, part.as_bytes()).is_some();
            token.kind == TokenKind::Word && speaks_of("recurs") && (speaks_of("mutex") || speaks_of("mtx"))
        };
        // Attributes that ask for it.
        let mut attributes: Vec<&[u8]> = Vec::new();
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            if token.is(b'=') && self.initialised_so(at, &says) {
                found.extend(self.last_word_before(at));
            }
            if !token.is(b'(') || at == 0 || self.tokens[at - 1].kind != TokenKind::Word {
                continue;
            }
            let arguments = self.arguments(at);
            let Some((first, rest)) = arguments.split_first() else { continue };
            let Some(object) = first.iter().rev().find(|token| token.kind == TokenKind::Word) else {
                continue;
            };
            let called = self.tokens[at - 1].text(self.text).to_ascii_lowercase();
            let makes = called.ends_with(b"init") || called.windows(5).any(|part| part == b"init_");
            let asks = rest.iter().flat_map(|argument| argument.iter()).any(says);
            let by_attribute = rest
                .iter()
                .flat_map(|argument| argument.iter())
                .any(|token| token.kind == TokenKind::Word && attributes.contains(&token.text(self.text)));
            if called.ends_with(b"settype") && asks {
                attributes.push(object.text(self.text));
            } else if makes && (asks || by_attribute) {
                found.push(object);
            }
        }
        let names: Vec<_> = found.into_iter().map(|token| super::name_of(token.text(self.text))).collect();
        self.index.recursive.extend(names);
    }

    /// Whether what stands behind the `=` is one word that says so, or a call or list that begins with one.
    fn initialised_so(&self, at: usize, says: &impl Fn(&Token) -> bool) -> bool {
        self.tokens.get(at + 1).is_some_and(says)
    }

    fn last_word_before(&self, at: usize) -> Option<&Token> {
        let before = self.tokens[..at].iter().rev();
        let mut depth = 0_i32;
        before.take(16).find(|token| {
            depth += i32::from(token.is(b']')) - i32::from(token.is(b'['));
            depth == 0 && token.kind == TokenKind::Word
        })
    }

    /// The arguments of the call whose list opens at `open`.
    fn arguments(&self, open: usize) -> Vec<&[Token]> {
        let mut depth = 0_i32;
        let mut arguments = Vec::new();
        let mut start = open + 1;
        for (at, token) in self.tokens.iter().enumerate().skip(open).take(128) {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => depth -= 1,
                TokenKind::Punct(b';') => return Vec::new(),
                _ => {}
            }
            if depth == 0 || depth == 1 && token.is(b',') {
                arguments.push(&self.tokens[start..at]);
                start = at + 1;
            }
            if depth == 0 {
                return arguments;
            }
        }
        Vec::new()
    }
}
