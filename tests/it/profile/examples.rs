//! The examples written by hand: the bad one fires its rule, the good one is silent.

use super::{TEXTS, builtin, check, check_as};
use lockbalance::diagnostic::Confidence;
use lockbalance::profile::load;
use std::sync::Arc;

#[test]
fn every_text_is_accepted() {
    for (name, text) in TEXTS {
        if let Err(error) = load::parse(text, name) {
            let at = error.span.clone().map_or("", |span| &text[span]);
            panic!("{name}: {error}: {at}");
        }
    }
}

#[test]
fn bad_examples_fire_and_good_ones_are_silent() {
    let mut wrong = Vec::new();
    for (profile_name, profile) in builtin() {
        let shared = Arc::new(profile.clone());
        let name = if profile_name == "rust" { "test.rs" } else { "test.c" };
        for family in &profile.families {
            for example in &family.examples {
                let place = format!("{profile_name}/{}", family.name);
                let bad = check_as(name, &example.bad, &shared);
                let fires = |d: &&lockbalance::diagnostic::Diagnostic| {
                    d.rule.id == example.rule && d.confidence >= Confidence::Medium
                };
                if !bad.diagnostics.iter().any(|d| fires(&d)) {
                    let got: Vec<_> = bad.diagnostics.iter().map(|d| (d.rule.id, d.confidence)).collect();
                    wrong.push(format!("{place}: {} does not fire, but {got:?}", example.rule));
                }
                for finding in check_as(name, &example.good, &shared).diagnostics {
                    if finding.confidence >= Confidence::Medium {
                        wrong.push(format!("{place}: good example: {} {}", finding.rule.id, finding.message));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reported_family_has_an_example() {
    let without: Vec<String> = builtin()
        .flat_map(|(name, profile)| profile.families.iter().map(move |family| (name, family)))
        .filter(|(_, family)| family.reported && family.examples.is_empty())
        .map(|(name, family)| format!("{name}/{}", family.name))
        .collect();
    assert!(without.is_empty(), "{}", without.join("\n"));
}

const PAGE: &str = include_str!("../../../docs/profiles.md");

/// Fenced blocks of the page: what stands behind the fence, and the text.
fn blocks() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGE.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

#[test]
fn the_page_speaks_the_truth() {
    let mut profile = None;
    let mut seen = 0;
    for (fence, text) in blocks() {
        let fence: Vec<&str> = fence.split(' ').collect();
        if fence == ["toml"] {
            profile = Some(Arc::new(load::parse(text, "page").expect(text)));
            continue;
        }
        let [_, kind, rule @ ..] = &fence[..] else { continue };
        let profile = profile.as_ref().expect("a profile stands before its examples");
        let outcome = check(text, profile);
        let shown = outcome.diagnostics.iter().filter(|finding| finding.confidence >= Confidence::Medium);
        let fired: Vec<&str> = shown.map(|finding| finding.rule.id).collect();
        match *kind {
            "bad" => assert!(fired.contains(&rule[0]), "{fired:?} in\n{text}"),
            _ => assert_eq!(fired, Vec::<&str>::new(), "in\n{text}"),
        }
        seen += 1;
    }
    assert!(seen > 20, "only {seen} examples");
}
