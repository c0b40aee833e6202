//! Configuration: found, read, checked, and joined with what was typed into [`Settings`].

use super::args::{CheckArgs, ConfidenceArg, SeverityArg};
use super::fail::Failure;
use super::files::plain;
use super::slots::SlotText;
use crate::diagnostic::{Confidence, Severity};
use crate::driver::{ProfileMarker, Profiles, Settings, SlotContract};
use crate::profile::Profile;
use crate::profile::load::{self, BUILTIN, ProfileError};
use crate::profile::syntax::{
    AliasText, ContractWordsText, ErrorPointersText, FamilyText, NoReturnText, ProfileText,
};
use crate::rules::RULES;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// Names under which a configuration is looked for, nearest directory first.
const FILES: [&str; 3] = [".lockbalance.toml", "lockbalance.toml", ".cargo/lockbalance.toml"];

/// Largest file read closely unless configured otherwise: 64 MiB. The largest generated register headers of
/// Linux have 23 MiB; they are indexed in a second, for nothing in them uses a lock.
const MAX_FILE_SIZE: usize = 64 << 20;

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigText {
    select: Vec<Spanned<String>>,
    ignore: Vec<Spanned<String>>,
    #[serde(alias = "fail-on")]
    fail_on: Option<Spanned<String>>,
    confidence: Option<Spanned<String>>,
    profiles: Vec<Spanned<String>>,
    exclude: Vec<String>,
    #[serde(alias = "max-file-size")]
    max_file_size: Option<usize>,
    severity: BTreeMap<Spanned<String>, String>,
    family: Vec<FamilyText>,
    #[serde(alias = "no-return")]
    no_return: Vec<NoReturnText>,
    #[serde(alias = "thread-ends")]
    thread_ends: Vec<String>,
    #[serde(alias = "thread-starts")]
    thread_starts: Vec<Spanned<String>>,
    transparent: Vec<String>,
    warnings: Vec<String>,
    alias: Vec<AliasText>,
    #[serde(alias = "same-address-members")]
    same_address_members: Vec<String>,
    #[serde(alias = "error-pointers")]
    error_pointers: ErrorPointersText,
    exports: Vec<String>,
    #[serde(alias = "not-locks")]
    not_locks: Vec<String>,
    #[serde(alias = "loop-macros")]
    loop_macros: Vec<String>,
    #[serde(alias = "once-macros")]
    once_macros: Vec<String>,
    attributes: Vec<String>,
    #[serde(alias = "contract-words")]
    contract_words: ContractWordsText,
    macros: BTreeMap<Spanned<String>, String>,
    slot: Vec<SlotText>,
}

/// What a run needs to know beside its settings.
#[derive(Debug)]
pub struct Configured {
    /// What the run means.
    pub settings: Settings,
    /// Lowest severity that fails.
    pub fail_on: Severity,
    /// Globs of paths left out.
    pub exclude: Vec<String>,
}

/// Reads the configuration and joins it with what was typed.
pub fn configure(args: &CheckArgs) -> Result<Configured, Failure> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut explicit = args.isolated;
    for given in &args.config {
        if given.contains('=') {
            texts.push(("--config".to_owned(), given.clone()));
        } else {
            explicit = true;
            texts.push((given.clone(), read(Path::new(given))?));
        }
    }
    if !explicit && let Some(path) = discover(&start_of(args)) {
        let text = read(&path)?;
        texts.insert(0, (path.to_string_lossy().into_owned(), text));
    }
    let mut build = Build::new(args);
    for (at, (file, text)) in texts.iter().enumerate() {
        build.add(at, file, text).map_err(|error| Failure::configuration(file, text, error))?;
    }
    let slots = std::mem::take(&mut build.slots);
    let mut configured = build.finish(args)?;
    // Which families there are is known when all texts have been read.
    for (at, slot) in slots {
        let (file, text) = &texts[at];
        let known = slot.contract.check_families(&configured.settings.profiles.fallback);
        known.map_err(|error| Failure::configuration(file, text, error))?;
        configured.settings.slots.push(slot);
    }
    Ok(configured)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::input(&path.to_string_lossy(), &plain(&error)))
}

/// Where discovery starts: in a lone directory, beside a lone file (or the one that standard input stands in for), else in the
/// current directory.
fn start_of(args: &CheckArgs) -> PathBuf {
    let stand_in = args.stdin_filename.as_ref().map(PathBuf::from);
    let lone = match (&stand_in, args.paths.as_slice()) {
        (Some(name), _) => name,
        (None, [one]) => one,
        _ => return PathBuf::from("."),
    };
    if lone.is_dir() {
        return lone.clone();
    }
    let parent = lone.parent().filter(|parent| parent.is_dir());
    parent.map_or(PathBuf::from("."), Path::to_owned)
}

/// The nearest configuration from `start` upward, not beyond the root of the git tree.
fn discover(start: &Path) -> Option<PathBuf> {
    let start = std::fs::canonicalize(start).ok()?;
    for directory in start.ancestors() {
        let found = FILES.iter().map(|name| directory.join(name)).find(|path| path.is_file());
        if found.is_some() {
            return found;
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

struct Build {
    severities: FxHashMap<&'static str, Severity>,
    selected: Option<Vec<&'static str>>,
    confidence: Confidence,
    fail_on: Severity,
    profiles: Vec<String>,
    own: Profile,
    exclude: Vec<String>,
    max_file_size: usize,
    /// Each with the number of the text that it stands in.
    slots: Vec<(usize, SlotContract)>,
}

impl Build {
    fn new(args: &CheckArgs) -> Self {
        Build {
            severities: FxHashMap::default(),
            selected: None,
            confidence: Confidence::Medium,
            fail_on: Severity::Warning,
            profiles: Vec::new(),
            own: Profile::default(),
            exclude: args.exclude.clone(),
            max_file_size: MAX_FILE_SIZE,
            slots: Vec::new(),
        }
    }

    fn add(&mut self, at: usize, name: &str, text: &str) -> Result<(), ProfileError> {
        let mut config: ConfigText = toml::from_str(text).map_err(|error| load::from_toml(&error))?;
        if !config.select.is_empty() {
            let mut selected = Vec::new();
            for key in &config.select {
                selected.extend(rules(key.get_ref()).map_err(|e| e.with_span(key.span()))?);
            }
            self.selected = Some(selected);
        }
        for key in &config.ignore {
            for id in rules(key.get_ref()).map_err(|e| e.with_span(key.span()))? {
                self.severities.insert(id, Severity::Off);
            }
        }
        for (key, value) in &config.severity {
            let severity = severity(value).map_err(|e| e.with_span(key.span()))?;
            for id in rules(key.get_ref()).map_err(|e| e.with_span(key.span()))? {
                self.severities.insert(id, severity);
            }
        }
        if let Some(value) = &config.fail_on {
            self.fail_on = severity(value.get_ref()).map_err(|e| e.with_span(value.span()))?;
        }
        if let Some(value) = &config.confidence {
            self.confidence = confidence(value.get_ref()).map_err(|e| e.with_span(value.span()))?;
        }
        for slot in std::mem::take(&mut config.slot) {
            let place = slot.place();
            let slot = slot.into_contract()?;
            if self.slots.iter().any(|(_, known)| known.member == slot.member) {
                return Err(ProfileError::at(format!("slot `{}` is declared twice", slot.member), place));
            }
            self.slots.push((at, slot));
        }
        self.exclude.extend(config.exclude.iter().cloned());
        self.max_file_size = config.max_file_size.unwrap_or(self.max_file_size);
        self.add_profiles(name, text, config)
    }

    /// Which built-in profiles count (the last text that names some decides), and the user's own families.
    fn add_profiles(&mut self, name: &str, text: &str, config: ConfigText) -> Result<(), ProfileError> {
        if !config.profiles.is_empty() {
            self.profiles.clear();
        }
        for profile in &config.profiles {
            if !BUILTIN.contains(&profile.get_ref().as_str()) {
                return Err(
                    ProfileError::unknown("profile", profile.get_ref(), &BUILTIN).with_span(profile.span())
                );
            }
            self.profiles.push(profile.get_ref().clone());
        }
        let own = ProfileText {
            markers: Vec::new(),
            family: config.family,
            no_return: config.no_return,
            thread_ends: config.thread_ends,
            thread_starts: config.thread_starts,
            transparent: config.transparent,
            warnings: config.warnings,
            alias: config.alias,
            same_address_members: config.same_address_members,
            error_pointers: config.error_pointers,
            exports: config.exports,
            not_locks: config.not_locks,
            loop_macros: config.loop_macros,
            once_macros: config.once_macros,
            attributes: config.attributes,
            contract_words: config.contract_words,
            macros: config.macros,
            ..ProfileText::default()
        };
        let mut own = own.into_profile(name)?;
        own.place_rows(name, text);
        self.own.join(&own);
        Ok(())
    }

    fn finish(mut self, args: &CheckArgs) -> Result<Configured, Failure> {
        let typed = |keys: &[String]| -> Result<Vec<&'static str>, Failure> {
            let mut ids = Vec::new();
            for key in keys {
                ids.extend(rules(key).map_err(Failure::typed)?);
            }
            Ok(ids)
        };
        if !args.select.is_empty() {
            self.selected = Some(typed(&args.select)?);
        }
        for (keys, severity) in
            [(&args.ignore, Severity::Off), (&args.warn, Severity::Warning), (&args.deny, Severity::Error)]
        {
            for id in typed(keys)? {
                self.severities.insert(id, severity);
            }
        }
        if let Some(selected) = &self.selected {
            for rule in RULES.iter().filter(|rule| !selected.contains(&rule.id)) {
                self.severities.insert(rule.id, Severity::Off);
            }
        }
        if args.strict {
            (self.confidence, self.fail_on) = (Confidence::Low, Severity::Note);
        }
        match args.confidence {
            Some(ConfidenceArg::High) => self.confidence = Confidence::High,
            Some(ConfidenceArg::Medium) => self.confidence = Confidence::Medium,
            Some(ConfidenceArg::Low) => self.confidence = Confidence::Low,
            None => {}
        }
        match args.fail_on {
            Some(SeverityArg::Error) => self.fail_on = Severity::Error,
            Some(SeverityArg::Warning) => self.fail_on = Severity::Warning,
            Some(SeverityArg::Note) => self.fail_on = Severity::Note,
            None => {}
        }
        let settings = Settings {
            severities: self.severities,
            confidence: self.confidence,
            profiles: profiles(&self.profiles, &self.own),
            max_file_size: args.max_file_size.unwrap_or(self.max_file_size),
            verdicts: args.verdicts.is_some(),
            slots: Vec::new(),
            require_proved: args.require_proved,
        };
        Ok(Configured { settings, fail_on: self.fail_on, exclude: self.exclude })
    }
}

/// The profiles of a run: those named, or a choice by what a file includes.
fn profiles(named: &[String], own: &Profile) -> Profiles {
    let joined = |names: &[&str]| {
        let mut all = Profile::default();
        for profile in names.iter().filter_map(|name| load::builtin(name)) {
            all.join(profile);
        }
        all.join(own);
        Arc::new(all)
    };
    if !named.is_empty() {
        let names: Vec<&str> = named.iter().map(String::as_str).collect();
        let all = joined(&names);
        return Profiles { choices: vec![(ProfileMarker::Always, all.clone())], fallback: all };
    }
    let choices = BUILTIN
        .iter()
        .filter_map(|name| {
            let markers = load::builtin(name)?.markers.clone();
            Some((ProfileMarker::Include(markers), joined(&[name])))
        })
        .collect();
    // A file that fits none is C: a function called `await` suspends nothing there, and nothing unwinds.
    let mut fallback = Arc::unwrap_or_clone(joined(&BUILTIN));
    (fallback.unwinds, fallback.lends_explicitly, fallback.suspends) = (false, false, Default::default());
    Profiles { choices, fallback: Arc::new(fallback) }
}

/// The built-in profiles, chosen per file, and nothing configured.
pub fn default_profiles() -> Profiles {
    profiles(&[], &Profile::default())
}

/// The rules that `key` means: an id, a prefix of ids, a name, `all`.
fn rules(key: &str) -> Result<Vec<&'static str>, ProfileError> {
    let upper = key.to_ascii_uppercase();
    let found: Vec<&'static str> = RULES
        .iter()
        .filter(|rule| {
            key == "all" || rule.name == key || upper.starts_with("LB") && rule.id.starts_with(&upper)
        })
        .map(|rule| rule.id)
        .collect();
    if found.is_empty() {
        let known = RULES.iter().flat_map(|rule| [rule.id, rule.name]);
        let suggestion = load::nearest(key, known);
        return Err(ProfileError { message: format!("unknown rule `{key}`"), span: None, suggestion });
    }
    Ok(found)
}

fn severity(text: &str) -> Result<Severity, ProfileError> {
    match text {
        "error" => Ok(Severity::Error),
        "warning" => Ok(Severity::Warning),
        "note" => Ok(Severity::Note),
        "off" => Ok(Severity::Off),
        other => Err(ProfileError::unknown("severity", other, &["error", "warning", "note", "off"])),
    }
}

fn confidence(text: &str) -> Result<Confidence, ProfileError> {
    match text {
        "high" => Ok(Confidence::High),
        "medium" => Ok(Confidence::Medium),
        "low" => Ok(Confidence::Low),
        other => Err(ProfileError::unknown("confidence", other, &["high", "medium", "low"])),
    }
}
