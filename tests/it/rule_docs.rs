//! Each rule's documentation keeps its word: the bad example is reported under that rule, the good one is not reported at all.

use super::support::{check, listed, none};
use lockbalance::diagnostic::{Confidence, RuleMeta, Severity};
use lockbalance::rules::{RULES, not_decided};

/// The one fenced block of `docs` that opens with ` ```c kind ` or ` ```rust kind `, and the extension of its language.
fn example<'d>(rule: &'d RuleMeta, kind: &str) -> Result<(&'static str, &'d str), String> {
    let found: Vec<(&str, &str)> = [("c", "c"), ("rust", "rs")]
        .into_iter()
        .flat_map(|(language, extension)| {
            let fence = format!("```{language} {kind}\n");
            let texts: Vec<&str> = rule.docs.split(fence.as_str()).skip(1).collect();
            texts.into_iter().filter_map(move |rest| Some((extension, rest.split_once("```")?.0)))
        })
        .collect();
    match found.as_slice() {
        [one] => Ok(*one),
        _ => Err(format!("{}: there must be one `{kind}` example", rule.id)),
    }
}

/// Notes are presumptions: they are listed only to those who ask for everything.
fn shown_at(rule: &RuleMeta) -> Confidence {
    if rule.severity == Severity::Note { Confidence::Low } else { Confidence::Medium }
}

fn judge(rule: &RuleMeta) -> Result<(), String> {
    let (extension, text) = example(rule, "bad")?;
    let bad = check(&format!("bad.{extension}"), text, shown_at(rule));
    if !bad.diagnostics.iter().any(|diagnostic| diagnostic.rule.id == rule.id) {
        return Err(format!("{}: the bad example is not reported:\n{}", rule.id, listed(&bad)));
    }
    let (extension, text) = example(rule, "good")?;
    let good = check(&format!("good.{extension}"), text, Confidence::Low);
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
