//! How deep a text nests, measured on its bytes before a recursive parser sees it.
//!
//! syn and everything behind it recurse with the text. What nests deeper than the limits is refused with a reason, never tried.

/// Brackets within brackets.
const NESTING_LIMIT: usize = 128;
/// Tokens between two separators (`;`, `,`, braces): operators or calls in a row make a tree as deep as they are many.
const RUN_LIMIT: usize = 6_000;
/// `else`s and `=>`-less chains in a row at one level.
const CHAIN_LIMIT: usize = 400;

/// Why the text is not to be parsed, if it is not.
pub fn too_deep(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut run, mut chain) = (0, 0usize, 0usize, 0usize);
    while at < bytes.len() {
        let next = skip(bytes, at);
        if next > at {
            (at, run) = (next, run + 1);
            continue;
        }
        match bytes[at] {
            b'(' | b'[' => (depth, run) = (depth + 1, run + 1),
            b')' | b']' => (depth, run) = (depth.saturating_sub(1), run + 1),
            b'{' => (depth, run) = (depth + 1, 0),
            b'}' => (depth, run) = (depth.saturating_sub(1), 0),
            b';' => (run, chain) = (0, 0),
            b',' => run = 0,
            b'e' if bytes[at..].starts_with(b"else") => {
                chain += 1;
                at += 3;
            }
            byte if byte.is_ascii_whitespace() => {}
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let word =
                    bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                at += word.max(1) - 1;
                run += 1;
            }
            _ => run += 1,
        }
        if depth > NESTING_LIMIT || run > RUN_LIMIT || chain > CHAIN_LIMIT {
            return Some("nested too deeply");
        }
        at += 1;
    }
    None
}

/// Where a comment, string or character literal that starts at `at` ends; `at` when none does.
fn skip(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let end = |found: Option<usize>, more: usize| found.map_or(bytes.len(), |n| at + n + more);
    if rest.starts_with(b"//") {
        return end(memchr::memchr(b'\n', rest), 0);
    }
    if rest.starts_with(b"/*") {
        return end(memchr::memmem::find(rest, b"*/"), 2);
    }
    if rest.starts_with(b"r\"") || rest.starts_with(b"r#") {
        let hashes = rest[1..].iter().take_while(|b| **b == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let inside = 2 + hashes;
            return end(memchr::memmem::find(&rest[inside..], &close), inside + close.len());
        }
    }
    if rest[0] == b'"' {
        let mut n = 1;
        while n < rest.len() && rest[n] != b'"' {
            n += if rest[n] == b'\\' { 2 } else { 1 };
        }
        return (at + n + 1).min(bytes.len());
    }
    // `'a'` and `'\n'`, not the lifetime `'a`.
    if rest[0] == b'\'' {
        if rest.get(1) == Some(&b'\\') {
            return end(rest.iter().skip(3).position(|b| *b == b'\''), 4);
        }
        let width = std::str::from_utf8(&rest[1..rest.len().min(5)])
            .unwrap_or_else(|e| std::str::from_utf8(&rest[1..1 + e.valid_up_to()]).unwrap_or_default())
            .chars()
            .next()
            .map_or(1, char::len_utf8);
        if rest.get(1 + width) == Some(&b'\'') {
            return at + width + 2;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_fine_and_depth_is_refused() {
        assert_eq!(
            too_deep("fn f<'a>(x: &'a str) { if x == \"((((\" { g('(', '\\'', r#\"{{{\"#) } // (((\n }"),
            None
        );
        let deep = "(".repeat(NESTING_LIMIT + 1);
        assert_eq!(too_deep(&deep), Some("nested too deeply"));
        let long = format!("let x = {}1;", "1 + ".repeat(RUN_LIMIT));
        assert_eq!(too_deep(&long), Some("nested too deeply"));
        assert_eq!(too_deep(&"!".repeat(RUN_LIMIT + 1)), Some("nested too deeply"));
        assert_eq!(too_deep(&format!("const X: [u8; 4] = [{}];", "1, ".repeat(50_000))), None);
    }
}
