//! Each rule's documentation keeps its word: the bad example is reported under that rule, the good one is not reported at all.

use super::support::{check, listed, none};
use lockbalance::diagnostic::{Confidence, RuleMeta, Severity};
use lockbalance::rules::{RULES, not_decided};

/// The one fenced block of `docs` that opens with ` ```c kind `.
fn example<'d>(rule: &'d RuleMeta, kind: &str) -> Result<&'d str, String> {
    let fence = format!("```c {kind}\n");
    let mut parts = rule.docs.split(fence.as_str()).skip(1);
    match (parts.next().and_then(|rest| rest.split_once("```")), parts.next()) {
        (Some((text, _)), None) => Ok(text),
        _ => Err(format!("{}: there must be one `{kind}` example", rule.id)),
    }
}

/// Notes are presumptions: they are listed only to those who ask for everything.
fn shown_at(rule: &RuleMeta) -> Confidence {
    if rule.severity == Severity::Note { Confidence::Low } else { Confidence::Medium }
}

fn judge(rule: &RuleMeta) -> Result<(), String> {
    let bad = check("bad.c", example(rule, "bad")?, shown_at(rule));
    if !bad.diagnostics.iter().any(|diagnostic| diagnostic.rule.id == rule.id) {
        return Err(format!("{}: the bad example is not reported:\n{}", rule.id, listed(&bad)));
    }
    let good = check("good.c", example(rule, "good")?, Confidence::Low);
    let is_note = |id: &str| id == not_decided::META.id && rule.id != not_decided::META.id;
    if good.diagnostics.iter().any(|diagnostic| !is_note(diagnostic.rule.id)) {
        return Err(format!("{}: the good example is reported:\n{}", rule.id, listed(&good)));
    }
    Ok(())
}

#[test]
fn examples_are_true() {
    none(RULES.iter().filter_map(|rule| judge(rule).err()).collect());
}

#[test]
fn docs_stand_in_the_frame() {
    const FRAME: [&str; 4] = ["## What it checks", "## Why it matters", "## Example", "## Not reported"];
    for rule in RULES {
        let headings: Vec<&str> = rule.docs.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, FRAME, "{}", rule.id);
    }
}

#[test]
fn ids_and_names_are_unique_and_sorted() {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}
