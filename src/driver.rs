//! Wires the street: sources, index, bodies, summaries, rules, verdicts.

use crate::diagnostic::{Confidence, Diagnostic, Ledger, Severity, Verdict};
use crate::profile::Profile;
use crate::source::{SourceMap, TextError};
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
    provider: &dyn crate::source::TextProvider,
    settings: &Settings,
    progress: &(dyn Fn() + Sync),
) -> Outcome {
    let _ = (provider, settings, progress);
    Outcome {
        sources: SourceMap::new(paths),
        diagnostics: Vec::new(),
        errors: Vec::new(),
        verdicts: Vec::new(),
        ledger: Ledger::default(),
    }
}

/// Lowers the function `name` (or the one that contains byte `offset`) of one file, for `cfg`: its body and, for each block,
/// the held set on entry as text.
pub fn picture(
    path: &str,
    text: &[u8],
    select: &dyn Fn(&crate::ir::file_index::FunctionDefinition) -> bool,
    settings: &Settings,
) -> Option<(crate::ir::Body, Vec<String>)> {
    let _ = (path, text, select, settings);
    None
}
