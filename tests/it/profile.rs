//! Lock profiles: the hand-written examples, every row of every built-in family, names, loader errors, the user's own families.

#[path = "profile/examples.rs"]
mod examples;
#[path = "profile/generate.rs"]
mod generate;
#[path = "profile/loader.rs"]
mod loader;
#[path = "profile/names.rs"]
mod names;
#[path = "profile/rows.rs"]
mod rows;
#[path = "profile/user.rs"]
mod user;

use lockbalance::diagnostic::{Confidence, Decision, Diagnostic};
use lockbalance::driver::{self, Outcome, Profiles, Request, Settings};
use lockbalance::profile::{Profile, load};
use lockbalance::source::{TextError, TextProvider};
use std::sync::Arc;

/// The text of a built-in profile, with what all C shares.
const TEXTS: [(&str, &str); 5] = [
    ("rust", include_str!("../../src/profile/families/rust.toml")),
    ("c", include_str!("../../src/profile/families/c.toml")),
    ("linux", include_str!("../../src/profile/families/linux.toml")),
    ("pthread", include_str!("../../src/profile/families/pthread.toml")),
    ("c11", include_str!("../../src/profile/families/c11.toml")),
];

/// The built-in profiles.
fn builtin() -> impl Iterator<Item = (&'static str, &'static Profile)> {
    load::BUILTIN.into_iter().filter_map(|name| Some((name, load::builtin(name)?)))
}

struct OneText(String);

impl TextProvider for OneText {
    fn read(&self, _: &str) -> Result<Vec<u8>, TextError> {
        Ok(self.0.clone().into_bytes())
    }
}

/// The built-in profiles whose rows are calls of C functions.
fn builtin_of_c() -> impl Iterator<Item = (&'static str, &'static Profile)> {
    builtin().filter(|(name, _)| *name != "rust")
}

/// Analyses one C text with one profile; findings of every confidence.
fn check(text: &str, profile: &Arc<Profile>) -> Outcome {
    check_as("test.c", text, profile)
}

/// Analyses a text as the file `name`.
fn check_as(name: &str, text: &str, profile: &Arc<Profile>) -> Outcome {
    let settings = Settings {
        severities: Default::default(),
        confidence: Confidence::Low,
        profiles: Profiles { choices: Vec::new(), fallback: profile.clone() },
        max_file_size: usize::MAX,
        verdicts: true,
        slots: Vec::new(),
        require_proved: false,
    };
    driver::run(Request::of([name]), &OneText(text.to_owned()), &settings, &|| ())
}

/// The findings about `function`, "not decided" left out.
fn findings<'o>(outcome: &'o Outcome, function: &str) -> Vec<&'o Diagnostic> {
    let of = |diagnostic: &&Diagnostic| diagnostic.function == function && diagnostic.rule.id != "LB090";
    outcome.diagnostics.iter().filter(of).collect()
}

/// Why `function` is not silently balanced, if it is not.
fn not_balanced(outcome: &Outcome, function: &str) -> Option<String> {
    if let Some(finding) = findings(outcome, function).first() {
        return Some(format!("{}: {}", finding.rule.id, finding.message));
    }
    let undecided = outcome.verdicts.iter().filter(|verdict| verdict.function == function);
    undecided.into_iter().find_map(|verdict| match &verdict.decision {
        Decision::NotDecided { reason } => Some(format!("`{}` not decided: {reason}", verdict.lock)),
        Decision::Balanced { .. } | Decision::Finding { .. } => None,
    })
}
