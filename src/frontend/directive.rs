//! Comments for this tool: `lockbalance: …`, in any language.

use crate::ir::{Annotation, CONTRACT_COMMENT, Name};
use crate::source::{FileId, Span};

/// What such a comment begins with.
const MARK: &[u8] = b"lockbalance:";
/// Directives that are about findings rather than contracts.
const ABOUT_FINDINGS: [&str; 2] = ["allow", "expect"];

/// The directives in `text`: what stands behind the mark on its line, up to the end of the comment, and where.
pub fn directives(file: FileId, text: &[u8]) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for at in memchr::memmem::find_iter(text, MARK) {
        if !opens_comment(&text[..at]) || text.get(at + MARK.len()) == Some(&b':') {
            continue;
        }
        let rest = &text[at + MARK.len()..];
        let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let line = &rest[..memchr::memmem::find(&rest[..end], b"*/").unwrap_or(end)];
        let start = at + MARK.len() + (line.len() - line.trim_ascii_start().len());
        let line = line.trim_ascii();
        let text = String::from_utf8_lossy(line).into_owned();
        found.push((text, Span::new(file, start, start + line.len())));
    }
    found
}

/// The directive as an annotation of the function that it stands at, when it is about what the function does.
pub fn contract(text: &str, span: Span) -> Option<Annotation> {
    let name = Name::new_static(CONTRACT_COMMENT);
    (!is_about_findings(text)).then(|| Annotation { name, args: vec![Name::new(text)], span })
}

/// Whether the directive says what is to be reported, rather than what code does.
pub fn is_about_findings(text: &str) -> bool {
    let word: &str = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    ABOUT_FINDINGS.contains(&word)
}

/// Which of the things that end at `ends`, in order, a comment at `at` is about: the one that ends on the same line before it, else the
/// next.
pub fn stands_at(text: &[u8], ends: impl Iterator<Item = usize>, at: usize) -> Option<usize> {
    let mut trailed = None;
    for (nth, end) in ends.enumerate() {
        if end > at {
            return trailed.or(Some(nth));
        }
        trailed = (!text[end..at].contains(&b'\n')).then_some(nth);
    }
    trailed
}

/// Whether the text ends in the opening of a comment, or of a line in one; the tool's name in a sentence is no directive.
fn opens_comment(before: &[u8]) -> bool {
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let opened =
        line.ends_with(b"//") || line.ends_with(b"/*") || line.ends_with(b"///") || line.ends_with(b"/**");
    opened || line.trim_ascii_start() == b"*"
}
