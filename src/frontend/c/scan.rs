//! One pass over a file: function boundaries, macros, annotations, directives. No parser.
//!
//! At depth 0 the words since the last `;` or `}` are a header in the making; a `{` behind it opens a function body when the
//! header holds a parameter list and no `=`. Braces in the arms of one `#if` are counted in its first arm only, so that a
//! function whose head exists twice still has one end.

use super::lex::{Token, TokenKind, brackets, tokens};
use super::record;
use crate::frontend::directive;
use crate::ir::file_index::{FileIndex, FunctionDefinition, MacroDefinition, MemberDirective};
use crate::ir::{Annotation, Linkage, Name};
use crate::source::{FileId, Span};

/// Words with an argument list that may stand before a function's name.
const ATTRIBUTES_WITH_ARGUMENTS: [&str; 14] = [
    "__attribute__",
    "__attribute",
    "__declspec",
    "__printf",
    "__scanf",
    "__aligned",
    "__section",
    "__alloc_size",
    "__nonnull",
    "__no_sanitize",
    "__assume_aligned",
    "__acquires",
    "__releases",
    "__must_hold",
];

/// Words before a parenthesis that call nothing.
const NOT_CALLS: [&str; 12] = [
    "if",
    "while",
    "for",
    "switch",
    "return",
    "sizeof",
    "typeof",
    "__typeof__",
    "__attribute__",
    "defined",
    "else",
    "do",
];

/// What `text` defines.
pub fn index(file: FileId, text: &[u8]) -> FileIndex {
    let tokens = tokens(text);
    let mut scan = Scan { file, text, tokens: &tokens, index: FileIndex::default() };
    scan.directive_comments();
    scan.run();
    scan.index
}

struct Scan<'t> {
    file: FileId,
    text: &'t [u8],
    tokens: &'t [Token],
    index: FileIndex,
}

impl<'t> Scan<'t> {
    fn name(&self, at: usize) -> Name {
        name_of(self.tokens[at].text(self.text))
    }

    fn run(&mut self) {
        let partner = self.brackets_of_first_arms();
        let mut at = 0;
        let mut header = 0;
        while at < self.tokens.len() {
            let token = self.tokens[at];
            match token.kind {
                TokenKind::Directive => {
                    self.directive(token);
                    if header == at {
                        header = at + 1;
                    }
                    at += 1;
                }
                TokenKind::Punct(b'{') => {
                    let linkage_block = at > 0 && self.tokens[at - 1].kind == TokenKind::String;
                    let close = match partner[at] {
                        usize::MAX => self.likely_close(at),
                        close => close,
                    };
                    let defines = !linkage_block && self.function(header, at, close, &partner);
                    if !linkage_block && !defines && close > at {
                        self.record(header, at, close);
                    }
                    if linkage_block || partner[at] == usize::MAX && !defines {
                        at += 1;
                        header = at;
                        continue;
                    }
                    if defines {
                        header = close + 1;
                    }
                    at = close + 1;
                }
                TokenKind::Punct(b';') => {
                    // Between a K&R parameter list and its body stand declarations.
                    if !self.old_style(header, at, &partner) {
                        self.prototype(header, at, &partner);
                        self.variables(header, at, &partner);
                        header = at + 1;
                    }
                    at += 1;
                }
                TokenKind::Punct(b'}') => {
                    at += 1;
                    header = at;
                }
                TokenKind::Punct(b'(') if partner[at] != usize::MAX => at = partner[at] + 1,
                _ => at += 1,
            }
        }
    }

    /// Where a block ends that is never closed: at the next `}` in the first column, else with the text.
    fn likely_close(&self, open: usize) -> usize {
        let first_column = |at: &usize| {
            let start = self.tokens[*at].start;
            self.tokens[*at].is(b'}') && (start == 0 || self.text[start - 1] == b'\n')
        };
        (open + 1..self.tokens.len()).find(first_column).unwrap_or(self.tokens.len() - 1)
    }

    /// Matching brackets, counted in the first arm of each `#if` only.
    fn brackets_of_first_arms(&self) -> Vec<usize> {
        let conditional = |token: &Token| {
            token.kind == TokenKind::Directive
                && matches!(directive_word(token.text(self.text)), b"if" | b"else" | b"elif")
        };
        if !self.tokens.iter().any(conditional) {
            // `#ifdef` without `#else` leaves nothing out.
            return brackets(self.tokens);
        }
        let mut first: Vec<Token> = Vec::with_capacity(self.tokens.len());
        // Whether an arm was taken, and whether the present one is left out.
        let mut arms: Vec<(bool, bool)> = Vec::new();
        for token in self.tokens {
            let mut kept = *token;
            if token.kind == TokenKind::Directive {
                match directive_word(token.text(self.text)) {
                    b"if" | b"ifdef" | b"ifndef" => {
                        let never = is_never(token.text(self.text));
                        arms.push((!never, never));
                    }
                    b"else" | b"elif" => {
                        if let Some((taken, dead)) = arms.last_mut() {
                            *dead = *taken;
                            *taken = true;
                        }
                    }
                    b"endif" => {
                        arms.pop();
                    }
                    _ => {}
                }
            } else if arms.iter().any(|&(_, dead)| dead) {
                kept.kind = TokenKind::Char;
            }
            first.push(kept);
        }
        let mut partner = brackets(&first);
        // Brackets of the other arms match among themselves where they can.
        let all = brackets(self.tokens);
        for (at, slot) in partner.iter_mut().enumerate() {
            if *slot == usize::MAX
                && first[at].kind == TokenKind::Char
                && self.tokens[at].kind != TokenKind::Char
            {
                *slot = all[at];
            }
        }
        partner
    }

    /// Whether the words since `header` are a K&R head whose parameter declarations have begun.
    fn old_style(&self, header: usize, at: usize, partner: &[usize]) -> bool {
        let Some((_, open)) = self.parameter_list(header, at, partner) else { return false };
        let close = partner[open];
        let next = close + 1;
        // `int f(a, b) int a; char *b; {`: a word follows the list, and a body comes soon.
        let names_only = (open + 1..close)
            .all(|i| matches!(self.tokens[i].kind, TokenKind::Word) || self.tokens[i].is(b','));
        let declares = next < at && self.tokens[next].kind == TokenKind::Word && at - next >= 2;
        let mut ahead = at + 1;
        while ahead < self.tokens.len() && ahead < at + 64 {
            match self.tokens[ahead].kind {
                TokenKind::Punct(b'{') => break,
                TokenKind::Word | TokenKind::Punct(b';' | b',' | b'*' | b'[' | b']') | TokenKind::Number => {}
                _ => return false,
            }
            ahead += 1;
        }
        names_only && declares && close > open + 1 && ahead < self.tokens.len() && self.tokens[ahead].is(b'{')
    }

    /// The word that names the function in `header..end`, and the `(` of its parameters.
    fn parameter_list(&self, header: usize, end: usize, partner: &[usize]) -> Option<(usize, usize)> {
        let mut groups = Vec::new();
        let mut at = header;
        while at < end {
            let token = self.tokens[at];
            if token.is(b'(') {
                let close = partner[at];
                if close == usize::MAX || close >= end {
                    return None;
                }
                if at > header && self.tokens[at - 1].kind == TokenKind::Word {
                    groups.push((at - 1, at));
                }
                at = close + 1;
                continue;
            }
            if token.is(b'=') || token.is(b'{') {
                return None;
            }
            at += 1;
        }
        let attribute = |word: usize| {
            ATTRIBUTES_WITH_ARGUMENTS.iter().any(|name| self.tokens[word].is_word(self.text, name))
        };
        let named_later = |open: usize| {
            // `API(int) foo(int x)`: a plain word and another list follow.
            let next = partner[open] + 1;
            next + 1 < end
                && self.tokens[next].kind == TokenKind::Word
                && self.tokens[next + 1].is(b'(')
                && !looks_like_annotation(self.tokens[next].text(self.text))
        };
        groups
            .iter()
            .copied()
            .find(|&(word, open)| !attribute(word) && !named_later(open))
            .or_else(|| groups.iter().copied().find(|&(word, _)| !attribute(word)))
    }

    fn function(&mut self, header: usize, open: usize, close: usize, partner: &[usize]) -> bool {
        let Some((word, list)) = self.parameter_list(header, open, partner) else { return false };
        let first = self.tokens[header];
        let starts_type = ["struct", "union", "enum", "typedef"].iter().any(|w| first.is_word(self.text, w));
        if starts_type && word == header {
            return false;
        }
        if NOT_CALLS.iter().any(|w| self.tokens[word].is_word(self.text, w)) {
            return false;
        }
        let mut name = self.name(word);
        let list_end = partner[list];
        let mut irregular = word == header;
        // `SYSCALL_DEFINE3(name, …)`: callers know it by its first argument.
        if name.contains("DEFINE") && list + 1 < list_end && self.tokens[list + 1].kind == TokenKind::Word {
            name = self.name(list + 1);
            irregular = true;
        }
        if self.tokens.get(list_end + 1).is_some_and(|token| token.is(b'(')) {
            irregular = true;
        }
        let linkage = if (header..word).any(|at| self.tokens[at].is_word(self.text, "static")) {
            Linkage::Internal
        } else {
            Linkage::External
        };
        let mut words: Vec<&[u8]> = Vec::new();
        let mut calls: Vec<Name> = Vec::new();
        for at in open + 1..close {
            if self.tokens[at].kind == TokenKind::Word && self.tokens[at + 1].is(b'(') {
                let word = self.tokens[at].text(self.text);
                words.push(word);
                // Scope guards call the constructor of their class.
                if matches!(word, b"guard" | b"scoped_guard" | b"scoped_cond_guard" | b"CLASS")
                    && at + 2 < close
                {
                    calls.push(Name::new(format!("class_{}_constructor", self.name(at + 2))));
                }
            }
        }
        words.sort_unstable();
        words.dedup();
        let is_call = |word: &&&[u8]| !NOT_CALLS.iter().any(|known| known.as_bytes() == **word);
        calls.extend(words.iter().filter(is_call).map(|word| name_of(word)));
        calls.sort_unstable();
        calls.dedup();
        let annotations = self.annotations(header, word, list_end + 1, open, partner);
        self.index.functions.push(FunctionDefinition {
            name,
            span: self.span(first.start, self.tokens[close].end),
            body: self.span(self.tokens[open].start, self.tokens[close].end),
            header: self.span(self.tokens[word].start, self.tokens[list_end].end),
            linkage,
            irregular_header: irregular,
            annotations,
            calls,
        });
        true
    }

    /// Words that look like annotations, before the name or between parameter list and body.
    fn annotations(
        &self,
        header: usize,
        word: usize,
        after: usize,
        open: usize,
        partner: &[usize],
    ) -> Vec<Annotation> {
        let mut found = Vec::new();
        for at in (header..word).chain(after..open) {
            let token = self.tokens[at];
            if token.kind != TokenKind::Word || !looks_like_annotation(token.text(self.text)) {
                continue;
            }
            let mut args = Vec::new();
            let mut end = token.end;
            if self.tokens.get(at + 1).is_some_and(|next| next.is(b'(')) && partner[at + 1] != usize::MAX {
                let close = partner[at + 1];
                end = self.tokens[close].end;
                args = split_arguments(self.text, &self.tokens[at + 2..close]);
            }
            let words = if token.text(self.text).starts_with(b"__attribute") {
                args.iter().flat_map(|arg| attributes(arg)).collect()
            } else {
                vec![(self.name(at), args)]
            };
            let span = self.span(token.start, end);
            found.extend(words.into_iter().map(|(name, args)| Annotation { name, args, span }));
        }
        found.extend(self.contract_comments(header, open));
        found
    }

    /// Contracts in comments before the head `header..open`, or in it.
    fn contract_comments(&self, header: usize, open: usize) -> impl Iterator<Item = Annotation> + '_ {
        let start = header.checked_sub(1).map_or(0, |before| self.tokens[before].end);
        let head = start as u32..self.tokens[open].start as u32;
        let directives = self.index.directives.iter().filter(move |(_, span)| head.contains(&span.start));
        directives.filter_map(|(text, span)| directive::contract(text, *span))
    }

    fn prototype(&mut self, header: usize, at: usize, partner: &[usize]) {
        let Some((word, list)) = self.parameter_list(header, at, partner) else { return };
        let annotations = self.annotations(header, word, partner[list] + 1, at, partner);
        let contract = |annotation: &Annotation| !annotation.args.is_empty();
        if annotations.iter().any(contract) {
            self.index.prototypes.entry(self.name(word)).or_default().extend(annotations);
        }
    }

    /// A record that holds pointers to functions, and what directives say of its members.
    fn record(&mut self, header: usize, open: usize, close: usize) {
        let starts =
            ["struct", "union", "typedef"].iter().any(|word| self.tokens[header].is_word(self.text, word));
        if !starts {
            return;
        }
        let members = record::members(self.text, self.tokens, open, close);
        if members.is_empty() {
            return;
        }
        let joined = |names: &mut dyn Iterator<Item = &Name>| {
            Name::new(names.map(Name::as_str).collect::<Vec<_>>().join(","))
        };
        let inside = self.tokens[open].start as u32..self.tokens[close].end as u32;
        let directives: Vec<(String, Span)> =
            self.index.directives.iter().filter(|(_, span)| inside.contains(&span.start)).cloned().collect();
        for name in record::names(self.text, self.tokens, header, open, close) {
            let all = joined(&mut members.iter().map(|member| &member.name));
            self.index.declarations.insert(Name::new(format!("layout {name}")), all);
            for member in &members {
                let Some(parameters) = &member.parameters else { continue };
                let key = Name::new(format!("parameters {name}.{}", member.name));
                self.index.declarations.insert(key, joined(&mut parameters.iter()));
            }
            for (text, span) in &directives {
                let Some(member) = self.member_at(&members, span.start as usize) else { continue };
                self.index.member_directives.push(MemberDirective {
                    member: Name::new(format!("{name}.{}", member.name)),
                    parameters: member.parameters.clone().unwrap_or_default(),
                    text: text.clone(),
                    span: *span,
                });
            }
        }
    }

    /// The member that a comment at `at` is about: the one that ends on the same line before it, else the next.
    fn member_at<'m>(&self, members: &'m [record::Member], at: usize) -> Option<&'m record::Member> {
        let trails = |member: &&record::Member| {
            member.bytes.1 <= at && !self.text[member.bytes.1..at].contains(&b'\n')
        };
        members.iter().rev().find(trails).or_else(|| members.iter().find(|member| member.bytes.1 > at))
    }

    /// `static T a, b[2] = { … };` and `static DEFINE_MUTEX(m);`: names that only this file knows.
    fn variables(&mut self, header: usize, end: usize, partner: &[usize]) {
        if !self.tokens[header].is_word(self.text, "static") {
            return;
        }
        let mut at = header + 1;
        let mut initialiser = false;
        while at < end {
            let token = self.tokens[at];
            if token.is(b'(') && !initialiser {
                let argument = at + 1;
                if end.checked_sub(1) == Some(partner[at]) && self.tokens[argument].kind == TokenKind::Word {
                    self.index.statics.insert(self.name(argument));
                }
                return;
            }
            if partner[at] != usize::MAX && partner[at] > at {
                at = partner[at];
            } else if token.is(b'=') {
                initialiser = true;
            } else if token.is(b',') {
                initialiser = false;
            }
            let next = self.tokens[at + 1];
            let ends = [b',', b'=', b';', b'['].iter().any(|&byte| next.is(byte));
            if token.kind == TokenKind::Word && !initialiser && ends {
                self.index.statics.insert(self.name(at));
            }
            at += 1;
        }
    }

    fn directive(&mut self, token: Token) {
        let text = token.text(self.text);
        match directive_word(text) {
            b"define" => self.define(token),
            b"include" => {
                let operand = String::from_utf8_lossy(after_word(text, b"include")).trim().to_owned();
                self.index.includes.push(operand.into());
            }
            _ => {}
        }
    }

    fn define(&mut self, token: Token) {
        let text = after_word(token.text(self.text), b"define");
        // A tree has millions of these, and most are a name and a number.
        let plain = !text.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'"' | b'\''));
        let text = if plain { String::from_utf8_lossy(text) } else { strip_comments(text).into() };
        let text = text.trim_start();
        let end = text.bytes().position(|b| !super::lex::is_word_byte(b)).unwrap_or(text.len());
        if end == 0 {
            return;
        }
        let (name, rest) = text.split_at(end);
        let name = Name::new(name);
        let (parameters, body) = match rest.strip_prefix('(') {
            Some(rest) => {
                let Some((list, body)) = rest.split_once(')') else { return };
                let names = list.split(',').map(|p| Name::new(p.trim())).filter(|p| !p.is_empty()).collect();
                (Some(names), body)
            }
            None => (None, rest),
        };
        let definition = MacroDefinition {
            name: name.clone(),
            parameters,
            body: body.trim().to_owned(),
            span: self.span(token.start, token.end),
        };
        // What returns in one configuration returns in all.
        let returns = |definition: &MacroDefinition| {
            definition
                .body
                .strip_prefix("return")
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
        };
        match self.index.macros.get(&name) {
            Some(other) if returns(other) => {}
            Some(_) if returns(&definition) => {
                self.index.redefined.retain(|other| *other != name);
                self.index.macros.insert(name, definition);
            }
            Some(other) if other.body != definition.body || other.parameters != definition.parameters => {
                if !self.index.redefined.contains(&name) {
                    self.index.redefined.push(name);
                }
            }
            Some(_) => {}
            None => {
                self.index.macros.insert(name, definition);
            }
        }
    }

    fn directive_comments(&mut self) {
        self.index.directives = directive::directives(self.file, self.text);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }
}

fn name_of(bytes: &[u8]) -> Name {
    match std::str::from_utf8(bytes) {
        Ok(text) => Name::new(text),
        Err(_) => Name::new(String::from_utf8_lossy(bytes)),
    }
}

/// `__acquires`, `GUARDED_BY`: words that are no type and no name.
fn looks_like_annotation(word: &[u8]) -> bool {
    word.starts_with(b"__")
        || word.len() > 3 && word.iter().all(|b| b.is_ascii_uppercase() || *b == b'_' || b.is_ascii_digit())
}

/// The word after `#`.
pub fn directive_word(text: &[u8]) -> &[u8] {
    let rest = text.strip_prefix(b"#").unwrap_or(text).trim_ascii_start();
    let end = rest.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(rest.len());
    &rest[..end]
}

/// What follows the word after `#`.
pub fn after_word<'t>(text: &'t [u8], word: &[u8]) -> &'t [u8] {
    let rest = text.strip_prefix(b"#").unwrap_or(text).trim_ascii_start();
    rest.strip_prefix(word).unwrap_or_default()
}

/// `#if 0`
fn is_never(text: &[u8]) -> bool {
    directive_word(text) == b"if" && after_word(text, b"if").trim_ascii() == b"0"
}

/// The text on one line without comments and line continuations.
pub fn strip_comments(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' if text[at + 1..].starts_with(b"\n") => at += 2,
            b'\\' if text[at + 1..].starts_with(b"\r\n") => at += 3,
            b'/' if text.get(at + 1) == Some(&b'*') => {
                at = memchr::memmem::find(&text[at + 2..], b"*/").map_or(text.len(), |end| at + 4 + end);
                out.push(b' ');
            }
            b'/' if text.get(at + 1) == Some(&b'/') => break,
            b'"' | b'\'' => {
                let quote = text[at];
                out.push(quote);
                at += 1;
                while at < text.len() && text[at] != quote {
                    if text[at] == b'\\' && at + 1 < text.len() {
                        out.push(text[at]);
                        at += 1;
                    }
                    out.push(text[at]);
                    at += 1;
                }
                if at < text.len() {
                    out.push(quote);
                    at += 1;
                }
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The arguments between two brackets, as written, white space squeezed.
pub fn split_arguments(text: &[u8], tokens: &[Token]) -> Vec<Name> {
    let mut args = Vec::new();
    let mut depth = 0usize;
    let mut start: Option<usize> = None;
    let mut end = 0;
    for token in tokens {
        match token.kind {
            TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Punct(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            TokenKind::Punct(b',') if depth == 0 => {
                args.push(start.map_or(Name::default(), |start| squeeze(&text[start..end])));
                start = None;
                continue;
            }
            _ => {}
        }
        start.get_or_insert(token.start);
        end = token.end;
    }
    if let Some(start) = start {
        args.push(squeeze(&text[start..end]));
    } else if !args.is_empty() {
        args.push(Name::default());
    }
    args
}

/// `(word(args), word)`: what stands in `__attribute__((…))`.
fn attributes(text: &str) -> Vec<(Name, Vec<Name>)> {
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let inner = inner.as_bytes();
    let words = split_arguments(inner, &tokens(inner));
    let word = |text: Name| match text.split_once('(') {
        Some((name, rest)) => {
            let args = rest.strip_suffix(')').unwrap_or(rest).as_bytes();
            (Name::new(name.trim()), split_arguments(args, &tokens(args)))
        }
        None => (text, Vec::new()),
    };
    words.into_iter().map(word).collect()
}

/// One line, single blanks, no comments.
pub fn squeeze(text: &[u8]) -> Name {
    let text = strip_comments(text);
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Name::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<String> {
        index(FileId(0), text.as_bytes()).functions.iter().map(|f| f.name.to_string()).collect()
    }

    #[test]
    fn finds_functions_in_all_their_shapes() {
        assert_eq!(
            functions(
                "int f(void) { return g(); }\nstruct s { int a; };\nint x = 3;\nstatic int *g(int a) {}"
            ),
            ["f", "g"]
        );
        assert_eq!(functions("SYSCALL_DEFINE3(foo, int, a, int, b, int, c)\n{ }"), ["foo"]);
        assert_eq!(functions("static void __init f(void) __acquires(x)\n{ }"), ["f"]);
        assert_eq!(functions("API(int) f(int x)\n{ }"), ["f"]);
        assert_eq!(functions("int f(a, b)\nint a;\nchar *b;\n{ return a; }"), ["f"]);
        assert_eq!(functions("extern \"C\" {\nint f(void) { }\n}"), ["f"]);
        assert_eq!(functions("struct ops o = { .f = g, };\nvoid h(void) { }"), ["h"]);
        assert_eq!(functions("__printf(1, 2) void __f(const char *s, ...) { }"), ["__f"]);
    }

    #[test]
    fn a_head_that_exists_twice_has_one_end() {
        let text = "#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\n return 0;\n}\nint g(void) { return 1; }";
        assert_eq!(functions(text), ["f", "g"]);
    }

    #[test]
    fn reads_macros_and_annotations() {
        let text = "#define A(x, ...) do { \\\n f(x); /* c */ } while (0)\n#define B 3\nvoid f(struct s *p) __releases(&p->l) { }\n";
        let index = index(FileId(0), text.as_bytes());
        let a = &index.macros["A"];
        assert_eq!(a.parameters.as_ref().map(Vec::len), Some(2));
        assert_eq!(a.body.split_whitespace().collect::<Vec<_>>().join(" "), "do { f(x); } while (0)");
        assert_eq!(index.macros["B"].body, "3");
        let annotation = &index.functions[0].annotations[0];
        assert_eq!((annotation.name.as_str(), annotation.args[0].as_str()), ("__releases", "&p->l"));
    }
}
