//! What a brace opens: a block, a list of values, or the members of a structure.

use super::Mask;
use crate::frontend::c::lex::TokenKind;

impl Mask<'_> {
    /// Whether the brace opens a list of values, not a block.
    pub(super) fn is_initialiser(&self, brace: usize) -> bool {
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

    /// `struct name {`
    pub(super) fn is_record(&self, brace: usize) -> bool {
        let record = |at: Option<usize>| at.is_some_and(|at| matches!(self.word(at), "struct" | "union"));
        record(brace.checked_sub(1)) || record(brace.checked_sub(2)) && !self.word(brace - 1).is_empty()
    }

    /// `DECLARE_BITMAP(map, 8);` among the members of a structure.
    pub(super) fn member(&mut self, at: usize) {
        let starts = at > 0 && matches!(self.tokens[at - 1].kind, TokenKind::Punct(b'{' | b'}' | b';'));
        if let Some((_, close)) = self.list(at).filter(|_| starts && !self.word(at).is_empty())
            && self.is(close + 1, b';')
        {
            self.blank(self.tokens[at].start..self.tokens[close + 1].end);
        }
    }
}
