//! The founding example: memory-failure recovery, the refused patch, the valid repairs and the ways to get it wrong.
//!
//! A line that must be reported ends in `//~ LB010`; `//~ LB001 fn: reason` marks one that ought to be and is not yet.
//! Nothing else may be reported at default confidence.

use super::lower::{entries, fixtures, on_a_worker};
use lockbalance::cli::config::default_profiles;
use lockbalance::diagnostic::Confidence;
use lockbalance::driver::{Request, Settings, run};
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

/// Line and rule of each finding in `text`.
fn findings(path: &str, text: &[u8]) -> BTreeSet<(u32, String)> {
    let settings = Settings {
        severities: Default::default(),
        confidence: Confidence::Medium,
        profiles: default_profiles(),
        max_file_size: 1 << 20,
        verdicts: false,
        slots: Vec::new(),
        require_proved: false,
    };
    let texts = Texts(vec![(path.to_owned(), text.to_vec())]);
    let outcome = on_a_worker(|| run(Request::of([path]), &texts, &settings, &|| {}));
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    let place = |diagnostic: &lockbalance::diagnostic::Diagnostic| {
        (outcome.sources.locate(diagnostic.primary.span).line, diagnostic.rule.id.to_owned())
    };
    outcome.diagnostics.iter().map(place).collect()
}

/// Rules by the line that they are reported on.
type Lines = BTreeSet<(u32, String)>;

/// Line and rule of each annotation: those that must be reported, and those that are known not to be.
fn annotations(text: &str) -> (Lines, Lines) {
    let (mut reported, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for (line, content) in (1u32..).zip(text.lines()) {
        let Some((_, annotation)) = content.split_once("//~") else { continue };
        let (rule, rest) = annotation.trim().split_at(5);
        let set = if rest.trim_start().starts_with("fn:") { &mut missed } else { &mut reported };
        set.insert((line, rule.to_owned()));
    }
    (reported, missed)
}

#[test]
fn exactly_the_annotated_lines_are_reported() {
    let mut wrong = Vec::new();
    for path in entries(&fixtures("hwpoison/c")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        let (reported, missed) = annotations(&text);
        let found = findings(&name, text.as_bytes());
        for (line, rule) in reported.difference(&found) {
            wrong.push(format!("{name}:{line}: {rule} is not reported"));
        }
        for (line, rule) in found.difference(&reported) {
            let news =
                if missed.contains(&(*line, rule.clone())) { "now found: drop `fn`" } else { "unexpected" };
            wrong.push(format!("{name}:{line}: {rule} {news}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
