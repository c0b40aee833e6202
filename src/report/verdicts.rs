//! Verdicts as JSON lines: one per function and lock, so that others can measure the tool.

use crate::diagnostic::Decision;
use crate::driver::Outcome;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    function: &'a str,
    line: u32,
    lock: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Writes all verdicts.
///
/// # Errors
/// When `out` cannot be written.
pub fn render(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    for verdict in &outcome.verdicts {
        let mut line = Line {
            file: outcome.sources.path(verdict.span.file),
            function: &verdict.function,
            line: outcome.sources.locate(verdict.span).line,
            lock: &verdict.lock,
            verdict: "",
            certificate: None,
            rule: None,
            confidence: None,
            reason: None,
        };
        match &verdict.decision {
            Decision::Balanced { certificate } => {
                line.verdict = "balanced";
                line.certificate = Some(certificate);
            }
            Decision::Finding { rule, confidence } => {
                line.verdict = "finding";
                line.rule = Some(rule);
                line.confidence = Some(confidence.as_str());
            }
            Decision::NotDecided { reason } => {
                line.verdict = "not-decided";
                line.reason = Some(reason);
            }
        }
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
