//! `locks why`: what is believed of a function, and why.

use super::args::{CheckArgs, WhyArgs};
use super::config::configure;
use super::fail::Failure;
use super::files::{self, Disk};
use super::show::{described, path, print};
use super::{run, terminal};
use crate::diagnostic::{Decision, Label};
use crate::driver::why::{self, Belief, Why};
use crate::driver::{Profiles, Request};
use crate::profile::load::nearest;
use crate::profile::{CallEffect, Profile};
use crate::source::SourceMap;
use rustc_hash::FxHashSet;
use std::fmt::Write;

/// Runs `locks why`; answers the exit code.
pub fn why(args: &WhyArgs) -> Result<u8, Failure> {
    let target = Target::of(&args.function);
    let mut paths = args.paths.clone();
    if let (true, Some(file)) = (paths.is_empty() && args.root.is_none(), target.file)
        && std::path::Path::new(file).is_file()
    {
        paths.push(file.into());
    }
    if let (true, Some(root)) = (paths.is_empty(), &args.root) {
        paths.push(root.clone());
    }
    let check = CheckArgs {
        paths,
        root: args.root.clone(),
        exclude: args.exclude.clone(),
        jobs: args.jobs,
        config: args.config.clone(),
        isolated: args.isolated,
        ..CheckArgs::default()
    };
    let configured = configure(&check)?;
    let (request, _, _) = files::request(&check, &configured.exclude)?;
    let request = Request { given: FxHashSet::default(), ..request };
    let disk = Disk { overlay: None, max_file_size: configured.settings.max_file_size };
    let progress = terminal::progress_bar(&check, request.files.len());
    let tick = || progress.inc(1);
    let settings = &configured.settings;
    let meant = |path: &str, name: &str| target.means(path, name);
    let why = run::pool(&check)?.install(|| why::why(request, &disk, settings, &tick, &meant));
    progress.finish_and_clear();
    for error in &why.errors {
        eprintln!("warning: {error}");
    }
    let rows = rows(&settings.profiles, target.name);
    if why.beliefs.is_empty() && rows.is_empty() {
        return Err(unknown(&target, &why, &settings.profiles));
    }
    let mut text = rows;
    for belief in &why.beliefs {
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = one(&mut text, belief, &why.sources);
    }
    print(&text);
    Ok(0)
}

/// FUNCTION, or FILE::FUNCTION.
struct Target<'t> {
    file: Option<&'t str>,
    name: &'t str,
}

impl<'t> Target<'t> {
    /// A name of Rust may have `::` in it; what stands before the first is a file when it has an extension.
    fn of(text: &'t str) -> Self {
        let split = text.split_once("::").filter(|(file, _)| file.contains(['.', '/']));
        match split {
            Some((file, name)) => Target { file: Some(file.strip_prefix("./").unwrap_or(file)), name },
            None => Target { file: None, name: text },
        }
    }

    /// The whole name, or the last word of one with a path; in the file, or in one whose path ends so.
    fn means(&self, path: &str, name: &str) -> bool {
        let named = name == self.name
            || name.strip_suffix(self.name).is_some_and(|rest| rest.ends_with("::") && !self.name.is_empty());
        let placed = self.file.is_none_or(|file| {
            path == file || path.strip_suffix(file).is_some_and(|rest| rest.ends_with('/'))
        });
        named && placed
    }
}

fn unknown(target: &Target<'_>, why: &Why, profiles: &Profiles) -> Failure {
    let whole = match target.file {
        Some(file) => format!("{file} defines no function `{}`", target.name),
        None => format!("no function `{}` is defined in what was read, and no profile knows it", target.name),
    };
    let failure = Failure::usage(whole);
    let calls = profiles.fallback.calls.keys().map(|name| name.as_str());
    let mut known: Vec<&str> = why.known.iter().map(String::as_str).chain(calls).collect();
    known.sort_unstable();
    if known.binary_search(&target.name).is_ok() {
        return failure.with_help(format!("`{}` is defined elsewhere: leave the file out", target.name));
    }
    match nearest(target.name, known.into_iter()) {
        Some(name) => failure.with_help(format!("did you mean `{name}`?")),
        None => failure.with_help("paths and --root DIR say what is read"),
    }
}

/// The rows of the profiles for a call of this name, each once.
fn rows(profiles: &Profiles, name: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let all = profiles.choices.iter().map(|(_, profile)| &**profile).chain([&*profiles.fallback]);
    for profile in all {
        for line in rows_of(profile, name) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines.concat()
}

fn rows_of(profile: &Profile, name: &str) -> Vec<String> {
    let effects = profile.effects(name);
    let Some(place) = profile.rows.get(name) else { return Vec::new() };
    let line = |effect: &CallEffect| {
        let lock = path(&effect.lock);
        let what = described(profile, effect);
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}:{}: {name}({lock}): {what}\n", place.file, place.line)
    };
    effects.iter().map(line).collect()
}

fn one(out: &mut String, belief: &Belief, sources: &SourceMap) -> std::fmt::Result {
    let at = sources.locate(belief.header);
    let linkage = if belief.internal { " (only this file calls it)" } else { "" };
    writeln!(out, "{}:{}: {}{linkage}", sources.path(belief.header.file), at.line, belief.function)?;
    if belief.overruled {
        writeln!(out, "  calls go by the profile's row, not by this definition")?;
    }
    if !belief.reaches_locks {
        return writeln!(out, "  does nothing to locks, as far as it is understood");
    }
    contract(out, belief)?;
    grounds(out, belief, sources)?;
    ways(out, belief, sources)?;
    decided(out, belief, sources)
}

/// What callers are judged by.
fn contract(out: &mut String, belief: &Belief) -> std::fmt::Result {
    writeln!(out, "  what a call does")?;
    for line in &belief.always {
        writeln!(out, "    {line}")?;
    }
    for clause in &belief.clauses {
        writeln!(out, "    {}", clause.when)?;
        for line in &clause.does {
            writeln!(out, "      {line}")?;
        }
        if clause.does.is_empty() {
            writeln!(out, "      leaves every lock as it was")?;
        }
    }
    Ok(())
}

fn grounds(out: &mut String, belief: &Belief, sources: &SourceMap) -> std::fmt::Result {
    writeln!(out, "  where this comes from")?;
    for label in &belief.declared {
        writeln!(out, "    declared at {}: {}", place(label, sources), label.text)?;
    }
    if belief.declared.is_empty() {
        writeln!(out, "    nothing is declared")?;
    }
    for label in &belief.operations {
        writeln!(out, "    line {}: {}", sources.locate(label.span).line, label.text)?;
    }
    for line in &belief.others {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

fn ways(out: &mut String, belief: &Belief, sources: &SourceMap) -> std::fmt::Result {
    writeln!(out, "  ways out of the body")?;
    if belief.ways.is_empty() {
        writeln!(out, "    none")?;
    }
    for way in &belief.ways {
        let presumed = if way.presumed { " (against a presumption about shared memory)" } else { "" };
        writeln!(out, "    {}{presumed}", way.what)?;
        match &way.path {
            Some(steps) => {
                for (nth, step) in steps.iter().enumerate() {
                    writeln!(out, "      {}. {}: {}", nth + 1, place(step, sources), step.text)?;
                }
            }
            None => writeln!(out, "      no single path shows it: an effect of joining paths")?,
        }
    }
    Ok(())
}

fn decided(out: &mut String, belief: &Belief, sources: &SourceMap) -> std::fmt::Result {
    writeln!(out, "  what is decided")?;
    if belief.verdicts.is_empty() && belief.findings.is_empty() {
        writeln!(out, "    nothing: no lock is taken or released here")?;
    }
    for verdict in &belief.verdicts {
        let text = match &verdict.decision {
            Decision::Balanced { .. } => "balanced".to_owned(),
            Decision::Finding { rule, confidence } => {
                format!("finding {rule}, confidence {}", confidence.as_str())
            }
            Decision::NotDecided { reason } => format!("not decided: {reason}"),
        };
        writeln!(out, "    `{}`: {text}", verdict.lock)?;
    }
    for finding in &belief.findings {
        let place = place(&finding.primary, sources);
        writeln!(
            out,
            "    {place}: {} [{}, {}]",
            finding.message,
            finding.rule.id,
            finding.confidence.as_str()
        )?;
    }
    Ok(())
}

fn place(label: &Label, sources: &SourceMap) -> String {
    format!("{}:{}", sources.path(label.span.file), sources.locate(label.span).line)
}
