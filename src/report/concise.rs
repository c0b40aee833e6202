//! gcc lines: `file:line:col: warning: message [LB001]`, then a `note:` per step. Columns are bytes, from 1.

use super::RenderContext;
use crate::diagnostic::Severity;
use crate::driver::Outcome;
use std::io::{self, Write};

/// Writes all findings.
///
/// # Errors
/// When `out` cannot be written.
pub fn render(outcome: &Outcome, _context: &RenderContext<'_>, out: &mut dyn Write) -> io::Result<()> {
    for diagnostic in &outcome.diagnostics {
        let at = outcome.sources.locate(diagnostic.primary.span);
        let path = outcome.sources.path(diagnostic.primary.span.file);
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note | Severity::Off => "note",
        };
        let (rule, message) = (diagnostic.rule.id, &diagnostic.message);
        writeln!(out, "{path}:{}:{}: {severity}: {message} [{rule}]", at.line, at.col)?;
        for step in &diagnostic.steps {
            let at = outcome.sources.locate(step.span);
            let path = outcome.sources.path(step.span.file);
            writeln!(out, "{path}:{}:{}: note: {}", at.line, at.col, step.text)?;
        }
    }
    Ok(())
}
