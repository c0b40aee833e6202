//! What is believed of a function, and why: the contract that its callers are judged by, where that comes from, and a path to each
//! way out.
//!
//! ```text
//! settled tree ─▶ the function once more ─┬─ Summary ────────▶ clauses (what calls do)
//!                                         ├─ events, words ──▶ grounds (operations, annotations, callers, slots)
//!                                         └─ exits ── tour ──▶ ways out
//! ```

mod words;

use super::analysis::TreeAnalysis;
use super::judge::explored;
use super::{Progress, Request, Settings, reading};
use crate::diagnostic::{Diagnostic, Label, Verdict};
use crate::engine::Results;
use crate::interproc::evidence::{Change, Tally};
use crate::interproc::tree::FunctionId;
use crate::ir::{Body, Linkage, Name};
use crate::lock::analysis::LockAnalysis;
use crate::lock::convention;
use crate::lock::declared::Declared;
use crate::lock::event::EventKind;
use crate::lock::meaning::{Meanings, is_of_row};
use crate::lock::state::{Entry, LockKey, PathState};
use crate::lock::tour::tour;
use crate::lock::witness::StepKind;
use crate::profile::{CallEffect, Profile};
use crate::rules::context::Excerpt;
use crate::source::{FileId, SourceMap, Span, TextError, TextProvider};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is believed of the functions of one name.
#[derive(Debug)]
pub struct Why {
    /// The files.
    pub sources: SourceMap,
    /// Files that could not be read.
    pub errors: Vec<TextError>,
    /// One per definition, in the order of files and text.
    pub beliefs: Vec<Belief>,
    /// Names of all functions defined; only when none was meant.
    pub known: Vec<String>,
}

/// What is believed of one function.
#[derive(Debug)]
pub struct Belief {
    /// Its name.
    pub function: String,
    /// Name and parameter list.
    pub header: Span,
    /// Only its file can call it.
    pub internal: bool,
    /// A row of the profile says what calls do, whatever the definition does.
    pub overruled: bool,
    /// Whether it, or what it calls, reaches a lock operation at all.
    pub reaches_locks: bool,
    /// What a call does, one clause for each way of ending that callers can tell.
    pub clauses: Vec<Clause>,
    /// What a call does or wants whichever way it ends.
    pub always: Vec<String>,
    /// Words in the source that declare a contract.
    pub declared: Vec<Label>,
    /// Lock operations of the body, in the order of the text.
    pub operations: Vec<Label>,
    /// What callers and siblings say.
    pub others: Vec<String>,
    /// The ways out of the body, those that leave locks alike together.
    pub ways: Vec<Way>,
    /// What was decided, lock by lock.
    pub verdicts: Vec<Verdict>,
    /// What is reported.
    pub findings: Vec<Diagnostic>,
}

/// One way of ending, as callers see it.
#[derive(Debug, PartialEq, Eq)]
pub struct Clause {
    /// What it returns, and what was so when it was called.
    pub when: String,
    /// What happens to locks; empty: nothing.
    pub does: Vec<String>,
}

/// Ways out of the body that return one kind of value and leave the locks alike.
#[derive(Debug)]
pub struct Way {
    /// What it returns and how it leaves the locks.
    pub what: String,
    /// It contradicts a presumption about shared memory: possible, but nobody knows.
    pub presumed: bool,
    /// One path, replayed; `None` when no single path shows it.
    pub path: Option<Vec<Label>>,
}

/// Reads the tree and tells what is believed of every function for which `meant` answers: it is given path and name.
pub fn why(
    request: Request,
    provider: &dyn TextProvider,
    settings: &Settings,
    progress: Progress<'_>,
    meant: &(dyn Fn(&str, &str) -> bool + Sync),
) -> Why {
    let Request { files, closed, .. } = request;
    let sources = SourceMap::new(files);
    let mut read = reading::read(&sources, provider, settings, progress);
    let errors = std::mem::take(&mut read.errors).into_iter().map(|(_, error)| error).collect();
    let tree = &read.tree;
    let selected: Vec<FunctionId> = tree
        .functions()
        .filter(|&function| {
            let definition = tree.definition(function);
            meant(sources.path(definition.file), tree.name(definition.name))
        })
        .collect();
    if selected.is_empty() {
        let mut known: Vec<String> =
            tree.functions().map(|function| tree.name(tree.definition(function).name).to_string()).collect();
        known.sort_unstable();
        known.dedup();
        return Why { sources, errors, beliefs: Vec::new(), known };
    }
    let given: FxHashSet<FileId> = selected.iter().map(|&function| tree.definition(function).file).collect();
    let mut analysis = TreeAnalysis::new(read, &sources, provider, settings, closed);
    analysis.settle(&|file| given.contains(&file));
    analysis.read.load(&selected, &sources, provider);
    let analysis = &analysis;
    let beliefs: Vec<Belief> =
        selected.par_iter().filter_map(|&function| analysis.belief(function)).collect();
    remember(&sources, provider, &beliefs);
    Why { sources, errors, beliefs, known: Vec::new() }
}

/// Lines of all files that some label stands in.
fn remember(sources: &SourceMap, provider: &dyn TextProvider, beliefs: &[Belief]) {
    let labels = beliefs.iter().flat_map(|belief| {
        let paths = belief.ways.iter().filter_map(|way| way.path.as_ref()).flatten();
        let labels = belief.declared.iter().chain(&belief.operations).chain(paths);
        let findings = belief.findings.iter().map(|finding| finding.primary.span.file);
        labels.map(|label| label.span.file).chain(findings).chain([belief.header.file])
    });
    for file in labels.collect::<FxHashSet<FileId>>() {
        if let Ok(text) = provider.read(sources.path(file)) {
            sources.remember_lines(file, &text);
        }
    }
}

impl TreeAnalysis<'_> {
    fn belief(&self, function: FunctionId) -> Option<Belief> {
        let none = FxHashMap::default();
        self.with_body(function, &none, |body, meanings, text, declared| {
            self.of_body(function, body, meanings, text, declared)
        })
    }

    fn of_body<'b>(
        &self,
        function: FunctionId,
        body: &'b Body,
        meanings: Meanings<'b>,
        text: Excerpt<'b>,
        declared: Declared,
    ) -> Belief {
        let profile = meanings.profile;
        let (mut analysis, results) = explored(body, meanings);
        let arguments: Vec<Name> = body.parameter_ids().map(|id| body.local(id).name.clone()).collect();
        let pointers: Vec<bool> = body.parameter_ids().map(|id| body.local(id).ty.ends_with('*')).collect();
        let words =
            words::Words { profile, arguments: &arguments, pointers: &pointers, returns: body.returns };
        let judged = self.judged.get(&function);
        let mut always = needed(&analysis);
        let mut clauses = Vec::new();
        if let Some(judged) = judged {
            if judged.blamed {
                always.push(
                    "what is found below is taken to be mended, so that callers are not blamed for it"
                        .to_owned(),
                );
            }
            always.extend(words.always(&judged.summary));
            clauses = words.clauses(&judged.summary);
        }
        let ways = ways(&mut analysis, &results, &words, text);
        Belief {
            function: body.name.to_string(),
            header: body.header,
            internal: body.linkage == Linkage::Internal,
            overruled: self.is_overruled(function, profile),
            reaches_locks: judged.is_some_and(|judged| judged.summary.tells_something())
                || !analysis.keys().is_empty(),
            clauses,
            always,
            declared: declared.words.into_iter().map(|(span, text)| Label { span, text }).collect(),
            operations: operations(&analysis, profile),
            others: self.others(function, body, profile),
            ways,
            verdicts: judged.map(|judged| judged.outcome.verdicts.clone()).unwrap_or_default(),
            findings: judged.map(|judged| judged.outcome.diagnostics.clone()).unwrap_or_default(),
        }
    }

    /// Whether calls of the function's name mean a row of the profile rather than this definition.
    fn is_overruled(&self, function: FunctionId, profile: &Profile) -> bool {
        let definition = self.read.tree.definition(function);
        let name = self.read.tree.name(definition.name);
        let external = definition.linkage != Linkage::Internal;
        let summary = self.judged.get(&function).map(|judged| &judged.summary);
        let outweighed =
            |row: &Vec<CallEffect>| external || summary.is_none_or(|summary| is_of_row(summary, row));
        profile.calls.get(name).is_some_and(outweighed) || external && profile.not_locks.contains(name)
    }

    /// What callers and siblings say, and what the name does.
    fn others(&self, function: FunctionId, body: &Body, profile: &Profile) -> Vec<String> {
        let tree = &self.read.tree;
        let doubt = self.doubted.get(&function);
        let tallies = doubt.map_or_else(|| self.tallies(function).0, |doubt| doubt.tallies.clone());
        let evidence = doubt.map_or_else(|| self.evidence(function), |doubt| doubt.evidence.clone());
        let mut said = Vec::new();
        let callers = words::count(evidence.callers, "caller");
        let by_pointer = tree.may_be_pointed_to(function);
        said.push(match (by_pointer, body.linkage == Linkage::Internal || self.closed) {
            (true, _) => format!("{callers} by name; it may be called through a pointer too"),
            (false, true) => format!("{callers} in sight, and there can be no others"),
            (false, false) => format!("{callers} in sight; others may call it too"),
        });
        said.extend(tallies.iter().map(|(change, tally)| spoken(*change, *tally, profile)));
        if let Some(doubt) = doubt {
            let families: Vec<&str> =
                doubt.families.iter().map(|&id| profile.family(id).name.as_str()).collect();
            said.push(format!(
                "in doubt: no majority of callers bears out that it changes {} locks; they are judged as if it did not",
                families.join(" and ")
            ));
        }
        for slot in tree.slots_of(function) {
            let siblings = tree.implementors(slot).iter().filter(|&&other| other != function);
            let changes = |other: &&FunctionId| {
                self.judged.get(other).is_some_and(|judged| judged.summary.changes_locks())
            };
            let (all, changing) = (siblings.clone().count(), siblings.filter(changes).count());
            said.push(format!(
                "stands in slot `{}` beside {all} others, of which {changing} change locks",
                slot.0
            ));
        }
        if convention::is_about_locking(&body.name) {
            said.push("the name says that it deals in locks for its callers".to_owned());
        }
        said
    }
}

fn spoken(change: Change, tally: Tally, profile: &Profile) -> String {
    let family = &profile.family(change.family).name;
    let Tally { acting, contradicting } = tally;
    let (what, act) = match change.taken {
        true => ("takes", "give it back or hand it on"),
        false => ("releases", "hold it before"),
    };
    let verdict = if tally.bears_out() { "borne out" } else { "not borne out" };
    let act = if acting == 1 {
        act.replace("give", "gives").replace("hand", "hands").replace("hold", "holds")
    } else {
        act.to_owned()
    };
    format!("that it {what} a {family}: {acting} {act}, {contradicting} as if it did not: {verdict}")
}

/// Locks that the caller must hold although every exit leaves them as they were: asserted, or dropped and taken again.
fn needed(analysis: &LockAnalysis<'_>) -> Vec<String> {
    let entered_held = |key: &LockKey| {
        let states = analysis.exits.iter().filter_map(|exit| exit.state.locks.get(*key));
        states.clone().next().is_some()
            && states.into_iter().all(|lock| lock.entry == Entry::Held && lock.balance() == 0)
    };
    let keys = analysis.keys().into_iter().filter(entered_held);
    keys.map(|key| format!("needs `{}` held by the caller", analysis.spelled(key))).collect()
}

/// What the body does to locks, place by place.
fn operations(analysis: &LockAnalysis<'_>, profile: &Profile) -> Vec<Label> {
    let mut found: Vec<(Span, String)> = Vec::new();
    let mut note = |span: Span, text: String| {
        if !found.contains(&(span, text.clone())) {
            found.push((span, text));
        }
    };
    for event in &analysis.events {
        let (lock, family) = (analysis.spelled(event.key), &profile.family(event.key.family).name);
        let what = match &event.kind {
            EventKind::Acquired { by: None } => format!("takes `{lock}` ({family})"),
            EventKind::Acquired { by: Some(callee) } => format!("`{callee}` takes `{lock}` ({family})"),
            EventKind::AttemptFailed => format!("tries `{lock}` ({family})"),
            EventKind::Released { held: true, .. } => format!("releases `{lock}` ({family})"),
            EventKind::Released { .. } => format!("releases `{lock}` ({family}), which was not taken here"),
            EventKind::DoubleAcquire { .. } => format!("takes `{lock}` ({family}), which is held already"),
            EventKind::DoubleRelease { .. } => {
                format!("releases `{lock}` ({family}), which is released already")
            }
            EventKind::ReleaseAfterFailure => {
                format!("releases `{lock}` ({family}), although taking it failed")
            }
            EventKind::Leaked => format!("throws the guard of `{lock}` ({family}) away"),
            EventKind::WrongFlavour { .. }
            | EventKind::SavedStateReused { .. }
            | EventKind::EnabledUnder { .. }
            | EventKind::QueryAcquire
            | EventKind::ResultIgnored
            | EventKind::ReleasedUnderGuard
            | EventKind::MayUnwind
            | EventKind::Suspended
            | EventKind::DestroyedHeld
            | EventKind::ThreadEnds
            | EventKind::AssertedHeld
            | EventKind::TakenAlthoughAsserted
            | EventKind::AssertedFree
            | EventKind::CalledWithout { .. }
            | EventKind::CalledHolding { .. } => continue,
        };
        note(analysis.body().cfg.span(event.at), what);
    }
    found.sort_by_key(|(span, _)| span.start);
    found.into_iter().map(|(span, text)| Label { span, text }).collect()
}

/// The ways out, those of one kind that leave the locks alike together.
fn ways(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    words: &words::Words<'_>,
    text: Excerpt<'_>,
) -> Vec<Way> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    let mut order: Vec<usize> = (0..analysis.exits.len()).collect();
    let place = |at: usize| analysis.body().cfg.block(analysis.exits[at].block).terminator.span.start;
    order.sort_by_key(|&at| (analysis.exits[at].kind, place(at), at));
    for at in order {
        let exit = &analysis.exits[at];
        let left = exit.state.locks.iter().filter(|(_, lock)| lock.balance() != 0);
        let mut left: Vec<String> =
            left.map(|(key, lock)| words::left(analysis.spelled(key), lock.balance())).collect();
        left.sort();
        let locks = if left.is_empty() { "every lock as it was".to_owned() } else { left.join(", ") };
        let what = format!("{}: {locks}", words.exit(exit.kind));
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, exits)) => exits.push(at),
            None => groups.push((what, vec![at])),
        }
    }
    let mut ways = Vec::new();
    for (what, mut exits) in groups {
        exits.sort_by_key(|&at| analysis.exits[at].state.doubtful);
        let presumed = exits.iter().all(|&at| analysis.exits[at].state.doubtful);
        let path = exits.iter().find_map(|&at| labels(analysis, results, at, text));
        ways.push(Way { what, presumed, path });
    }
    ways
}

/// The path to exit `at` as labels.
fn labels(
    analysis: &mut LockAnalysis<'_>,
    results: &Results<PathState>,
    at: usize,
    text: Excerpt<'_>,
) -> Option<Vec<Label>> {
    let stops = tour(analysis, results, at)?;
    let cfg = &analysis.body().cfg;
    let mut labels: Vec<Label> = Vec::new();
    for (key, step) in stops {
        let span = cfg.span(step.at);
        let lock = key.map_or("", |key| analysis.spelled(key));
        let text = match step.kind {
            StepKind::Acquired => format!("`{lock}` acquired"),
            StepKind::Released => format!("`{lock}` released"),
            StepKind::Failed => format!("`{lock}` not acquired"),
            StepKind::Presumed => format!("`{lock}` held by the caller"),
            StepKind::Branch { taken } => match text.quote(span) {
                Some(condition) => format!("`{condition}` is {taken}"),
                None => continue,
            },
            StepKind::Into(_) => continue,
        };
        let label = Label { span, text };
        if labels.last() != Some(&label) {
            labels.push(label);
        }
    }
    let end = cfg.block(analysis.exits[at].block).terminator.span;
    let returned = text.quote(end).filter(|text| text.starts_with("return"));
    let returned = returned.map_or("returns".to_owned(), |text| format!("`{}`", text.trim_end_matches(';')));
    labels.push(Label { span: end, text: returned });
    Some(labels)
}
