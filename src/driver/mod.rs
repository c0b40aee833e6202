//! Wires the street: sources, index, bodies, summaries, rules, verdicts.

pub mod analysis;
mod bodies;
pub mod environment;
mod evidence;
pub mod judge;
pub mod reading;
pub mod slots;
pub mod why;

use crate::diagnostic::{Confidence, Decision, Diagnostic, Label, Ledger, Severity, Verdict};
use crate::engine::{DisjunctLimit, explore};
use crate::interproc::declarations::SharedDeclarations;
use crate::interproc::tree::Slot;
use crate::ir::file_index::FunctionDefinition;
use crate::ir::{Body, CONTRACT_COMMENT, Name};
use crate::lock::analysis::LockAnalysis;
use crate::lock::meaning::Meanings;
use crate::profile::Profile;
use crate::rules::not_decided;
use crate::source::{FileId, SourceMap, TextError, TextProvider};
use analysis::TreeAnalysis;
use judge::FunctionOutcome;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
pub use slots::SlotContract;
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
    /// What is declared of slots.
    pub slots: Vec<SlotContract>,
    /// Whatever is under a declared contract must be proved: what is not is reported.
    pub require_proved: bool,
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
    /// Slots that the settings declare and into which nothing is put.
    pub idle_slots: Vec<Name>,
}

/// Called once a file that was read, from any thread.
pub type Progress<'p> = &'p (dyn Fn() + Sync);

/// What is to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Paths of the whole tree, as shown; sorted, each once.
    pub files: Vec<String>,
    /// Those among them whose functions are judged; the others only say what their functions do. Empty: all.
    pub given: FxHashSet<String>,
    /// The tree is the whole of a project: nobody outside calls its functions.
    pub closed: bool,
}

impl Request {
    /// These files, which know of each other and of nothing else.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let files = paths.into_iter().map(str::to_owned).collect();
        Request { files, ..Request::default() }
    }
}

/// Reads the tree and judges every function with locks in the files given.
///
/// Pure but for `provider`: the same input gives the same bytes, whatever the number of threads.
pub fn run(
    request: Request,
    provider: &dyn TextProvider,
    settings: &Settings,
    progress: Progress<'_>,
) -> Outcome {
    let Request { files, given, closed } = request;
    let sources = SourceMap::new(files);
    let is_given: Vec<bool> =
        sources.files().map(|file| given.is_empty() || given.contains(sources.path(file))).collect();
    let given = |file: FileId| is_given[file.0 as usize];
    let read = reading::read(&sources, provider, settings, progress);
    let analysis = TreeAnalysis::new(read, &sources, provider, settings, closed);
    let (read, faults, outcomes) = analysis.run(&given);
    let mut ledger = Ledger { files: is_given.iter().filter(|given| **given).count(), ..Ledger::default() };
    let tree = &read.tree;
    ledger.functions = tree.functions().filter(|function| given(tree.definition(*function).file)).count();
    let errors: Vec<TextError> =
        read.errors.into_iter().filter(|(file, _)| given(*file)).map(|(_, error)| error).collect();
    ledger.unreadable = errors.len();
    let spoken_of: FxHashSet<FileId> = outcomes
        .iter()
        .filter(|(_, outcome)| {
            settings.verdicts
                || wants_notes(settings)
                || settings.require_proved && outcome.proved.is_some()
                || !outcome.diagnostics.is_empty()
        })
        .map(|(function, _)| tree.definition(*function).file)
        .chain(faults.iter().map(|fault| fault.primary.span.file))
        .collect();
    let spoken_of: Vec<FileId> = spoken_of.into_iter().collect();
    spoken_of.par_iter().for_each(|&file| {
        if let Ok(text) = provider.read(sources.path(file)) {
            sources.remember_lines(file, &text);
        }
    });
    let is_idle = |slot: &&SlotContract| tree.implementors(&Slot(slot.member.clone())).is_empty();
    let idle_slots = settings.slots.iter().filter(is_idle).map(|slot| slot.member.clone()).collect();
    let functions = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let faults = faults.into_iter().filter(|fault| given(fault.primary.span.file)).collect();
    Outcome { idle_slots, ..collect(sources, functions, faults, errors, ledger, settings) }
}

fn wants_notes(settings: &Settings) -> bool {
    settings.confidence == Confidence::Low
}

impl Profiles {
    /// Which profile a file with these `#include` operands is read with, if they tell.
    pub fn choose(&self, includes: &[Name]) -> Option<u8> {
        let fits = |marker: &ProfileMarker| match marker {
            ProfileMarker::Always => true,
            ProfileMarker::Include(starts) => includes.iter().any(|include| {
                let operand = include.trim_start_matches(['<', '"']);
                starts.iter().any(|start| operand.starts_with(start.as_str()))
            }),
        };
        self.choices.iter().position(|(marker, _)| fits(marker)).map(|at| at as u8)
    }

    /// The profile of a dialect.
    pub fn get(&self, dialect: u8) -> &Profile {
        self.choices.get(usize::from(dialect)).map_or(&self.fallback, |(_, profile)| profile)
    }

    /// The dialect of files that nothing is known of: all profiles at once.
    pub fn fallback_dialect(&self) -> u8 {
        self.choices.len() as u8
    }

    /// Whether some profile says what a call of `name` does to locks; `.name`: a method, whatever it is called on.
    pub fn is_hot(&self, name: &str) -> bool {
        self.fallback.calls.contains_key(name) || self.fallback.methods.contains(name)
    }

    /// Whether an annotation word declares something about locks.
    pub fn is_contract(&self, word: &str) -> bool {
        word == CONTRACT_COMMENT || self.fallback.contract_words.contains_key(word)
    }

    /// Whether some profile says what `name` means, so that its definition is not asked.
    pub fn is_known(&self, name: &str) -> bool {
        self.fallback.knows(name)
    }

    /// Whether a macro of this name only publishes the function that it is given.
    pub fn is_export(&self, name: &str) -> bool {
        self.fallback.exports.iter().any(|word| name.contains(word.as_str()))
    }
}

fn collect(
    sources: SourceMap,
    functions: Vec<FunctionOutcome>,
    diagnostics: Vec<Diagnostic>,
    errors: Vec<TextError>,
    ledger: Ledger,
    settings: &Settings,
) -> Outcome {
    let verdicts = Vec::new();
    let mut outcome = Outcome { sources, diagnostics, errors, verdicts, ledger, idle_slots: Vec::new() };
    let mut reasons: FxHashMap<String, usize> = FxHashMap::default();
    let mut causes: FxHashMap<String, usize> = FxHashMap::default();
    for function in functions {
        count(&mut outcome.ledger, &function, &mut reasons, &mut causes);
        if wants_notes(settings) {
            outcome.diagnostics.extend(notes(&function));
        }
        if settings.require_proved && function.proved == Some(false) {
            outcome.diagnostics.extend(not_proved(&function, settings));
        }
        outcome.diagnostics.extend(function.diagnostics);
        if settings.verdicts {
            outcome.verdicts.extend(function.verdicts);
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
    if function.verdicts.is_empty() {
        // Only what it declares could not be read.
        return;
    }
    ledger.with_locks += 1;
    ledger.under_contract += usize::from(function.proved.is_some());
    ledger.proved += usize::from(function.proved == Some(true));
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
    let told = undecided.map(|(verdict, reason)| {
        let message = format!("`{}` in `{}` is not decided: {reason}", verdict.lock, verdict.function);
        of_verdict(verdict, "not decided", message)
    });
    told.collect()
}

/// LB090, for a verdict.
fn of_verdict(verdict: &Verdict, label: &str, message: String) -> Diagnostic {
    Diagnostic {
        rule: &not_decided::META,
        severity: not_decided::META.severity,
        confidence: Confidence::Low,
        message,
        primary: Label { span: verdict.span, text: label.to_owned() },
        function: verdict.function.clone(),
        lock: verdict.lock.clone(),
        exit: "",
        steps: Vec::new(),
        help: Vec::new(),
    }
}

/// LB090, for `--require-proved`: what a contract is declared of and is not proved, unless a finding that is shown says so already.
fn not_proved(function: &FunctionOutcome, settings: &Settings) -> Vec<Diagnostic> {
    let unproved = function.verdicts.iter().filter_map(|verdict| match &verdict.decision {
        Decision::NotDecided { reason } => Some((verdict, reason.clone())),
        Decision::Finding { rule, confidence } if *confidence < settings.confidence => {
            Some((verdict, format!("{rule} of confidence {} stands against it", confidence.as_str())))
        }
        _ => None,
    });
    let of_contract = unproved.filter(|(verdict, _)| function.owed.contains(&verdict.lock));
    let told = of_contract.map(|(verdict, reason)| {
        let message =
            format!("the contract of `{}` is not proved for `{}`: {reason}", verdict.function, verdict.lock);
        Diagnostic {
            severity: Severity::Error,
            confidence: Confidence::High,
            ..of_verdict(verdict, "not proved", message)
        }
    });
    told.collect()
}

fn most_frequent(counts: FxHashMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

/// Lowers and analyses the function that `select` picks, for pictures: its body and, for each block, the locks held on entry as
/// text, one set per disjunct.
pub fn picture(
    path: &str,
    text: &[u8],
    select: &dyn Fn(&FunctionDefinition) -> bool,
    settings: &Settings,
) -> Option<(Body, Vec<Vec<String>>)> {
    let file = FileId(0);
    let frontend = reading::frontend_of(path)?;
    let index = (frontend.index)(file, text);
    let definition = index.functions.iter().find(|function| select(function))?;
    let fallback = settings.profiles.fallback_dialect();
    let profile = settings.profiles.get(settings.profiles.choose(&index.includes).unwrap_or(fallback));
    let declarations = SharedDeclarations::default();
    let shared =
        environment::Shared { macros: &|name| profile.macros.get(name), declarations: &declarations, path };
    let slice = definition.span.of(text);
    let body = environment::with(frontend, &index, &shared, profile, |environment| {
        (frontend.lower)(file, slice, definition, environment)
    });
    let none = |_: &str| None;
    let mut analysis = LockAnalysis::new(&body, Meanings::plain(profile, &none), false);
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
