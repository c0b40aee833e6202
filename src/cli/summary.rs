//! What is said on standard error after the findings: the ledger when asked for, and the last line.

use crate::diagnostic::{Confidence, Ledger};

/// The ledger: why functions were not decided, and what was not understood.
pub fn statistics(ledger: &Ledger) -> String {
    let mut out = format!("not decided: {}\n", counted(ledger.not_decided, "function"));
    out.extend(ledger.reasons.iter().map(row));
    out.push_str(&format!(
        "not understood between two lock operations: {}\n",
        counted(ledger.opaque_between, "function")
    ));
    out.extend(ledger.opaque_causes.iter().map(row));
    out.push_str(&format!("not read: {}\n", counted(ledger.unreadable, "file")));
    out
}

fn row((what, count): &(String, usize)) -> String {
    format!("  {:>7}  {what}\n", grouped(*count))
}

/// `checked 2 files, 9 functions (3 with locks: 2 balanced, 1 with findings, 0 not decided); 1 finding shown`
pub fn last_line(ledger: &Ledger, confidence: Confidence) -> String {
    let mut line = format!(
        "checked {}, {} ({} with locks: {} balanced, {} with findings, {} not decided); {} shown",
        counted(ledger.files, "file"),
        counted(ledger.functions, "function"),
        grouped(ledger.with_locks),
        grouped(ledger.balanced),
        grouped(ledger.with_findings),
        grouped(ledger.not_decided),
        counted(ledger.shown, "finding"),
    );
    if ledger.below_confidence > 0 {
        line.push_str(&format!(
            ", {} hidden below confidence {}",
            grouped(ledger.below_confidence),
            confidence.as_str()
        ));
    }
    if ledger.under_contract > 0 {
        let (all, proved) = (ledger.under_contract, ledger.proved);
        line.push_str(&format!("; {} under contract, {} proved", counted(all, "function"), grouped(proved)));
    }
    if ledger.unreadable > 0 {
        line.push_str(&format!("; {} not read", counted(ledger.unreadable, "file")));
    }
    line
}

/// `1 file`, `27,272 functions`
fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `27,272`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
