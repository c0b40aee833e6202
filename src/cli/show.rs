//! Commands that only show: `explain`, `rules`, `locks`, `cfg`.

use super::args::{CfgArgs, CheckArgs, LocksArgs, Picture};
use super::config::configure;
use super::fail::Failure;
use super::files::plain;
use crate::driver;
use crate::profile::load::{self, nearest};
use crate::profile::{CallEffect, Context, Effect, LockPath, LockRoot, Profile, ResultTest, Sharing};
use crate::rules::{self, RULES};
use crate::source::LineTable;
use crate::view;
use std::io::Write;

/// Prints to standard output; a closed pipe is no error.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

pub fn explain(key: &str) -> Result<u8, Failure> {
    let chosen: Vec<_> = match key {
        "all" => RULES.to_vec(),
        key => rules::find(key).into_iter().collect(),
    };
    if chosen.is_empty() {
        let failure = Failure::usage(format!("unknown rule `{key}`"));
        return Err(match nearest(key, RULES.iter().flat_map(|rule| [rule.id, rule.name])) {
            Some(name) => failure.with_help(format!("did you mean `{name}`?")),
            None => failure.with_help("`lockbalance rules` lists them"),
        });
    }
    for rule in chosen {
        let cwe: Vec<String> = rule.cwe.iter().map(|id| format!("CWE-{id}")).collect();
        print(&format!(
            "{} {} ({}{}{})\n{}\n",
            rule.id,
            rule.name,
            rule.severity.as_str(),
            if cwe.is_empty() { "" } else { "; " },
            cwe.join(", "),
            rule.docs
        ));
    }
    Ok(0)
}

pub fn rules() -> Result<u8, Failure> {
    for rule in RULES {
        print(&format!("{}  {:<24} {:<8} {}\n", rule.id, rule.name, rule.severity.as_str(), rule.summary));
    }
    Ok(0)
}

pub fn locks(args: &LocksArgs) -> Result<u8, Failure> {
    let check = CheckArgs { config: args.config.clone(), ..CheckArgs::default() };
    let configured = configure(&check)?;
    let everything = &configured.settings.profiles.fallback;
    let mut lines = Vec::new();
    for (name, effects) in &everything.calls {
        if args.name.as_ref().is_some_and(|part| !name.contains(part.as_str())) {
            continue;
        }
        for effect in effects {
            lines.push(format!(
                "{:<40} {}\n",
                format!("{name}({})", path(&effect.lock)),
                described(everything, effect)
            ));
        }
    }
    lines.sort();
    if lines.is_empty() {
        let wanted = args.name.clone().unwrap_or_default();
        return Err(Failure::usage(format!("no lock function's name contains `{wanted}`"))
            .with_help(format!("built-in profiles: {}", load::BUILTIN.join(", "))));
    }
    print(&lines.concat());
    Ok(0)
}

/// How a row spells its lock.
pub fn path(lock: &LockPath) -> String {
    let root = match lock.root {
        LockRoot::Argument(n) => n.to_string(),
        LockRoot::ThroughArgument(n) => format!("*{n}"),
        LockRoot::Pair(a, b) => format!("{a}+{b}"),
        LockRoot::Result => "ret".to_owned(),
        LockRoot::Global => String::new(),
        LockRoot::Unknown => "?".to_owned(),
    };
    lock.members.iter().fold(root, |path, member| format!("{path}->{member}"))
}

/// What a row says.
pub fn described(profile: &Profile, effect: &CallEffect) -> String {
    let test = |test: ResultTest| match test {
        ResultTest::Nonzero => "nonzero",
        ResultTest::Zero => "zero",
        ResultTest::ZeroElseNegative => "zero, else negative",
        ResultTest::NotNegative => "not negative",
        ResultTest::Negative => "negative",
        ResultTest::Positive => "positive",
    };
    let what = match effect.effect {
        Effect::Acquire => "acquires".to_owned(),
        Effect::TryAcquire(when) => format!("acquires if {}", test(when)),
        Effect::Release => "releases".to_owned(),
        Effect::ReleaseIf(when) => format!("releases if {}", test(when)),
        Effect::GuardRelease => "releases at scope exit".to_owned(),
        Effect::Query(when) => format!("asks ({}: held by somebody)", test(when)),
        Effect::Assert => "asserts".to_owned(),
        Effect::AssertNot => "asserts that it is not held".to_owned(),
        Effect::DropAndRetake => "releases and takes again".to_owned(),
        Effect::Downgrade => "makes shared".to_owned(),
        Effect::Upgrade(when) => format!("makes exclusive if {}", test(when)),
        Effect::Transfer => "hands on".to_owned(),
        Effect::MayRelease => "may release".to_owned(),
        Effect::Leak => "leak".to_owned(),
        Effect::Init => "makes".to_owned(),
        Effect::Destroy => "destroys".to_owned(),
    };
    let sharing = match effect.mode.sharing {
        Sharing::Exclusive => "",
        Sharing::Shared => ", shared",
        Sharing::Any => ", shared or exclusive",
    };
    let context = match effect.mode.context {
        Context::Plain | Context::Any => "",
        Context::Bh => ", bottom halves",
        Context::Irq => ", interrupts",
        Context::IrqSave => ", saved interrupts",
    };
    let family = profile.family(effect.family);
    let silent = if family.reported { "" } else { " (known, not reported)" };
    format!("{:<22} {what}{sharing}{context}{silent}", family.name)
}

pub fn cfg(args: &CfgArgs) -> Result<u8, Failure> {
    let (file, wanted) = target(&args.target);
    let text = std::fs::read(file).map_err(|error| Failure::input(file, &plain(&error)))?;
    let configured = configure(&CheckArgs::default())?;
    let lines = LineTable::new(&text);
    let select = |function: &crate::ir::file_index::FunctionDefinition| match wanted {
        Wanted::First => true,
        Wanted::Named(name) => function.name == name,
        Wanted::Line(line) => {
            let (from, to) = (lines.locate(function.span.start).line, lines.locate(function.span.end).line);
            (from..=to).contains(&line)
        }
    };
    let Some((body, held)) = driver::picture(file, &text, &select, &configured.settings) else {
        return Err(Failure::usage(format!("no such function in {file}")));
    };
    print(&match args.format {
        Picture::Text => view::text(&body, &held),
        Picture::Dot => view::dot(&body, &held),
    });
    Ok(0)
}

#[derive(Clone, Copy)]
enum Wanted<'t> {
    First,
    Named(&'t str),
    Line(u32),
}

/// FILE, FILE:LINE, FILE::FUNCTION.
fn target(text: &str) -> (&str, Wanted<'_>) {
    if let Some((file, name)) = text.split_once("::") {
        return (file, Wanted::Named(name));
    }
    match text.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => (file, Wanted::Line(line)),
        None => (text, Wanted::First),
    }
}
