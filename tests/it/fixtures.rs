//! The rule fixtures: C and Rust files in which annotations say what must be reported, and what is wrong today and why.
//!
//! ```text
//! //~ rule               must be reported on this line
//! //~ rule fp: reason    is reported, wrongly; tolerated until it is mended
//! //~ rule fn: reason    ought to be reported and is not; the test fails the day that it is
//! //@ confidence: low    the whole file is checked with this confidence
//! ```
//!
//! Everything else must be silent. A line may carry several annotations.

use super::support::{check, files, folders, none, read, root, shown};
use lockbalance::diagnostic::Confidence;
use lockbalance::rules;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Expected,
    FalseAlarm,
    Missed,
}

/// Annotations by line and rule id; `None` when a line is not understood.
fn annotations(text: &str) -> Result<BTreeMap<(u32, &'static str), Kind>, String> {
    let mut found = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        for annotation in line.split("//~").skip(1) {
            let (id, kind) =
                annotation_of(annotation.trim()).map_err(|why| format!("line {number}: {why}"))?;
            if found.insert((number, id), kind).is_some() {
                return Err(format!("line {number}: {id} is annotated twice"));
            }
        }
    }
    Ok(found)
}

fn annotation_of(text: &str) -> Result<(&'static str, Kind), String> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rule = rules::find(name).ok_or_else(|| format!("no rule is called `{name}`"))?;
    let kind = match rest.trim().split_once(':') {
        None if rest.trim().is_empty() => Kind::Expected,
        Some(("fp", why)) if !why.trim().is_empty() => Kind::FalseAlarm,
        Some(("fn", why)) if !why.trim().is_empty() => Kind::Missed,
        _ => return Err(format!("`{rest}` is neither `fp: reason` nor `fn: reason`")),
    };
    Ok((rule.id, kind))
}

fn confidence(text: &str) -> Confidence {
    match text.lines().next().and_then(|line| line.strip_prefix("//@ confidence: ")) {
        None => Confidence::Medium,
        Some("low") => Confidence::Low,
        Some("high") => Confidence::High,
        Some(other) => panic!("unknown confidence `{other}`"),
    }
}

fn faults(path: &Path) -> Vec<String> {
    let text = read(path);
    let name = shown(path);
    let annotated = match annotations(&text) {
        Ok(annotated) => annotated,
        Err(why) => return vec![format!("{name}: {why}")],
    };
    let outcome = check(&name, &text, confidence(&text));
    let mut faults = Vec::new();
    let mut reported = BTreeMap::new();
    for diagnostic in &outcome.diagnostics {
        let line = outcome.sources.locate(diagnostic.primary.span).line;
        let place = (line, diagnostic.rule.id);
        reported.insert(place, ());
        match annotated.get(&place) {
            Some(Kind::Expected | Kind::FalseAlarm) => {}
            Some(Kind::Missed) => faults.push(format!("{name}:{line}: {} is found now: drop `fn`", place.1)),
            None => faults.push(format!("{name}:{line}: not expected: {} {}", place.1, diagnostic.message)),
        }
    }
    for (place @ (line, id), kind) in &annotated {
        match kind {
            Kind::Missed => {}
            _ if reported.contains_key(place) => {}
            Kind::Expected => faults.push(format!("{name}:{line}: {id} is not reported")),
            Kind::FalseAlarm => faults.push(format!("{name}:{line}: {id} is silent now: drop `fp`")),
        }
    }
    faults
}

/// The files of all languages.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut all = files(folder, "c");
    all.extend(files(folder, "rs"));
    all
}

#[test]
fn annotations_hold() {
    let all = sources(&root().join("fixtures/rules"));
    assert!(!all.is_empty());
    none(all.iter().flat_map(|path| faults(path)).collect());
}

#[test]
fn every_folder_is_a_rule_with_a_true_case_and_a_silent_file() {
    for folder in folders(&root().join("fixtures/rules")) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rule = rules::find(&name).unwrap_or_else(|| panic!("no rule is called `{name}`"));
        let texts: Vec<String> = sources(&folder).iter().map(|path| read(path)).collect();
        let is_true = |text: &String| {
            let annotated = annotations(text).unwrap_or_default();
            annotated.iter().any(|((_, id), kind)| *id == rule.id && *kind == Kind::Expected)
        };
        assert!(texts.iter().any(is_true), "{name}: nothing is reported under its own rule");
        assert!(texts.iter().any(|text| !text.contains("//~")), "{name}: no file must be silent");
    }
}
