//! Small things about C as text: directives, comments, arguments.

use super::lex::{Token, TokenKind};
use crate::ir::Name;

/// The bytes as a name; what is no UTF-8 in them is replaced.
pub(super) fn name_of(bytes: &[u8]) -> Name {
    match std::str::from_utf8(bytes) {
        Ok(text) => Name::new(text),
        Err(_) => Name::new(String::from_utf8_lossy(bytes)),
    }
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
pub(super) fn is_never(text: &[u8]) -> bool {
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
