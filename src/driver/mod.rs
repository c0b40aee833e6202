//! Wires the street: sources, index, bodies, summaries, rules, verdicts.

pub mod file;

use crate::diagnostic::{Confidence, Decision, Diagnostic, Label, Ledger, Severity, Verdict};
use crate::driver::file::{FileAnalysis, FunctionOutcome};
use crate::engine::{DisjunctLimit, explore};
use crate::frontend;
use crate::frontend::c::environment::FileEnvironment;
use crate::ir::Body;
use crate::ir::file_index::{FileIndex, FunctionDefinition};
use crate::lock::analysis::LockAnalysis;
use crate::lock::meaning::Meanings;
use crate::profile::Profile;
use crate::rules::not_decided;
use crate::source::{FileId, SourceMap, TextError, TextProvider};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// What a run means (as opposed to what was typed).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Severity by rule id, where it differs from the rule's own.
    pub severities: FxHashMap<&'static str, Severity>,
    /// Findings below are counted and hidden.
    pub confidence: Confidence,
    /// The profiles for C files, all joined; chosen per file by `profile_for`.
    pub profiles: Profiles,
    /// Largest file that is read closely, in bytes.
    pub max_file_size: usize,
    /// Whether verdicts are wanted (they cost memory).
    pub verdicts: bool,
}

/// The profiles of a run and how a file chooses among them.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// Choices in order: the first whose marker fits the file's text or path is taken.
    pub choices: Vec<(ProfileMarker, Arc<Profile>)>,
    /// Taken when no marker fits.
    pub fallback: Arc<Profile>,
}

/// When a profile applies to a file.
#[derive(Clone, Debug)]
pub enum ProfileMarker {
    /// The configuration named it.
    Always,
    /// An `#include` operand starts with one of these (`<linux/`).
    Include(Vec<String>),
}

/// Everything a run found.
#[derive(Debug)]
pub struct Outcome {
    /// The files.
    pub sources: SourceMap,
    /// Findings to show, sorted by file, place and rule.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that could not be read.
    pub errors: Vec<TextError>,
    /// One per function and lock, when asked for.
    pub verdicts: Vec<Verdict>,
    /// The counts.
    pub ledger: Ledger,
}

/// Analyses `paths` (as shown; already expanded, sorted and without duplicates) and judges every function with locks.
///
/// Pure but for `provider`: the same input gives the same bytes, whatever the number of threads. `progress` is called once a
/// file, from any thread.
pub fn run(
    paths: Vec<String>,
    provider: &dyn TextProvider,
    settings: &Settings,
    progress: &(dyn Fn() + Sync),
) -> Outcome {
    let sources = SourceMap::new(paths);
    let files: Vec<FileId> = sources.files().collect();
    let results: Vec<FileResult> = files
        .par_iter()
        .map(|&file| {
            let result = run_file(file, &sources, provider, settings);
            progress();
            result
        })
        .collect();
    collect(sources, results, settings)
}

#[derive(Default)]
struct FileResult {
    error: Option<TextError>,
    functions: usize,
    outcomes: Vec<FunctionOutcome>,
}

fn run_file(
    file: FileId,
    sources: &SourceMap,
    provider: &dyn TextProvider,
    settings: &Settings,
) -> FileResult {
    let path = sources.path(file);
    let failed = |reason: &str| FileResult {
        error: Some(TextError { path: path.to_owned(), reason: reason.to_owned() }),
        ..FileResult::default()
    };
    let text = match provider.read(path) {
        Ok(text) => text,
        Err(error) => return FileResult { error: Some(error), ..FileResult::default() },
    };
    if text.len() > settings.max_file_size {
        return failed("larger than the size limit");
    }
    let Some(frontend) = frontend::for_path(path).or_else(|| frontend::FRONTENDS.first()) else {
        return failed("no frontend for this kind of file");
    };
    let index = (frontend.index)(file, &text);
    let profile = settings.profiles.choose(&index);
    let environment = FileEnvironment::new(&index, &profile.block_macros, &profile.attributes);
    let lower = |function: &FunctionDefinition| (frontend.lower)(file, &text, function, &environment);
    let analysis =
        FileAnalysis { index: &index, text: &text, profile, lower: &lower, certify: settings.verdicts };
    let outcomes = analysis.run();
    if outcomes.iter().any(|outcome| !outcome.diagnostics.is_empty())
        || settings.verdicts
        || wants_notes(settings)
    {
        sources.remember_lines(file, &text);
    }
    FileResult { error: None, functions: index.functions.len(), outcomes }
}

fn wants_notes(settings: &Settings) -> bool {
    settings.confidence == Confidence::Low
}

impl Profiles {
    /// The profile for a file, by what it includes.
    fn choose(&self, index: &FileIndex) -> &Profile {
        let fits = |marker: &ProfileMarker| match marker {
            ProfileMarker::Always => true,
            ProfileMarker::Include(starts) => index.includes.iter().any(|include| {
                let operand = include.trim_start_matches(['<', '"']);
                starts.iter().any(|start| operand.starts_with(start.as_str()))
            }),
        };
        self.choices.iter().find(|(marker, _)| fits(marker)).map_or(&self.fallback, |(_, profile)| profile)
    }
}

fn collect(sources: SourceMap, results: Vec<FileResult>, settings: &Settings) -> Outcome {
    let mut outcome = Outcome {
        sources,
        diagnostics: Vec::new(),
        errors: Vec::new(),
        verdicts: Vec::new(),
        ledger: Ledger::default(),
    };
    let mut reasons: FxHashMap<String, usize> = FxHashMap::default();
    let mut causes: FxHashMap<String, usize> = FxHashMap::default();
    for result in results {
        outcome.ledger.files += 1;
        outcome.ledger.functions += result.functions;
        if let Some(error) = result.error {
            outcome.ledger.unreadable += 1;
            outcome.errors.push(error);
        }
        for function in result.outcomes {
            count(&mut outcome.ledger, &function, &mut reasons, &mut causes);
            if wants_notes(settings) {
                outcome.diagnostics.extend(notes(&function));
            }
            outcome.diagnostics.extend(function.diagnostics);
            if settings.verdicts {
                outcome.verdicts.extend(function.verdicts);
            }
        }
    }
    outcome.ledger.reasons = most_frequent(reasons);
    outcome.ledger.opaque_causes = most_frequent(causes);
    for diagnostic in &mut outcome.diagnostics {
        if let Some(&severity) = settings.severities.get(diagnostic.rule.id) {
            diagnostic.severity = severity;
        }
    }
    outcome.diagnostics.retain(|diagnostic| diagnostic.severity != Severity::Off);
    outcome.diagnostics.sort_by(|a, b| {
        let key = |d: &Diagnostic| (d.primary.span.file, d.primary.span.start, d.rule.id, d.primary.span.end);
        let surer = || b.confidence.cmp(&a.confidence);
        key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)).then_with(surer)
    });
    outcome.diagnostics.dedup_by(|a, b| {
        a.primary.span == b.primary.span && a.rule.id == b.rule.id && a.message == b.message
    });
    let all = outcome.diagnostics.len();
    outcome.diagnostics.retain(|diagnostic| diagnostic.confidence >= settings.confidence);
    outcome.ledger.below_confidence = all - outcome.diagnostics.len();
    outcome.ledger.shown = outcome.diagnostics.len();
    outcome
}

fn count(
    ledger: &mut Ledger,
    function: &FunctionOutcome,
    reasons: &mut FxHashMap<String, usize>,
    causes: &mut FxHashMap<String, usize>,
) {
    ledger.with_locks += 1;
    let reason = function.verdicts.iter().find_map(|verdict| match &verdict.decision {
        Decision::NotDecided { reason } => Some(reason),
        _ => None,
    });
    let finding =
        function.verdicts.iter().any(|verdict| matches!(verdict.decision, Decision::Finding { .. }));
    match (finding, reason) {
        (true, _) => ledger.with_findings += 1,
        (false, Some(reason)) => {
            ledger.not_decided += 1;
            *reasons.entry(reason.clone()).or_default() += 1;
        }
        (false, None) => ledger.balanced += 1,
    }
    if let Some(cause) = function.opaque_between {
        ledger.opaque_between += 1;
        *causes.entry(cause.to_owned()).or_default() += 1;
    }
}

/// LB090: what was not decided.
fn notes(function: &FunctionOutcome) -> Vec<Diagnostic> {
    let undecided = function.verdicts.iter().filter_map(|verdict| match &verdict.decision {
        Decision::NotDecided { reason } => Some((verdict, reason)),
        _ => None,
    });
    undecided
        .map(|(verdict, reason)| Diagnostic {
            rule: &not_decided::META,
            severity: not_decided::META.severity,
            confidence: Confidence::Low,
            message: format!("`{}` in `{}` is not decided: {reason}", verdict.lock, verdict.function),
            primary: Label { span: verdict.span, text: "not decided".to_owned() },
            function: verdict.function.clone(),
            lock: verdict.lock.clone(),
            exit: "",
            steps: Vec::new(),
            help: Vec::new(),
        })
        .collect()
}

fn most_frequent(counts: FxHashMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// Lowers and analyses the function that `select` picks, for pictures: its body and, for each block, the locks held on entry as
/// text, one set per disjunct.
pub fn picture(
    text: &[u8],
    select: &dyn Fn(&FunctionDefinition) -> bool,
    settings: &Settings,
) -> Option<(Body, Vec<Vec<String>>)> {
    let file = FileId(0);
    let frontend = frontend::FRONTENDS.first()?;
    let index = (frontend.index)(file, text);
    let definition = index.functions.iter().find(|function| select(function))?;
    let profile = settings.profiles.choose(&index);
    let environment = FileEnvironment::new(&index, &profile.block_macros, &profile.attributes);
    let body = (frontend.lower)(file, text, definition, &environment);
    let none = |_: &str| None;
    let mut analysis = LockAnalysis::new(&body, Meanings { profile, summaries: &none }, false);
    let results = explore(&body.cfg, &mut analysis, DisjunctLimit::default());
    let held = body
        .cfg
        .blocks()
        .map(|block| {
            let mut sets: Vec<String> = results
                .live(block)
                .map(|node| {
                    let held = node.state.locks.iter().filter(|(_, lock)| lock.is_held());
                    let names: Vec<&str> = held.map(|(key, _)| analysis.spelled(key)).collect();
                    format!("{{{}}}", names.join(", "))
                })
                .collect();
            sets.sort();
            sets.dedup();
            sets
        })
        .collect();
    Some((body, held))
}
