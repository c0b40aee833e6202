//! Reads profiles from TOML; the user's own families use the same grammar.

use super::syntax::{CallText, FamilyText, GuardText, NoReturnText, ProfileText};
use super::{
    Alias, CallEffect, Context, Effect, Example, FamilyId, LockFamily, LockMode, LockPath, LockRoot,
    NoReturn, Profile, ResultTest, SavedState, Sharing,
};
use crate::ir::Name;
use std::ops::Range;
use std::sync::OnceLock;
use toml::Spanned;

/// Why a profile text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProfileError {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where, in bytes of the text.
    pub span: Option<Range<usize>>,
    /// What was perhaps meant.
    pub suggestion: Option<String>,
}

/// The names of the built-in profiles.
pub const BUILTIN: [&str; 3] = ["linux", "pthread", "c11"];

/// The built-in profile `name`.
pub fn builtin(name: &str) -> Option<&'static Profile> {
    static PROFILES: [OnceLock<Profile>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
    let at = BUILTIN.iter().position(|known| *known == name)?;
    Some(PROFILES[at].get_or_init(|| {
        let text = match name {
            "linux" => include_str!("families/linux.toml"),
            "pthread" => include_str!("families/pthread.toml"),
            _ => include_str!("families/c11.toml"),
        };
        // A test loads every built-in text; a fault in one cannot reach a user.
        let mut profile = parse(include_str!("families/c.toml"), name).unwrap_or_default();
        if let Ok(own) = parse(text, name) {
            profile.join(&own);
        }
        profile
    }))
}

/// Reads a profile.
///
/// # Errors
/// When the text is no TOML, has an unknown key or a wrong type, or a call is not spelled as `name(path)`.
pub fn parse(text: &str, name: &str) -> Result<Profile, ProfileError> {
    let parsed: ProfileText = toml::from_str(text).map_err(|error| from_toml(&error))?;
    parsed.into_profile(name)
}

/// A TOML error in our words.
pub fn from_toml(error: &toml::de::Error) -> ProfileError {
    let message = error.message().trim_end_matches('.').to_owned();
    let suggestion = unknown_field(&message);
    ProfileError { message, span: error.span(), suggestion }
}

/// "unknown field `x`, expected one of `a`, `b`": the nearest.
fn unknown_field(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let given = quoted.next().filter(|_| message.starts_with("unknown "))?;
    nearest(given, quoted)
}

/// The one of `known` that looks most like `given`, if any does.
pub fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let best =
        known.map(|name| (strsim::jaro_winkler(given, name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then(|| best.1.to_owned())
}

impl ProfileText {
    /// Interprets the text.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn into_profile(self, name: &str) -> Result<Profile, ProfileError> {
        let mut profile =
            Profile { names: vec![Name::new(name)], markers: self.markers, ..Profile::default() };
        for family in self.family {
            add_family(&mut profile, family)?;
        }
        for text in self.no_return {
            let (name, when) = match text {
                NoReturnText::Always(name) => (name, NoReturn::Always),
                NoReturnText::When { call, when } if when => (call, NoReturn::IfTrue),
                NoReturnText::When { call, .. } => (call, NoReturn::IfFalse),
            };
            profile.no_return.insert(name.into(), when);
        }
        profile.transparent.extend(self.transparent.into_iter().map(Name::from));
        for alias in self.alias {
            let (call, _) = call(&alias.call)?;
            let equals = path(alias.equals.get_ref(), alias.equals.span())?;
            profile.aliases.insert(call, Alias { equals });
        }
        profile.same_address_members.extend(self.same_address_members.into_iter().map(Name::from));
        let errors = &mut profile.error_pointers;
        errors.make.extend(self.error_pointers.make.into_iter().map(Name::from));
        errors.value.extend(self.error_pointers.value.into_iter().map(Name::from));
        errors.test.extend(self.error_pointers.test.into_iter().map(Name::from));
        errors.test_or_null.extend(self.error_pointers.test_or_null.into_iter().map(Name::from));
        errors.value_or_zero.extend(self.error_pointers.value_or_zero.into_iter().map(Name::from));
        profile.exports.extend(self.exports.into_iter().map(Name::from));
        profile.not_locks.extend(self.not_locks.into_iter().map(Name::from));
        profile.block_macros.extend(self.loop_macros.into_iter().map(|name| (Name::from(name), true)));
        profile.block_macros.extend(self.once_macros.into_iter().map(|name| (Name::from(name), false)));
        profile.attributes.extend(self.attributes.into_iter().map(Name::from));
        Ok(profile)
    }
}

fn add_family(profile: &mut Profile, text: FamilyText) -> Result<(), ProfileError> {
    let id = FamilyId(profile.families.len() as u16);
    profile.families.push(LockFamily {
        name: text.name.into(),
        nests: text.nests,
        shared_nests: text.shared_nests,
        released_by: text.released_by,
        keeps: text.keeps.into_iter().map(Name::from).collect(),
        reported: text.reported,
        examples: text
            .example
            .into_iter()
            .map(|example| Example { rule: example.rule.into(), bad: example.bad, good: example.good })
            .collect(),
    });
    type Group<'t> = (&'t [Spanned<CallText>], fn(ResultTest) -> Effect);
    let groups: [Group<'_>; 11] = [
        (&text.acquire, |_| Effect::Acquire),
        (&text.try_acquire, Effect::TryAcquire),
        (&text.release, |_| Effect::Release),
        (&text.query, Effect::Query),
        (&text.assert, |_| Effect::Assert),
        (&text.drop_and_retake, |_| Effect::DropAndRetake),
        (&text.downgrade, |_| Effect::Downgrade),
        (&text.upgrade, Effect::Upgrade),
        (&text.transfer, |_| Effect::Transfer),
        (&text.init, |_| Effect::Init),
        (&text.destroy, |_| Effect::Destroy),
    ];
    for (calls, effect) in groups {
        for text in calls {
            let (name, effect) = call_effect(id, text, effect)?;
            let effects = profile.calls.entry(name).or_default();
            if !effects.contains(&effect) {
                effects.push(effect);
            }
        }
    }
    for guard in &text.guard {
        add_guard(profile, id, guard)?;
    }
    Ok(())
}

fn call_effect(
    family: FamilyId,
    text: &Spanned<CallText>,
    effect: fn(ResultTest) -> Effect,
) -> Result<(Name, CallEffect), ProfileError> {
    let CallText { call: spelled, sharing, context, saved, held_if, true_if } = text.get_ref();
    let (name, lock) = call(&Spanned::new(text.span(), spelled.clone()))?;
    let fail = |what: &str, value: &str, known: &[&str]| ProfileError {
        message: format!("unknown {what} `{value}`, expected one of {}", known.join(", ")),
        span: Some(text.span()),
        suggestion: nearest(value, known.iter().copied()),
    };
    let sharing = match sharing.as_deref() {
        None | Some("exclusive") => Sharing::Exclusive,
        Some("shared") => Sharing::Shared,
        Some("any") => Sharing::Any,
        Some(other) => return Err(fail("sharing", other, &["exclusive", "shared", "any"])),
    };
    let context = match context.as_deref() {
        None | Some("plain") => Context::Plain,
        Some("irq") => Context::Irq,
        Some("bh") => Context::Bh,
        Some("irqsave") => Context::IrqSave,
        Some("any") => Context::Any,
        Some(other) => return Err(fail("context", other, &["plain", "irq", "bh", "irqsave", "any"])),
    };
    let tests = ["nonzero", "zero", "zero-else-negative", "not-negative", "negative", "positive"];
    let test = match held_if.as_deref().or(true_if.as_deref()) {
        None | Some("nonzero") => ResultTest::Nonzero,
        Some("zero") => ResultTest::Zero,
        Some("zero-else-negative") => ResultTest::ZeroElseNegative,
        Some("not-negative" | "not_negative") => ResultTest::NotNegative,
        Some("negative") => ResultTest::Negative,
        Some("positive") => ResultTest::Positive,
        Some(other) => return Err(fail("test", other, &tests)),
    };
    let saved = match saved {
        None => None,
        Some(toml::Value::Integer(n)) if (0..=255).contains(n) => Some(SavedState::Argument(*n as u8)),
        Some(toml::Value::String(text)) if text == "ret" => Some(SavedState::Result),
        Some(other) => {
            return Err(fail(
                "place of saved state",
                &other.to_string(),
                &["an argument's index", "\"ret\""],
            ));
        }
    };
    let mode = LockMode { sharing, context };
    Ok((name, CallEffect { family, effect: effect(test), mode, lock, saved }))
}

/// A guard class: what lowering calls when a guard is made and when its scope ends.
fn add_guard(
    profile: &mut Profile,
    family: FamilyId,
    guard: &Spanned<GuardText>,
) -> Result<(), ProfileError> {
    let text = guard.get_ref();
    let ends = [("constructor", text.conditional), ("destructor", false)];
    for (end, conditional) in ends {
        let spelled = CallText {
            call: format!("class_{}_{end}({})", text.class, text.lock),
            sharing: text.sharing.clone(),
            context: text.context.clone(),
            saved: None,
            held_if: None,
            true_if: None,
        };
        let effect: fn(ResultTest) -> Effect = match (end, conditional) {
            ("destructor", _) => |_| Effect::GuardRelease,
            (_, true) => Effect::TryAcquire,
            _ => |_| Effect::Acquire,
        };
        let (name, effect) = call_effect(family, &Spanned::new(guard.span(), spelled), effect)?;
        profile.calls.entry(name).or_default().push(effect);
    }
    Ok(())
}

/// `name(path)`
fn call(text: &Spanned<String>) -> Result<(Name, LockPath), ProfileError> {
    let spelled = text.get_ref();
    let error = || ProfileError {
        message: format!(
            "`{spelled}` is not a call: write the name and, in parentheses, where the lock is: `my_lock(0)`"
        ),
        span: Some(text.span()),
        suggestion: None,
    };
    let (name, rest) = spelled.split_once('(').ok_or_else(error)?;
    let inside = rest.strip_suffix(')').ok_or_else(error)?;
    let fine = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':' || b == b'.');
    if !fine {
        return Err(error());
    }
    Ok((Name::new(name), path(inside, text.span())?))
}

/// `0`, `0->lock`, `*2`, `0+1`, `ret->lock`, `?`, or nothing; `arg0` may be said for `0`.
fn path(text: &str, span: Range<usize>) -> Result<LockPath, ProfileError> {
    let error = || ProfileError {
        message: format!(
            "`{text}` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock"
        ),
        span: Some(span.clone()),
        suggestion: None,
    };
    let argument = |text: &str| text.strip_prefix("arg").unwrap_or(text).parse::<u8>().map_err(|_| error());
    let mut steps = text.split("->").map(str::trim);
    let root = match steps.next().unwrap_or_default() {
        "" => LockRoot::Global,
        "?" => LockRoot::Unknown,
        "ret" => LockRoot::Result,
        pointer if pointer.starts_with('*') => LockRoot::ThroughArgument(argument(&pointer[1..])?),
        pair if pair.contains('+') => {
            let (a, b) = pair.split_once('+').ok_or_else(error)?;
            LockRoot::Pair(argument(a.trim())?, argument(b.trim())?)
        }
        index => LockRoot::Argument(argument(index)?),
    };
    let members: Vec<Name> = steps.map(Name::new).collect();
    if members.iter().any(|member| member.is_empty()) {
        return Err(error());
    }
    Ok(LockPath { root, members })
}

impl Profile {
    /// Adds `other`: its families behind the present ones, its calls over calls of the same name.
    pub fn join(&mut self, other: &Profile) {
        let offset = self.families.len() as u16;
        self.names.extend(
            other.names.iter().filter(|name| !self.names.contains(name)).cloned().collect::<Vec<_>>(),
        );
        self.markers.extend(other.markers.iter().cloned());
        self.families.extend(other.families.iter().cloned());
        for (name, effects) in &other.calls {
            let effects = effects
                .iter()
                .map(|effect| CallEffect { family: FamilyId(effect.family.0 + offset), ..effect.clone() })
                .collect();
            self.calls.insert(name.clone(), effects);
        }
        self.no_return.extend(other.no_return.iter().map(|(name, when)| (name.clone(), *when)));
        self.transparent.extend(other.transparent.iter().cloned());
        self.aliases.extend(other.aliases.iter().map(|(name, alias)| (name.clone(), alias.clone())));
        self.same_address_members.extend(other.same_address_members.iter().cloned());
        let (mine, theirs) = (&mut self.error_pointers, &other.error_pointers);
        mine.make.extend(theirs.make.iter().cloned());
        mine.value.extend(theirs.value.iter().cloned());
        mine.test.extend(theirs.test.iter().cloned());
        mine.test_or_null.extend(theirs.test_or_null.iter().cloned());
        mine.value_or_zero.extend(theirs.value_or_zero.iter().cloned());
        self.exports.extend(other.exports.iter().cloned());
        self.not_locks.extend(other.not_locks.iter().cloned());
        self.block_macros.extend(other.block_macros.iter().map(|(name, looping)| (name.clone(), *looping)));
        self.attributes.extend(other.attributes.iter().cloned());
    }
}
