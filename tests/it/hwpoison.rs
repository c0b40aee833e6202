//! The founding example: memory-failure recovery, the refused patch, the valid repairs and the ways to get it wrong.
//!
//! A line that must be reported ends in `//~ LB010`; `//~ LB001 fn: reason` marks one that ought to be and is not yet.
//! Nothing else may be reported at default confidence. Each file is judged twice, with and without the contract that all actions unlock;
//! `//~ declared LB022` counts with it only, `//~ undeclared LB002 fn: reason` without it only.

use super::lower::{entries, fixtures, on_a_worker};
use lockbalance::cli::config::default_profiles;
use lockbalance::diagnostic::Confidence;
use lockbalance::driver::{Outcome, Request, Settings, SlotContract, run};
use lockbalance::lock::contract::Contract;
use lockbalance::source::{TextError, TextProvider};
use std::collections::BTreeSet;

/// Files by path, from memory.
pub struct Texts(pub Vec<(String, Vec<u8>)>);

impl TextProvider for Texts {
    fn read(&self, path: &str) -> Result<Vec<u8>, TextError> {
        let text = self.0.iter().find(|(name, _)| name == path).map(|(_, text)| text.clone());
        text.ok_or_else(|| TextError { path: path.to_owned(), reason: "no such file".to_owned() })
    }
}

/// What every action does to its caller's lock after the repair: the rule that a tool can check.
fn declared() -> SlotContract {
    let contract = Contract::parse("releases(page(arg1))").expect("a contract");
    SlotContract { member: "state_row.action".into(), contract }
}

/// Judges `text`, with the contract of the slot declared or not.
fn outcome(path: &str, text: &[u8], slots: Vec<SlotContract>) -> Outcome {
    let settings = Settings {
        severities: Default::default(),
        confidence: Confidence::Medium,
        profiles: default_profiles(),
        max_file_size: 1 << 20,
        verdicts: false,
        require_proved: !slots.is_empty(),
        slots,
    };
    let texts = Texts(vec![(path.to_owned(), text.to_vec())]);
    let outcome = on_a_worker(|| run(Request::of([path]), &texts, &settings, &|| {}));
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    outcome
}

/// Rules by the line that they are reported on.
type Lines = BTreeSet<(u32, String)>;

/// Line and rule of each finding.
fn findings(outcome: &Outcome) -> Lines {
    let place = |diagnostic: &lockbalance::diagnostic::Diagnostic| {
        (outcome.sources.locate(diagnostic.primary.span).line, diagnostic.rule.id.to_owned())
    };
    outcome.diagnostics.iter().map(place).collect()
}

/// Line and rule of each annotation that counts with the contract `declared` or without: those that must be reported, and those that
/// are known not to be.
fn annotations(text: &str, declared: bool) -> (Lines, Lines) {
    let (mut reported, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for (line, content) in (1u32..).zip(text.lines()) {
        for annotation in content.split("//~").skip(1).map(str::trim) {
            let (counts, annotation) = match annotation.split_once(' ') {
                Some(("declared", rest)) => (declared, rest),
                Some(("undeclared", rest)) => (!declared, rest),
                _ => (true, annotation),
            };
            let (rule, rest) = annotation.split_at(5);
            let set = if rest.trim_start().starts_with("fn:") { &mut missed } else { &mut reported };
            if counts {
                set.insert((line, rule.to_owned()));
            }
        }
    }
    (reported, missed)
}

/// The C files: name and text.
fn texts() -> Vec<(String, String)> {
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("text"))
    };
    entries(&fixtures("hwpoison/c")).iter().map(read).collect()
}

/// What differs between the findings and the annotations.
fn differences(name: &str, text: &str, slots: Vec<SlotContract>) -> Vec<String> {
    let (reported, missed) = annotations(text, !slots.is_empty());
    let under = if slots.is_empty() { "" } else { " under the contract" };
    let found = findings(&outcome(name, text.as_bytes(), slots));
    let silent = reported
        .difference(&found)
        .map(|(line, rule)| format!("{name}:{line}: {rule} is not reported{under}"));
    let news = found.difference(&reported).map(|(line, rule)| {
        let news =
            if missed.contains(&(*line, rule.clone())) { "now found: drop `fn`" } else { "unexpected" };
        format!("{name}:{line}: {rule} {news}{under}")
    });
    silent.chain(news).collect()
}

#[test]
fn exactly_the_annotated_lines_are_reported() {
    let wrong: Vec<String> =
        texts().iter().flat_map(|(name, text)| differences(name, text, Vec::new())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn under_the_contract_of_the_slot_every_wrong_variant_is_found() {
    let under = |text: &str| !text.contains("No contract can be declared here");
    let mut wrong = Vec::new();
    for (name, text) in texts().iter().filter(|(_, text)| under(text)) {
        wrong.extend(differences(name, text, vec![declared()]));
        let found = outcome(name, text.as_bytes(), vec![declared()]).ledger.with_findings > 0;
        if name.starts_with("wrong_") && !found {
            wrong.push(format!("{name}: nothing is found, even under the contract"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn that_all_actions_unlock_is_proved_of_the_repair_and_of_no_other() {
    for (name, text) in texts() {
        let outcome = outcome(&name, text.as_bytes(), vec![declared()]);
        let ledger = &outcome.ledger;
        assert!(ledger.under_contract > 0, "{name}: the table is not understood");
        let is_proved = ledger.proved == ledger.under_contract && ledger.with_findings == 0;
        assert_eq!(is_proved, name == "repair_2b_handlers_unlock.c", "{name}: {ledger:?}");
    }
}
