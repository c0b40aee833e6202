//! Where a file mentions functions without calling them: in tables, as arguments, anywhere else.
//!
//! One pass over the tokens. A *slot* is where a function is put to be called through a pointer later: a table member
//! (`file_operations.read`, for `struct file_operations x = { .read = f }`), an argument (`setup_timer#1`), an assigned
//! member (`->handler`).

use super::lex::{Token, TokenKind, tokens};
use crate::ir::Name;
use crate::ir::file_index::{FileIndex, References, word_hash};
use rustc_hash::FxHashSet;

/// Shorter words name no function worth following.
const NAME: usize = 3;

/// What `text` mentions; `is_export` tells macros that only publish the name of a function.
pub fn references(text: &[u8], index: &FileIndex, is_export: &dyn Fn(&str) -> bool) -> References {
    let tokens = tokens(text);
    let own: FxHashSet<&[u8]> = index.functions.iter().map(|function| function.name.as_bytes()).collect();
    let mut reader =
        Reader { text, tokens: &tokens, own, is_export, open: Vec::new(), out: References::default() };
    reader.run();
    let mut out = reader.out;
    out.mentioned.sort_unstable();
    out.mentioned.dedup();
    out.slots.sort_unstable();
    out.slots.dedup();
    out
}

/// An open bracket.
enum Open {
    /// An initialiser of a table of this type, and how many elements stand before.
    Table { of: String, position: usize },
    /// An argument list, and how many arguments stand before; `None` when nothing is called.
    Arguments { of: Option<String>, position: usize },
    /// Anything else.
    Other,
}

struct Reader<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    own: FxHashSet<&'t [u8]>,
    is_export: &'t dyn Fn(&str) -> bool,
    open: Vec<Open>,
    out: References,
}

impl Reader<'_> {
    fn is(&self, at: Option<usize>, byte: u8) -> bool {
        at.and_then(|at| self.tokens.get(at)).is_some_and(|token| token.is(byte))
    }

    fn word(&self, at: Option<usize>) -> &str {
        match at.and_then(|at| self.tokens.get(at)) {
            Some(token) if token.kind == TokenKind::Word => {
                std::str::from_utf8(token.text(self.text)).unwrap_or_default()
            }
            _ => "",
        }
    }

    fn run(&mut self) {
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                TokenKind::Punct(b'{') => {
                    let open = self.brace(at);
                    self.open.push(open);
                }
                TokenKind::Punct(b'(') => {
                    let callee = self.word(at.checked_sub(1));
                    let of = (!callee.is_empty()).then(|| callee.to_owned());
                    self.open.push(Open::Arguments { of, position: 0 });
                }
                TokenKind::Punct(b'[') => self.open.push(Open::Other),
                TokenKind::Punct(b'}' | b')' | b']') => {
                    self.open.pop();
                }
                TokenKind::Punct(b',') => {
                    if let Some(Open::Table { position, .. } | Open::Arguments { position, .. }) =
                        self.open.last_mut()
                    {
                        *position += 1;
                    }
                }
                TokenKind::Word => self.mention(at),
                _ => {}
            }
        }
    }

    fn brace(&self, at: usize) -> Open {
        let Some(before) = at.checked_sub(1) else { return Open::Other };
        if self.is(Some(before), b'=') {
            let member = self.member_before(before);
            let of = match (self.open.last(), member) {
                (Some(Open::Table { of, .. }), Some(member)) => format!("{of}.{member}"),
                _ => self.declared_type(before),
            };
            return Open::Table { of, position: 0 };
        }
        match self.open.last() {
            // An element of an array of tables, or a nested table without a name.
            Some(Open::Table { of, .. }) => Open::Table { of: of.clone(), position: 0 },
            _ if self.is(Some(before), b')') => match self.literal_type(before) {
                Some(of) => Open::Table { of, position: 0 },
                None => Open::Other,
            },
            _ => Open::Other,
        }
    }

    /// `.member` or `[index]` in front of the `=` at `equals`.
    fn member_before(&self, equals: usize) -> Option<&str> {
        let name = equals.checked_sub(1)?;
        (self.is(name.checked_sub(1), b'.')).then(|| self.word(Some(name))).filter(|name| !name.is_empty())
    }

    /// The type of `static const struct T x[] =`: the word behind `struct`, else the first that is no qualifier.
    fn declared_type(&self, equals: usize) -> String {
        let mut start = equals;
        while start > 0 {
            match self.tokens[start - 1].kind {
                TokenKind::Punct(b';' | b'{' | b'}') | TokenKind::Directive => break,
                _ => start -= 1,
            }
        }
        self.type_in(start, equals)
    }

    /// `(struct T) {`
    fn literal_type(&self, close: usize) -> Option<String> {
        let open = (close.saturating_sub(4)..close).rev().find(|&at| self.is(Some(at), b'('))?;
        let called = !self.word(open.checked_sub(1)).is_empty();
        let of = self.type_in(open + 1, close);
        (!called && !of.is_empty()).then_some(of)
    }

    fn type_in(&self, start: usize, end: usize) -> String {
        let mut words = (start..end).map(|at| self.word(Some(at))).filter(|word| !word.is_empty());
        let mut first = None;
        while let Some(word) = words.next() {
            match word {
                "struct" | "union" => return words.next().unwrap_or_default().to_owned(),
                "static" | "const" | "extern" | "volatile" | "register" => {}
                other if first.is_none() => first = Some(other.to_owned()),
                _ => {}
            }
        }
        first.unwrap_or_default()
    }

    fn mention(&mut self, at: usize) {
        let before = at.checked_sub(1);
        let member = self.is(before, b'.') || self.is(before, b'>') && self.is(at.checked_sub(2), b'-');
        if member || self.is(Some(at + 1), b'(') || self.tokens[at].end - self.tokens[at].start < NAME {
            return;
        }
        let declares = !matches!(self.word(before), "" | "return" | "case" | "else");
        let ends = [b',', b')', b'}', b';', b':', b'?'].iter().any(|&byte| self.is(Some(at + 1), byte));
        if declares || !ends {
            return;
        }
        let word = self.tokens[at].text(self.text);
        if let Some(Open::Arguments { of: Some(callee), .. }) = self.open.last()
            && (self.is_export)(callee)
        {
            return;
        }
        self.out.mentioned.push(word_hash(word));
        if let Some(slot) = self.slot(at, word) {
            self.out.slots.push((Name::new(self.word(Some(at))), Name::new(slot)));
        }
    }

    fn slot(&self, at: usize, word: &[u8]) -> Option<String> {
        let before = at.checked_sub(1)?;
        // `&f` is `f`.
        let before = if self.is(Some(before), b'&') { before.checked_sub(1)? } else { before };
        let named = self.is(Some(before), b'=').then(|| self.member_before(before)).flatten();
        match self.open.last() {
            Some(Open::Table { of, .. }) if !of.is_empty() && named.is_some() => {
                Some(format!("{of}.{}", named.unwrap_or_default()))
            }
            _ if !self.own.contains(word) => None,
            Some(Open::Table { of, position }) if !of.is_empty() => Some(format!("{of}[{position}]")),
            Some(Open::Arguments { of: Some(callee), position }) => {
                let keyword =
                    matches!(callee.as_str(), "if" | "while" | "for" | "switch" | "sizeof" | "return");
                (!keyword).then(|| format!("{callee}#{position}"))
            }
            _ if self.is(Some(before), b'=') => {
                let name = before.checked_sub(1)?;
                let arrow = self.is(name.checked_sub(1), b'>') || self.is(name.checked_sub(1), b'.');
                arrow.then(|| format!("->{}", self.word(Some(name))))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    fn slots(text: &str) -> Vec<String> {
        let index = super::super::scan::index(FileId(0), text.as_bytes());
        let found = references(text.as_bytes(), &index, &|name| name.starts_with("PUBLISH"));
        found.slots.iter().map(|(name, slot)| format!("{name} in {slot}")).collect()
    }

    fn is_mentioned(text: &str, word: &str) -> bool {
        let index = super::super::scan::index(FileId(0), text.as_bytes());
        let found = references(text.as_bytes(), &index, &|name| name.starts_with("PUBLISH"));
        found.mentioned.contains(&word_hash(word.as_bytes()))
    }

    #[test]
    fn tables_arguments_and_assignments_are_slots() {
        let text = "static int work(void) { return 0; }\nstatic const struct ops a = { .run = work, .nested = { .run = work }, };\n\
                    static struct row rows[] = { { 1, work }, };\n\
                    void set(struct dev *d) { d->handler = work; setup(d, work, 0); use((struct arg){ .f = work }); }\n";
        assert_eq!(
            slots(text),
            [
                "work in ->handler",
                "work in arg.f",
                "work in ops.nested.run",
                "work in ops.run",
                "work in row[1]",
                "work in setup#1"
            ]
        );
    }

    #[test]
    fn calls_declarations_members_and_exports_are_no_mentions() {
        let text =
            "int work(int); int work(int a) { int copy; x->work = a; return work(a); }\nPUBLISH(work);\n";
        assert!(!is_mentioned(text, "work"));
        assert!(is_mentioned("void f(void) { run(work); }", "work"));
        assert!(is_mentioned("void f(void) { g = flag ? work : other; }", "work"));
    }
}
