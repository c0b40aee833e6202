//! What a `struct` or `union` with pointers to functions declares: its members in order, what each function takes, and directives that
//! stand at a member.
//!
//! Only such records are read: tables of functions are what callers go through, and a tree has too many others.

use super::lex::{Token, TokenKind};
use crate::ir::Name;

/// A member of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name; empty for a nested record without one.
    pub name: Name,
    /// The names of the parameters, when it points to a function; one that is not named is empty.
    pub parameters: Option<Vec<Name>>,
    /// From its first byte to its `;`.
    pub bytes: (usize, usize),
}

/// Words of type names that stand for a pointer to a function.
const CALLABLE: [&str; 6] = ["handler", "callback", "func", "fn", "proc", "hook"];

/// The members between the braces at `open` and `close`; empty when none of them points to a function.
pub(super) fn members(text: &[u8], tokens: &[Token], open: usize, close: usize) -> Vec<Member> {
    let mut members = Vec::new();
    let mut start = open + 1;
    let mut depth = 0usize;
    for at in open + 1..close {
        match tokens[at].kind {
            TokenKind::Punct(b'{' | b'(' | b'[') => depth += 1,
            TokenKind::Punct(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
            TokenKind::Punct(b';') if depth == 0 => {
                declaration(text, &tokens[start..at], tokens[at].end, &mut members);
                start = at + 1;
            }
            _ => {}
        }
    }
    if members.iter().all(|member| member.parameters.is_none()) {
        members.clear();
    }
    members
}

/// The name before the brace at `open`, or behind the one at `close`: `struct row {`, `typedef struct { … } row;`.
pub(super) fn names(text: &[u8], tokens: &[Token], header: usize, open: usize, close: usize) -> Vec<Name> {
    let word = |at: usize| match tokens.get(at) {
        Some(token) if token.kind == TokenKind::Word => {
            std::str::from_utf8(token.text(text)).unwrap_or_default()
        }
        _ => "",
    };
    let is_record = |word: &str| matches!(word, "struct" | "union");
    let mut found = Vec::new();
    let Some(keyword) = (header..open).find(|&at| is_record(word(at))) else { return found };
    let tag = (keyword + 1..open).map(word).find(|word| !word.is_empty() && !word.starts_with("__"));
    found.extend(tag.map(Name::new));
    if word(header) == "typedef" {
        let alias = Some(word(close + 1)).filter(|word| !word.is_empty() && tokens[close + 2].is(b';'));
        found.extend(alias.map(Name::new));
    }
    found.dedup();
    found
}

fn declaration(text: &[u8], tokens: &[Token], end: usize, members: &mut Vec<Member>) {
    let tokens: Vec<Token> =
        tokens.iter().copied().filter(|token| token.kind != TokenKind::Directive).collect();
    let Some(first) = tokens.first() else { return };
    let bytes = (first.start, end);
    if let Some((name, parameters)) = pointer_to_function(text, &tokens) {
        return members.push(Member { name, parameters: Some(parameters), bytes });
    }
    let mut depth = 0usize;
    let mut last: Option<Name> = None;
    // Behind `:` or `[` stands no name.
    let mut open = true;
    let mut flush = |last: &mut Option<Name>, ty: &[Token]| {
        let callable = ty.len() > 1 && is_callable(ty[0].text(text));
        let parameters = callable.then(Vec::new);
        members.push(Member { name: last.take().unwrap_or_default(), parameters, bytes });
    };
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'{' | b'(' | b'[') => depth += 1,
            TokenKind::Punct(b'}' | b')' | b']') => {
                depth = depth.saturating_sub(1);
                if token.is(b'}') {
                    // The name of a nested record stands behind it.
                    last = None;
                }
            }
            TokenKind::Punct(b':') if depth == 0 => open = false,
            TokenKind::Punct(b',') if depth == 0 => {
                flush(&mut last, &tokens[..at]);
                open = true;
            }
            TokenKind::Word if depth == 0 && open => {
                let word = token.text(text);
                let attribute =
                    word.starts_with(b"__") || tokens.get(at + 1).is_some_and(|next| next.is(b'('));
                if !attribute {
                    last = std::str::from_utf8(word).ok().map(Name::new);
                }
            }
            _ => {}
        }
    }
    let nameless = matches!(tokens.last(), Some(token) if token.is(b'}'));
    if nameless {
        last = None;
    }
    flush(&mut last, &tokens);
}

fn is_callable(word: &[u8]) -> bool {
    let word = String::from_utf8_lossy(word).to_ascii_lowercase();
    word.split('_').any(|part| CALLABLE.contains(&part))
}

/// `type (*name)(parameters)`, also `(*name[4])(…)` and `(__rcu *name)(…)`.
fn pointer_to_function(text: &[u8], tokens: &[Token]) -> Option<(Name, Vec<Name>)> {
    let open = (0..tokens.len()).find(|&at| {
        tokens[at].is(b'(')
            && tokens[at + 1..].iter().take(3).take_while(|token| !token.is(b')')).any(|token| token.is(b'*'))
    })?;
    let mut close = open + 1;
    let mut name = None;
    while close < tokens.len() && !tokens[close].is(b')') {
        if tokens[close].kind == TokenKind::Word && (name.is_none() || !tokens[close - 1].is(b'[')) {
            name = Some(tokens[close].text(text));
        }
        close += 1;
    }
    if !tokens.get(close + 1)?.is(b'(') {
        return None;
    }
    let mut depth = 0usize;
    let mut end = close + 1;
    for (at, token) in tokens.iter().enumerate().skip(close + 1) {
        match token.kind {
            TokenKind::Punct(b'(') => depth += 1,
            TokenKind::Punct(b')') => depth -= 1,
            _ => {}
        }
        end = at;
        if depth == 0 {
            break;
        }
    }
    let name = Name::new(std::str::from_utf8(name?).ok()?);
    Some((name, parameters(text, &tokens[close + 2..end])))
}

/// The names in a parameter list; of one without a name, an empty word.
fn parameters(text: &[u8], tokens: &[Token]) -> Vec<Name> {
    let mut names = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for at in 0..=tokens.len() {
        let ends = at == tokens.len() || depth == 0 && tokens[at].is(b',');
        if ends {
            names.push(parameter(text, &tokens[start..at]));
            start = at + 1;
        } else {
            match tokens[at].kind {
                TokenKind::Punct(b'(' | b'[') => depth += 1,
                TokenKind::Punct(b')' | b']') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    names
}

fn parameter(text: &[u8], tokens: &[Token]) -> Name {
    let words: Vec<&Token> = tokens.iter().filter(|token| token.kind == TokenKind::Word).collect();
    let word = |token: &Token| std::str::from_utf8(token.text(text)).unwrap_or_default().to_owned();
    let [.., before, last] = words.as_slice() else { return Name::default() };
    let names_type =
        matches!(word(before).as_str(), "struct" | "union" | "enum" | "const" | "unsigned" | "signed");
    let is_type =
        matches!(word(last).as_str(), "int" | "long" | "char" | "short" | "bool" | "void" | "const");
    if names_type && !tokens.iter().any(|token| token.is(b'*')) || is_type || last_is_pointee(tokens, last) {
        return Name::default();
    }
    Name::new(word(last))
}

/// `struct page *`: the star behind it tells a type from a name.
fn last_is_pointee(tokens: &[Token], last: &Token) -> bool {
    tokens.iter().any(|token| token.is(b'*') && token.start > last.start)
}

#[cfg(test)]
mod tests {
    use super::super::lex::{brackets, tokens};
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<Vec<String>>)> {
        let tokens = tokens(text.as_bytes());
        let open = tokens.iter().position(|token| token.is(b'{')).expect("a brace");
        let close = brackets(&tokens)[open];
        let list = |names: Vec<Name>| names.iter().map(Name::to_string).collect();
        members(text.as_bytes(), &tokens, open, close)
            .into_iter()
            .map(|member| (member.name.to_string(), member.parameters.map(list)))
            .collect()
    }

    fn plain(name: &str) -> (String, Option<Vec<String>>) {
        (name.to_owned(), None)
    }

    fn pointer(name: &str, parameters: &[&str]) -> (String, Option<Vec<String>>) {
        (name.to_owned(), Some(parameters.iter().map(|name| (*name).to_owned()).collect()))
    }

    #[test]
    fn members_come_in_order_with_the_parameters_of_functions() {
        let text = "struct row {\n unsigned long mask, res;\n enum kind type : 3;\n struct list_head list;\n\
                    int (*action)(struct row *ps, struct page *p);\n void (*end[2])(struct row *, int, bool why);\n\
                    union { int a; long b; };\n struct { int c; } inner;\n char name[16] __aligned(8);\n irq_handler_t irq;\n};";
        assert_eq!(
            read(text),
            [
                plain("mask"),
                plain("res"),
                plain("type"),
                plain("list"),
                pointer("action", &["ps", "p"]),
                pointer("end", &["", "", "why"]),
                plain(""),
                plain("inner"),
                plain("name"),
                pointer("irq", &[]),
            ]
        );
    }

    #[test]
    fn a_record_without_functions_is_not_kept() {
        assert!(read("struct s { int a; struct t *b; };").is_empty());
    }
}
