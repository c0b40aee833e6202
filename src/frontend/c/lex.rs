//! A small C tokenizer: comments skipped, preprocessor lines as one token each, every byte accounted for.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Identifier or keyword.
    Word,
    /// Number, whatever its form.
    Number,
    /// String literal.
    String,
    /// Character constant.
    Char,
    /// One punctuation byte.
    Punct(u8),
    /// A whole preprocessor line, continuations included.
    Directive,
}

/// A token: kind and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl Token {
    /// Its bytes.
    pub fn text<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..self.end]
    }

    /// Whether it is this punctuation byte.
    pub fn is(&self, byte: u8) -> bool {
        self.kind == TokenKind::Punct(byte)
    }

    /// Whether it is this word.
    pub fn is_word(&self, text: &[u8], word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(text) == word.as_bytes()
    }
}

/// All tokens of `text`. Unterminated comments and strings end at the end of the text or line.
pub fn tokens(text: &[u8]) -> Vec<Token> {
    let mut out = Vec::with_capacity(text.len() / 5);
    // A byte-order mark is no part of the first word.
    let mut at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut line_start = true;
    while at < text.len() {
        let byte = text[at];
        match byte {
            b'\n' => {
                line_start = true;
                at += 1;
                continue;
            }
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c | b'\\' => {
                at += 1;
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'*') => {
                at = skip_comment(text, at);
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'/') => {
                at = line_end(text, at);
                continue;
            }
            _ => {}
        }
        let start = at;
        let kind = match byte {
            b'#' if line_start => {
                at = directive_end(text, at);
                TokenKind::Directive
            }
            b'"' => {
                at = skip_quoted(text, at, b'"');
                TokenKind::String
            }
            b'\'' => {
                at = skip_quoted(text, at, b'\'');
                TokenKind::Char
            }
            b'0'..=b'9' => {
                at = skip_number(text, at);
                TokenKind::Number
            }
            _ if is_word_byte(byte) => {
                at = word_end(text, at);
                TokenKind::Word
            }
            _ => {
                at += 1;
                TokenKind::Punct(byte)
            }
        };
        line_start = false;
        out.push(Token { kind, start, end: at });
    }
    out
}

/// Whether the byte can be part of a word; bytes above ASCII count, so that names in any encoding stay whole.
pub const fn is_word_byte(byte: u8) -> bool {
    WORD_BYTES[byte as usize]
}

/// Looked up rather than computed: half of a tree's bytes are asked this question.
const WORD_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80;
        byte += 1;
    }
    table
};

fn word_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|&byte| !is_word_byte(byte)).map_or(text.len(), |length| at + length)
}

fn skip_comment(text: &[u8], at: usize) -> usize {
    memchr::memmem::find(&text[at + 2..], b"*/").map_or(text.len(), |end| at + 2 + end + 2)
}

fn line_end(text: &[u8], mut at: usize) -> usize {
    loop {
        match memchr::memchr(b'\n', &text[at..]) {
            None => return text.len(),
            Some(end) => {
                let end = at + end;
                let before = text[..end].iter().rposition(|&b| b != b'\r');
                if before.is_some_and(|before| text[before] == b'\\') {
                    at = end + 1;
                } else {
                    return end;
                }
            }
        }
    }
}

/// The end of a preprocessor line; a comment in it may span lines.
fn directive_end(text: &[u8], mut at: usize) -> usize {
    // Most lines hold nothing of interest up to their end.
    while let Some(next) = memchr::memchr3(b'\n', b'/', b'"', &text[at..]).map(|next| at + next) {
        if let Some(escape) = memchr::memchr(b'\\', &text[at..next]).map(|escape| at + escape) {
            at = escape + if text[escape + 1..].starts_with(b"\r\n") { 3 } else { 2 };
            continue;
        }
        at = next;
        match text[at] {
            b'\n' => return at,
            b'/' if text.get(at + 1) == Some(&b'*') => at = skip_comment(text, at),
            b'/' if text.get(at + 1) == Some(&b'/') => return line_end(text, at),
            b'"' => at = skip_quoted(text, at, b'"'),
            _ => at += 1,
        }
    }
    text.len()
}

fn skip_quoted(text: &[u8], at: usize, quote: u8) -> usize {
    let mut at = at + 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'\n' => return at,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

fn skip_number(text: &[u8], mut at: usize) -> usize {
    while at < text.len() {
        let exponent = matches!(text[at], b'+' | b'-') && matches!(text[at - 1], b'e' | b'E' | b'p' | b'P');
        // In `0x1e+2` the sign belongs to no exponent, but nothing here depends on the value.
        if is_word_byte(text[at]) || text[at] == b'.' && text.get(at + 1) != Some(&b'.') || exponent {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// For each token that opens a bracket, the index of the one that closes it (and the other way round); `usize::MAX`
/// where there is none. Brackets of one kind only match their own.
pub fn brackets(tokens: &[Token]) -> Vec<usize> {
    let mut partner = vec![usize::MAX; tokens.len()];
    let mut open: Vec<(u8, usize)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let TokenKind::Punct(byte) = token.kind else { continue };
        match byte {
            b'(' | b'[' | b'{' => open.push((byte, at)),
            b')' | b']' | b'}' => {
                let opener = match byte {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                if let Some(depth) = open.iter().rposition(|&(kind, _)| kind == opener) {
                    partner[at] = open[depth].1;
                    partner[open[depth].1] = at;
                    open.truncate(depth);
                }
            }
            _ => {}
        }
    }
    partner
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text.as_bytes())
            .iter()
            .map(|t| String::from_utf8_lossy(t.text(text.as_bytes())).into_owned())
            .collect()
    }

    #[test]
    fn comments_strings_and_directives() {
        assert_eq!(
            words("a /* b */ \"c)\\\"\" // d\n#define X \\\n y\ne"),
            ["a", "\"c)\\\"\"", "#define X \\\n y", "e"]
        );
    }

    #[test]
    fn unterminated_input_ends() {
        for text in ["\"abc", "/* abc", "'", "#if \\", "a\\"] {
            tokens(text.as_bytes());
        }
    }
}
