//! Where a file mentions functions without calling them: in tables, as arguments, anywhere else.
//!
//! One pass over the tokens. A *slot* is where a function is put to be called through a pointer later: a table member
//! (`file_operations.read`, for `struct file_operations x = { .read = f }` and for `x->read = f` where `x` is declared nearby;
//! `row[3]` for the fourth value of `struct row rows[] = { { 1, 2, 3, f } }`, which the tree turns into a name), an argument
//! (`setup_timer#1`), a member of an object of unknown type (`->handler`). A macro of the file that fills such a table is looked into.

use super::lex::{Token, TokenKind, tokens};
use crate::ir::Name;
use crate::ir::file_index::{FileIndex, MacroDefinition, References, word_hash};
use rustc_hash::{FxHashMap, FxHashSet};

/// Shorter words name no function worth following.
const NAME: usize = 3;

/// What `text` mentions; `is_export` tells macros that only publish the name of a function.
pub fn references(text: &[u8], index: &FileIndex, is_export: &dyn Fn(&str) -> bool) -> References {
    let tokens = tokens(text);
    let own: FxHashSet<&[u8]> = index.functions.iter().map(|function| function.name.as_bytes()).collect();
    let mut reader = Reader {
        text,
        tokens: &tokens,
        own,
        index,
        is_export,
        open: Vec::new(),
        globals: FxHashMap::default(),
        locals: FxHashMap::default(),
        out: References::default(),
    };
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
    /// An initialiser of a table of this type (or of an array of such), and how many elements stand before.
    Table { of: String, position: usize, is_array: bool },
    /// An argument list, and how many arguments stand before; `None` when nothing is called.
    Arguments { of: Option<String>, position: usize },
    /// Anything else.
    Other,
}

struct Reader<'t> {
    text: &'t [u8],
    tokens: &'t [Token],
    own: FxHashSet<&'t [u8]>,
    index: &'t FileIndex,
    is_export: &'t dyn Fn(&str) -> bool,
    open: Vec<Open>,
    /// Record types of variables, by name: of the file, and of the function that is being read.
    globals: FxHashMap<&'t [u8], &'t [u8]>,
    locals: FxHashMap<&'t [u8], &'t [u8]>,
    out: References,
}

impl<'t> Reader<'t> {
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
                    if self.open.is_empty() && self.is(Some(at), b'}') {
                        self.locals.clear();
                    }
                }
                TokenKind::Punct(b',') => {
                    if let Some(Open::Table { position, .. } | Open::Arguments { position, .. }) =
                        self.open.last_mut()
                    {
                        *position += 1;
                    }
                }
                TokenKind::Word => {
                    self.declare(at);
                    self.mention(at);
                }
                _ => {}
            }
        }
    }

    /// `struct T *x` in a declaration or a parameter list: remembers what `x` is.
    fn declare(&mut self, at: usize) {
        if !matches!(self.word(Some(at)), "struct" | "union") || self.word(Some(at + 1)).is_empty() {
            return;
        }
        let ty = self.tokens[at + 1].text(self.text);
        let mut name = at + 2;
        loop {
            while self.is(Some(name), b'*') || matches!(self.word(Some(name)), "const" | "__rcu" | "restrict")
            {
                name += 1;
            }
            let ends = [b';', b',', b')', b'=', b'['].iter().any(|&byte| self.is(Some(name + 1), byte));
            if self.word(Some(name)).is_empty() || !ends {
                return;
            }
            let (variable, text) = (self.tokens[name], self.text);
            let known = if self.open.is_empty() { &mut self.globals } else { &mut self.locals };
            known.insert(variable.text(text), ty);
            // `struct T *a, *b;`: but not the next parameter.
            let goes_on = self.is(Some(name + 1), b',') && self.is(Some(name + 2), b'*');
            if !goes_on {
                return;
            }
            name += 2;
        }
    }

    fn brace(&self, at: usize) -> Open {
        let Some(before) = at.checked_sub(1) else { return Open::Other };
        let table = |of: String, is_array| Open::Table { of, position: 0, is_array };
        if self.is(Some(before), b'=') {
            let indexed = self.is(before.checked_sub(1), b']');
            return match (self.open.last(), self.member_before(before)) {
                (Some(Open::Table { of, .. }), Some(member)) => table(format!("{of}.{member}"), false),
                // `[3] = {`
                (Some(Open::Table { of, .. }), None) if indexed => table(of.clone(), false),
                _ => table(self.declared_type(before), indexed),
            };
        }
        match self.open.last() {
            // An element of an array of tables.
            Some(Open::Table { of, is_array: true, .. }) => table(of.clone(), false),
            // A nested table without a name.
            Some(Open::Table { of, position, .. }) => table(format!("{of}[{position}]"), false),
            _ if self.is(Some(before), b')') => match self.literal_type(before) {
                Some(of) => table(of, self.is(before.checked_sub(1), b']')),
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
        let before = self.skip_cast(at.checked_sub(1)?)?;
        let named = self.is(Some(before), b'=').then(|| self.member_before(before)).flatten();
        match self.open.last() {
            Some(Open::Table { of, .. }) if !of.is_empty() && named.is_some() => {
                Some(format!("{of}.{}", named.unwrap_or_default()))
            }
            _ if !self.own.contains(word) => None,
            Some(Open::Table { of, position, .. }) if !of.is_empty() => Some(format!("{of}[{position}]")),
            Some(Open::Arguments { of: Some(callee), position }) => {
                let keyword =
                    matches!(callee.as_str(), "if" | "while" | "for" | "switch" | "sizeof" | "return");
                let through = || self.through_macro(callee, *position);
                (!keyword).then(|| through().unwrap_or_else(|| format!("{callee}#{position}")))
            }
            _ if self.is(Some(before), b'=') => {
                let name = before.checked_sub(1)?;
                let arrow = self.is(name.checked_sub(1), b'>') || self.is(name.checked_sub(1), b'.');
                arrow.then(|| format!("{}{}", self.object_type(name), self.word(Some(name))))
            }
            _ => None,
        }
    }

    /// What stands before the value that ends at `before`: `&f` is `f`, and so is `(handler)f`.
    fn skip_cast(&self, mut before: usize) -> Option<usize> {
        if self.is(Some(before), b'&') {
            before = before.checked_sub(1)?;
        }
        if !self.is(Some(before), b')') {
            return Some(before);
        }
        let mut depth = 0usize;
        for at in (before.saturating_sub(16)..=before).rev() {
            depth += usize::from(self.is(Some(at), b')'));
            depth -= usize::from(self.is(Some(at), b'('));
            if depth == 0 {
                return at.checked_sub(1);
            }
        }
        Some(before)
    }

    /// `T.` when the member `name` is one of a variable that was declared a `struct T`, else `->`.
    fn object_type(&self, name: usize) -> String {
        let arrow = self.is(name.checked_sub(1), b'>');
        let object = name.checked_sub(if arrow { 3 } else { 2 });
        let alone = |at: usize| {
            let before = at.checked_sub(1);
            !self.is(before, b'.') && !self.is(before, b'>') && !self.word(Some(at)).is_empty()
        };
        let ty = object.filter(|&at| alone(at)).and_then(|at| {
            let object = self.tokens[at].text(self.text);
            self.locals.get(object).or_else(|| self.globals.get(object))
        });
        ty.map_or("->".to_owned(), |ty| format!("{}.", String::from_utf8_lossy(ty)))
    }

    /// Where argument `position` of a macro of this file goes when the macro stands for an element of a table.
    fn through_macro(&self, callee: &str, position: usize) -> Option<String> {
        let table = self.open.iter().rev().nth(1)?;
        let (Open::Table { of, position: stands, .. }, Some(definition)) =
            (table, self.index.macros.get(callee))
        else {
            return None;
        };
        if of.is_empty() {
            return None;
        }
        Some(match place_in(definition, position)? {
            Put::Member(name) => format!("{of}.{name}"),
            Put::Position(at, true) => format!("{of}[{at}]"),
            Put::Position(at, false) => format!("{of}[{}]", stands + at),
        })
    }
}

/// Where a macro puts one of its arguments.
enum Put {
    /// `.name = argument`
    Member(String),
    /// After so many commas; in braces of its own, or as values of the braces that it is used in.
    Position(usize, bool),
}

fn place_in(definition: &MacroDefinition, argument: usize) -> Option<Put> {
    let parameter = definition.parameters.as_ref()?.get(argument)?;
    let body = definition.body.as_bytes();
    let tokens = tokens(body);
    let braced = tokens.first().is_some_and(|token| token.is(b'{'));
    let (mut depth, mut position) = (0usize, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'{' | b'(' | b'[') => depth += 1,
            TokenKind::Punct(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
            TokenKind::Punct(b',') if depth == usize::from(braced) => position += 1,
            TokenKind::Word if token.is_word(body, parameter) => {
                let before = |steps: usize| at.checked_sub(steps).map(|at| &tokens[at]);
                let assigned = before(1).is_some_and(|token| token.is(b'='));
                return match (before(2), before(3)) {
                    (Some(name), Some(dot)) if assigned && dot.is(b'.') => {
                        Some(Put::Member(String::from_utf8_lossy(name.text(body)).into_owned()))
                    }
                    _ => Some(Put::Position(position, braced)),
                };
            }
            _ => {}
        }
    }
    None
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
                "work in arg.f",
                "work in dev.handler",
                "work in ops.nested.run",
                "work in ops.run",
                "work in row[1]",
                "work in setup#1"
            ]
        );
    }

    #[test]
    fn tables_may_be_filled_in_many_ways() {
        let text = "static int run(void) { return 0; }\nstatic int end(void) { return 0; }\n\
                    #define ROW(m, f) { m, m, f }\n#define NAMED(f) { .go = f }\n#define PAIR(f) 0, f\n\
                    static struct row a[] = { ROW(1, run), [2] = { 1, 2, 3, end }, { PAIR(run) } };\n\
                    static struct op b[] = { NAMED(end), };\n\
                    static struct box c = { { 1, run }, (handler)end };\n\
                    static struct one d;\n\
                    void set(struct dev *x, struct other *y) { d.f = run; y->in->f = end; x->f = (void *)end; }\n\
                    void next(struct late *y) { y->g = run; }\n";
        assert_eq!(
            slots(text),
            [
                "end in ->f",
                "end in box[1]",
                "end in dev.f",
                "end in op.go",
                "end in row[3]",
                "run in box[0][1]",
                "run in late.g",
                "run in one.f",
                "run in row[1]",
                "run in row[2]",
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
