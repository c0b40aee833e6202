//! The terminal report: source, numbered steps, what to do; drawn by miette.
//!
//! Text is loaded again for files with findings, and only the lines around the function's steps are handed over, so that a
//! huge file does not cost what a small one does.

use super::RenderContext;
use crate::diagnostic::{Diagnostic, Severity};
use crate::driver::Outcome;
use crate::source::{FileId, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use std::fmt;
use std::io::{self, Write};

/// Longer lines are cut before they are drawn.
const LINE_LIMIT: usize = 240;

/// Writes all findings.
///
/// # Errors
/// When `out` cannot be written.
pub fn render(outcome: &Outcome, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let theme = match (context.color, context.unicode) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => {
            GraphicalTheme { characters: miette::ThemeCharacters::ascii(), ..GraphicalTheme::unicode() }
        }
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false).with_context_lines(1);
    let mut loaded: Option<(FileId, Vec<u8>)> = None;
    for diagnostic in &outcome.diagnostics {
        let file = diagnostic.primary.span.file;
        if loaded.as_ref().is_none_or(|(id, _)| *id != file) {
            let text = context.texts.read(outcome.sources.path(file)).unwrap_or_default();
            loaded = Some((file, text));
        }
        let text = loaded.as_ref().map_or(&[][..], |(_, text)| text);
        let report = report(diagnostic, outcome, text);
        writeln!(out, "{}[{}]: {}", diagnostic.severity.as_str(), diagnostic.rule.id, diagnostic.message)?;
        writeln!(out, "{}", Drawn(&handler, &report))?;
    }
    Ok(())
}

struct Drawn<'a>(&'a GraphicalReportHandler, &'a Report);

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.0.render_report(&mut text, self.1.as_ref())?;
        // The sentence stands in our own header line; miette would say it again.
        let mut lines = text.lines();
        for line in lines.by_ref() {
            if line.trim_start().starts_with([',', '╭']) {
                f.write_str(line)?;
                break;
            }
        }
        for line in lines {
            write!(f, "\n{line}")?;
        }
        Ok(())
    }
}

fn report(diagnostic: &Diagnostic, outcome: &Outcome, text: &[u8]) -> Report {
    let spans: Vec<Span> = diagnostic.steps.iter().map(|step| step.span).collect();
    let window = Window::around(&spans, diagnostic.primary.span, text);
    let labels = diagnostic
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| LabeledSpan::at(window.place(step.span), format!("{} {}", at + 1, step.text)))
        .collect();
    let mut drawn = MietteDiagnostic::new(diagnostic.message.clone());
    drawn.labels = Some(labels);
    drawn.severity = Some(match diagnostic.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Note | Severity::Off => miette::Severity::Advice,
    });
    if !diagnostic.help.is_empty() {
        drawn.help = Some(diagnostic.help.join("\n"));
    }
    let path = outcome.sources.path(diagnostic.primary.span.file);
    Report::new(drawn).with_source_code(NamedSource::new(path, window.text))
}

/// The part of a file that is drawn: padded with empty lines in front, so that line numbers stay true.
struct Window {
    text: String,
    offset: usize,
    start: usize,
}

impl Window {
    fn around(spans: &[Span], primary: Span, text: &[u8]) -> Self {
        let all = || spans.iter().chain(std::iter::once(&primary));
        let first = all().map(|span| span.start as usize).min().unwrap_or(0).min(text.len());
        let last = all().map(|span| span.end as usize).max().unwrap_or(0).min(text.len());
        let mut start = text[..first].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        if start > 0 {
            start = text[..start - 1].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        }
        let end = text[last..].iter().position(|&b| b == b'\n').map_or(text.len(), |at| last + at + 1);
        let end = text[end..].iter().position(|&b| b == b'\n').map_or(text.len(), |at| end + at);
        let lines_before = memchr::memchr_iter(b'\n', &text[..start]).count();
        let mut shown = "\n".repeat(lines_before);
        let offset = shown.len();
        // Byte for byte, so that spans stay true: what is no ASCII text is drawn as `?`.
        let ascii = |&b: &u8| {
            if b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\n') { char::from(b) } else { '?' }
        };
        let body = &text[start..end];
        let long = body.split(|&b| b == b'\n').any(|line| line.len() > LINE_LIMIT);
        if !long {
            shown.extend(body.iter().map(ascii));
        } else {
            for &b in body {
                shown.push(ascii(&b));
            }
        }
        Window { text: shown, offset, start }
    }

    fn place(&self, span: Span) -> std::ops::Range<usize> {
        let at =
            |offset: u32| ((offset as usize).max(self.start) - self.start + self.offset).min(self.text.len());
        let (from, to) = (at(span.start), at(span.end));
        // One line of a long span is enough to point at.
        let line = self.text[from..to].find('\n').map_or(to, |end| from + end);
        from..line.max(from)
    }
}
