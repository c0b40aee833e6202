//! What the tool says: findings, verdicts and counts, as plain data.
//!
//! Nothing here renders or serialises; reporters convert. A [`Diagnostic`] carries its whole path so that
//! every format which can show steps shows the same ones.

use crate::source::Span;

/// How much a finding matters to a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Not reported.
    Off,
    /// Worth knowing.
    Note,
    /// Worth mending.
    Warning,
    /// A defect.
    Error,
}

impl Severity {
    /// The word that stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Off => "off",
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// How sure the tool is of a finding; separate from its [`Severity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Rests on a presumption; hidden by default, always counted.
    Low,
    /// Rests on convention: the name, the exit class, a lone deviating path.
    Medium,
    /// Rests on facts of the text alone.
    High,
}

impl Confidence {
    /// The word that stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// What is known of a rule without running it. The one `RULES` table lists them all.
#[derive(Debug)]
pub struct RuleMeta {
    /// Stable id, `LB001`.
    pub id: &'static str,
    /// Name that reads well after "allow", `missing-release`.
    pub name: &'static str,
    /// One line: what it finds.
    pub summary: &'static str,
    /// Severity unless configured otherwise.
    pub severity: Severity,
    /// Common Weakness Enumeration ids (MITRE).
    pub cwe: &'static [u16],
    /// Markdown in the frame *What it checks / Why it matters / Example / Not reported*; the example holds one
    /// ` ```c bad ` and one ` ```c good ` block, which a test runs.
    pub docs: &'static str,
}

/// A place with something said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What, in lower case and without a full stop.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule that found it.
    pub rule: &'static RuleMeta,
    /// Severity after configuration.
    pub severity: Severity,
    /// How sure we are.
    pub confidence: Confidence,
    /// One sentence that names the lock and, where there are two, both places.
    pub message: String,
    /// The place to change: primary span and its label.
    pub primary: Label,
    /// The function the finding stands in.
    pub function: String,
    /// The lock as the source spells it, `&dev->lock`.
    pub lock: String,
    /// Kind of the exit concerned (`zero`, `error`, …), empty where there is none; part of the fingerprint.
    pub exit: &'static str,
    /// The numbered path: acquired here, taken when …, returns still holding.
    pub steps: Vec<Label>,
    /// What to do, one repair a line.
    pub help: Vec<String>,
}

/// What was decided about one lock of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Proved; the certificate's hash lets the small checker's input be named.
    Balanced {
        /// Hash of the certificate that the independent checker accepted.
        certificate: String,
    },
    /// At least one finding, hidden ones of low confidence included.
    Finding {
        /// The rule of the gravest finding.
        rule: &'static str,
        /// Its confidence.
        confidence: Confidence,
    },
    /// Not decided, and why.
    NotDecided {
        /// Reason, one of a small fixed vocabulary followed by detail.
        reason: String,
    },
}

/// One line of the ledger: a function, a lock, and what was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The function's name.
    pub function: String,
    /// The function's definition.
    pub span: Span,
    /// The lock as the source spells it; empty when the whole function is meant.
    pub lock: String,
    /// What was decided.
    pub decision: Decision,
}

/// The counts that every report ends with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Files read.
    pub files: usize,
    /// Files that could not be read or were refused, each also named in the report.
    pub unreadable: usize,
    /// Function definitions seen.
    pub functions: usize,
    /// Functions that use a lock.
    pub with_locks: usize,
    /// Of those: every lock balanced.
    pub balanced: usize,
    /// Of those: at least one finding (of any confidence).
    pub with_findings: usize,
    /// Of those: no finding, at least one lock not decided.
    pub not_decided: usize,
    /// Functions that a contract is declared of.
    pub under_contract: usize,
    /// Of those: the contract is proved.
    pub proved: usize,
    /// Reasons for "not decided" with their number, most frequent first.
    pub reasons: Vec<(String, usize)>,
    /// Findings shown.
    pub shown: usize,
    /// Findings hidden because their confidence is below the threshold.
    pub below_confidence: usize,
    /// Functions whose first and last lock operation have an `Opaque` statement reachable between them.
    pub opaque_between: usize,
    /// Causes of those, with their number, most frequent first.
    pub opaque_causes: Vec<(String, usize)>,
}
