//! The part of a file that is drawn around some spans.
//!
//! Empty lines are put in front, so that line numbers stay true without the whole text being scanned again for every label;
//! lines that no screen can show are cut, and what a terminal would obey instead of showing is replaced.

use crate::source::Span;
use std::ops::Range;

/// Bytes of a line that are drawn.
const LINE_LIMIT: usize = 240;

/// A piece of a text, and where the bytes of the text stand in it.
pub struct Window {
    /// What is drawn.
    pub text: String,
    lines: Vec<Line>,
}

struct Line {
    source: usize,
    shown: Range<usize>,
}

impl Window {
    /// The lines of `text` from one before the first of `spans` to one behind the last.
    pub fn around(spans: &[Span], text: &[u8]) -> Self {
        let first = spans.iter().map(|span| span.start as usize).min().unwrap_or(0).min(text.len());
        let last = spans.iter().map(|span| span.end as usize).max().unwrap_or(0).min(text.len());
        let start = line_start(text, line_start(text, first).saturating_sub(1));
        let end = line_end(text, (line_end(text, last) + 1).min(text.len()));
        let mut window = Window {
            text: "\n".repeat(memchr::memchr_iter(b'\n', &text[..start]).count()),
            lines: Vec::new(),
        };
        let mut source = start;
        for line in text[start..end].split(|&b| b == b'\n') {
            let from = window.text.len();
            push_line(&mut window.text, line);
            window.lines.push(Line { source, shown: from..window.text.len() });
            window.text.push('\n');
            source += line.len() + 1;
        }
        window
    }

    /// Where `span` stands in the window: its first line is enough to point at.
    pub fn place(&self, span: Span) -> Range<usize> {
        let (start, end) = (span.start as usize, span.end as usize);
        let at = self.lines.partition_point(|line| line.source <= start).saturating_sub(1);
        let Some(line) = self.lines.get(at) else { return 0..0 };
        let shown = |offset: usize| {
            let at = (line.shown.start + offset.saturating_sub(line.source)).min(line.shown.end);
            self.text.floor_char_boundary(at)
        };
        shown(start)..shown(end).max(shown(start))
    }
}

fn line_start(text: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1)
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline)
}

/// Appends `line` byte for byte, so that columns stay true.
fn push_line(out: &mut String, line: &[u8]) {
    let limit = out.len() + LINE_LIMIT;
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_harmless(c) {
                out.push(c);
            } else {
                out.extend(std::iter::repeat_n('?', c.len_utf8()));
            }
        }
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    if out.len() > limit {
        out.truncate(out.floor_char_boundary(limit));
        out.push_str("...");
    }
}

/// Neither a control character nor one that turns the direction of writing around.
fn is_harmless(c: char) -> bool {
    c == '\t' || !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
