//! The terminal report: source, numbered steps, what to do; snippets are drawn by miette.
//!
//! ```text
//! error[LB006]: `&dev->lock` is still held when `start` returns `err`
//!     ,-[drivers/dev.c:10:3]        the place to change; steps in other files follow in snippets of their own
//!   7 |     mutex_lock(&dev->lock);
//!     :     `-- 1 acquired here
//!   help: release `&dev->lock` on this path too, or leave through the label that does
//! ```
//!
//! Text is loaded again for files with findings, and only the lines around the steps are handed over, so that a huge file
//! does not cost what a small one does not.

use super::RenderContext;
use super::window::Window;
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::driver::Outcome;
use crate::source::{FileId, Span};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use std::io::{self, Write};

/// Columns to which labels are wrapped.
const WIDTH: usize = 100;

/// Writes all findings.
///
/// # Errors
/// When `out` cannot be written.
pub fn render(outcome: &Outcome, context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(context);
    let mut loaded = Loaded { file: None, text: Vec::new() };
    for (at, diagnostic) in outcome.diagnostics.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_header(diagnostic, context.color, out)?;
        for (file, steps) in by_file(diagnostic) {
            let text = loaded.get(file, outcome, context);
            let report = snippet(diagnostic, outcome.sources.path(file), &steps, text);
            out.write_all(drawn(&handler, &report).as_bytes())?;
        }
        for repair in &diagnostic.help {
            let (on, off) = if context.color { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
            writeln!(out, "  {on}help:{off} {repair}")?;
        }
    }
    Ok(())
}

fn handler(context: &RenderContext<'_>) -> GraphicalReportHandler {
    let mut theme = if context.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    if !context.unicode {
        theme.characters = miette::ThemeCharacters::ascii();
    }
    GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1)
}

/// `error[LB010]: sentence`
fn write_header(diagnostic: &Diagnostic, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let (on, bold, off) = match (color, diagnostic.severity) {
        (false, _) => ("", "", ""),
        (true, Severity::Error) => ("\x1b[1;31m", "\x1b[0;1m", "\x1b[0m"),
        (true, Severity::Warning) => ("\x1b[1;33m", "\x1b[0;1m", "\x1b[0m"),
        (true, Severity::Note | Severity::Off) => ("\x1b[1;36m", "\x1b[0;1m", "\x1b[0m"),
    };
    let (severity, rule) = (diagnostic.severity.as_str(), diagnostic.rule.id);
    writeln!(out, "{on}{severity}[{rule}]{bold}: {}{off}", diagnostic.message)
}

/// The text of the file read last.
struct Loaded {
    file: Option<FileId>,
    text: Vec<u8>,
}

impl Loaded {
    fn get(&mut self, file: FileId, outcome: &Outcome, context: &RenderContext<'_>) -> &[u8] {
        if self.file != Some(file) {
            // A file that has gone since is drawn empty; its name and line are said all the same.
            self.text = context.texts.read(outcome.sources.path(file)).unwrap_or_default();
            self.file = Some(file);
        }
        &self.text
    }
}

/// A span, what is said there, and whether it is the place to change.
struct Numbered {
    span: Span,
    text: String,
    primary: bool,
}

/// The numbered steps by file: the file of the place to change first, the others in the order of the steps.
fn by_file(diagnostic: &Diagnostic) -> Vec<(FileId, Vec<Numbered>)> {
    let primary = &diagnostic.primary;
    let mut groups = vec![(primary.span.file, Vec::new())];
    let alone = diagnostic.steps.is_empty();
    let last = diagnostic.steps.iter().rposition(|step| step.span == primary.span);
    let steps: &[Label] = if alone { std::slice::from_ref(primary) } else { &diagnostic.steps };
    for (at, step) in steps.iter().enumerate() {
        let text = if alone { step.text.clone() } else { format!("{} {}", at + 1, step.text) };
        let numbered = Numbered { span: step.span, text, primary: alone || last == Some(at) };
        match groups.iter_mut().find(|(file, _)| *file == step.span.file) {
            Some((_, group)) => group.push(numbered),
            None => groups.push((step.span.file, vec![numbered])),
        }
    }
    groups.retain(|(_, group)| !group.is_empty());
    groups
}

fn snippet(diagnostic: &Diagnostic, path: &str, steps: &[Numbered], text: &[u8]) -> Report {
    let spans: Vec<Span> = steps.iter().map(|step| step.span).collect();
    let window = Window::around(&spans, text);
    let labels = steps.iter().map(|step| {
        let (label, place) = (Some(step.text.clone()), window.place(step.span));
        if step.primary {
            LabeledSpan::new_primary_with_span(label, place)
        } else {
            LabeledSpan::new_with_span(label, place)
        }
    });
    let drawn = MietteDiagnostic::new(diagnostic.message.clone()).with_labels(labels.collect::<Vec<_>>());
    Report::new(drawn).with_source_code(NamedSource::new(path, window.text))
}

/// The snippet alone: the sentence stands in our own header, and miette would say it again.
fn drawn(handler: &GraphicalReportHandler, report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = handler.render_report(&mut text, report.as_ref());
    let is_frame = |line: &&str| !line.trim_start().starts_with([',', '╭']);
    text.lines().skip_while(is_frame).flat_map(|line| [line.trim_end(), "\n"]).collect()
}
