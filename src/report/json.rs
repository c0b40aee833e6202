//! One JSON document: tool, findings, ledger. These structs are the wire format; nothing inside the house serialises.

use super::RenderContext;
use super::fingerprint::fingerprints;
use crate::diagnostic::{Diagnostic, Label, Ledger};
use crate::driver::Outcome;
use crate::source::{SourceMap, Span};
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Document<'a> {
    tool: &'static str,
    version: &'static str,
    diagnostics: Vec<Finding<'a>>,
    errors: Vec<Unread<'a>>,
    ledger: Counts<'a>,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'static str,
    name: &'static str,
    severity: &'static str,
    confidence: &'static str,
    message: &'a str,
    place: Place<'a>,
    function: &'a str,
    lock: &'a str,
    exit: &'a str,
    steps: Vec<Step<'a>>,
    help: &'a [String],
    fingerprint: String,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct Step<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    text: &'a str,
}

#[derive(Serialize)]
struct Unread<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct Counts<'a> {
    files: usize,
    unreadable: usize,
    functions: usize,
    with_locks: usize,
    balanced: usize,
    with_findings: usize,
    not_decided: usize,
    reasons: &'a [(String, usize)],
    shown: usize,
    below_confidence: usize,
}

/// Writes the document.
///
/// # Errors
/// When `out` cannot be written.
pub fn render(outcome: &Outcome, _context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = outcome.diagnostics.iter().zip(fingerprints(&outcome.diagnostics));
    let document = Document {
        tool: "lockbalance",
        version: env!("CARGO_PKG_VERSION"),
        diagnostics: findings.map(|(d, fingerprint)| finding(d, fingerprint, &outcome.sources)).collect(),
        errors: outcome.errors.iter().map(|e| Unread { path: &e.path, reason: &e.reason }).collect(),
        ledger: counts(&outcome.ledger),
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn finding<'a>(diagnostic: &'a Diagnostic, fingerprint: String, sources: &'a SourceMap) -> Finding<'a> {
    let step = |label: &'a Label| Step { place: place(label.span, sources), text: &label.text };
    Finding {
        rule: diagnostic.rule.id,
        name: diagnostic.rule.name,
        severity: diagnostic.severity.as_str(),
        confidence: diagnostic.confidence.as_str(),
        message: &diagnostic.message,
        place: place(diagnostic.primary.span, sources),
        function: &diagnostic.function,
        lock: &diagnostic.lock,
        exit: diagnostic.exit,
        steps: diagnostic.steps.iter().map(step).collect(),
        help: &diagnostic.help,
        fingerprint,
    }
}

fn place(span: Span, sources: &SourceMap) -> Place<'_> {
    let (from, to) = (sources.locate(span), sources.locate_end(span));
    Place {
        file: sources.path(span.file),
        line: from.line,
        column: from.col,
        end_line: to.line,
        end_column: to.col,
    }
}

fn counts(ledger: &Ledger) -> Counts<'_> {
    Counts {
        files: ledger.files,
        unreadable: ledger.unreadable,
        functions: ledger.functions,
        with_locks: ledger.with_locks,
        balanced: ledger.balanced,
        with_findings: ledger.with_findings,
        not_decided: ledger.not_decided,
        reasons: &ledger.reasons,
        shown: ledger.shown,
        below_confidence: ledger.below_confidence,
    }
}
