//! Reads one `[[family]]`: each row becomes the effect of a call.
//!
//! A row that cannot be meant is refused here, with the place in the text: a family without calls, a result test where none
//! is looked at or none where one decides, a call with two effects on one lock.

use super::error::ProfileError;
use super::methods;
use super::spelling::call;
use super::syntax::{CallText, FamilyText, GuardText};
use super::{
    CallEffect, Context, Effect, Example, FamilyId, LockFamily, LockMode, Profile, ResultTest, RowPlace,
    SavedState, Sharing,
};
use crate::ir::Name;
use toml::Spanned;

/// The key of a row that says by which result the effect happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TestKey {
    /// No result is looked at.
    None,
    /// `held_if` must stand.
    Held,
    /// `released_if` must stand.
    Released,
    /// `true_if` may stand; nonzero without it.
    True,
}

struct Group<'t> {
    rows: &'t [Spanned<CallText>],
    key: TestKey,
    effect: fn(ResultTest) -> Effect,
}

/// Adds the family to `profile`.
///
/// # Errors
/// When a row cannot be meant.
pub(super) fn add_family(profile: &mut Profile, text: FamilyText) -> Result<(), ProfileError> {
    let id = FamilyId(profile.families.len() as u16);
    let groups = groups(&text);
    if text.name.get_ref().is_empty() {
        return Err(ProfileError::at("a family needs a name", text.name.span()));
    }
    if groups.iter().all(|group| group.rows.is_empty())
        && text.guard.is_empty()
        && text.guard_types.is_empty()
    {
        let message = format!("family `{}` lists no call", text.name.get_ref());
        return Err(ProfileError::at(message, text.name.span()));
    }
    for group in groups {
        for row in group.rows.iter().flat_map(|row| methods::spelled_out(row, &text.types)) {
            let (name, effect) = call_effect(id, &row, &group)?;
            methods::add_signature(profile, &name, &effect.lock, row.get_ref(), false);
            if text.reported {
                methods::add_method(profile, &name, effect.effect);
            }
            add_effect(profile, name, effect, &row)?;
        }
    }
    methods::add_methods(profile, id, &text)?;
    for guard in &text.guard {
        add_guard(profile, id, guard)?;
    }
    profile.families.push(LockFamily {
        name: text.name.into_inner().into(),
        also_called: text.also_called.into_iter().map(Name::from).collect(),
        kin: text.kin.map(Name::from),
        nests: text.nests,
        used_as_lock: text.used_as_lock,
        shared_nests: text.shared_nests,
        released_by: text.released_by,
        asynchronous: text.asynchronous,
        guarded: !text.guard_types.is_empty(),
        keeps: text.keeps.into_iter().map(Name::from).collect(),
        often_left: text.often_left,
        reported: text.reported,
        examples: text
            .example
            .into_iter()
            .map(|example| Example { rule: example.rule.into(), bad: example.bad, good: example.good })
            .collect(),
    });
    Ok(())
}

fn groups(text: &FamilyText) -> [Group<'_>; 14] {
    let group = |rows, key, effect| Group { rows, key, effect };
    [
        group(&text.acquire, TestKey::None, |_| Effect::Acquire),
        group(&text.try_acquire, TestKey::Held, Effect::TryAcquire),
        group(&text.release, TestKey::None, |_| Effect::Release),
        group(&text.release_if, TestKey::Released, Effect::ReleaseIf),
        group(&text.query, TestKey::True, Effect::Query),
        group(&text.assert, TestKey::None, |_| Effect::Assert),
        group(&text.assert_not, TestKey::None, |_| Effect::AssertNot),
        group(&text.drop_and_retake, TestKey::None, |_| Effect::DropAndRetake),
        group(&text.downgrade, TestKey::None, |_| Effect::Downgrade),
        group(&text.upgrade, TestKey::Held, Effect::Upgrade),
        group(&text.transfer, TestKey::None, |_| Effect::Transfer),
        group(&text.may_release, TestKey::None, |_| Effect::MayRelease),
        group(&text.init, TestKey::None, |_| Effect::Init),
        group(&text.destroy, TestKey::None, |_| Effect::Destroy),
    ]
}

/// Two rows of one call must be about two locks.
fn add_effect(
    profile: &mut Profile,
    name: Name,
    effect: CallEffect,
    row: &Spanned<CallText>,
) -> Result<(), ProfileError> {
    let effects = profile.calls.entry(name.clone()).or_default();
    if effects.iter().any(|other| other.lock == effect.lock && other.family == effect.family) {
        return Err(ProfileError::at(format!("`{name}` is listed twice for one lock"), row.span()));
    }
    effects.push(effect);
    place(profile, &name, row.span().start);
    Ok(())
}

fn call_effect(
    family: FamilyId,
    row: &Spanned<CallText>,
    group: &Group<'_>,
) -> Result<(Name, CallEffect), ProfileError> {
    let text = row.get_ref();
    let (name, lock) = call(&Spanned::new(row.span(), text.call.clone()))?;
    let test = result_test(&name, row, group.key)?;
    let effect = (group.effect)(test);
    let mode = LockMode {
        sharing: match text.sharing.as_deref() {
            // "It is held" says nothing of how.
            None if matches!(effect, Effect::Assert | Effect::AssertNot) => Sharing::Any,
            given => sharing(given).map_err(|error| error.with_span(row.span()))?,
        },
        context: context(text.context.as_deref()).map_err(|error| error.with_span(row.span()))?,
    };
    let saved = saved(text.saved.as_ref()).map_err(|error| error.with_span(row.span()))?;
    if !text.sure_if_zero.is_empty() && group.key != TestKey::Held {
        return Err(ProfileError::at(format!("`sure_if_zero` means nothing for `{name}` here"), row.span()));
    }
    if (text.rarely_fails || text.fails_with.is_some()) && group.key != TestKey::Held {
        return Err(ProfileError::at(format!("`{name}` cannot fail here"), row.span()));
    }
    let sure_if_zero = text.sure_if_zero.clone();
    let only_if_zero = text.only_if_zero.clone();
    Ok((
        name,
        CallEffect {
            sure_if_zero,
            only_if_zero,
            nests: text.nests,
            rarely_fails: text.rarely_fails,
            fails_with: text.fails_with.as_deref().map(Name::new),
            saved,
            ..CallEffect::plain(family, effect, mode, lock)
        },
    ))
}

/// The test that decides a row, under the one key that its group knows.
fn result_test(name: &str, row: &Spanned<CallText>, key: TestKey) -> Result<ResultTest, ProfileError> {
    let text = row.get_ref();
    let keys = [
        ("held_if", &text.held_if, TestKey::Held),
        ("released_if", &text.released_if, TestKey::Released),
        ("true_if", &text.true_if, TestKey::True),
    ];
    if let Some((spelled, ..)) = keys.iter().find(|(_, value, own)| value.is_some() && *own != key) {
        return Err(ProfileError::at(format!("`{spelled}` means nothing for `{name}` here"), row.span()));
    }
    let mine = keys.iter().find(|(.., own)| *own == key);
    match mine {
        Some((_, Some(value), _)) => test(value).map_err(|error| error.with_span(row.span())),
        Some((spelled, None, TestKey::Held | TestKey::Released)) => {
            let message =
                format!("which result of `{name}` decides? say `{spelled} = \"nonzero\"` or `\"zero\"`");
            Err(ProfileError::at(message, row.span()))
        }
        _ => Ok(ResultTest::Nonzero),
    }
}

fn test(text: &str) -> Result<ResultTest, ProfileError> {
    match text {
        "nonzero" => Ok(ResultTest::Nonzero),
        "zero" => Ok(ResultTest::Zero),
        "zero-else-negative" => Ok(ResultTest::ZeroElseNegative),
        "not-negative" => Ok(ResultTest::NotNegative),
        "negative" => Ok(ResultTest::Negative),
        "positive" => Ok(ResultTest::Positive),
        other => {
            let known = ["nonzero", "zero", "zero-else-negative", "not-negative", "negative", "positive"];
            Err(ProfileError::unknown("test", other, &known))
        }
    }
}

pub(super) fn sharing(text: Option<&str>) -> Result<Sharing, ProfileError> {
    match text {
        None | Some("exclusive") => Ok(Sharing::Exclusive),
        Some("shared") => Ok(Sharing::Shared),
        Some("any") => Ok(Sharing::Any),
        Some(other) => Err(ProfileError::unknown("sharing", other, &["exclusive", "shared", "any"])),
    }
}

fn context(text: Option<&str>) -> Result<Context, ProfileError> {
    match text {
        None | Some("plain") => Ok(Context::Plain),
        Some("irq") => Ok(Context::Irq),
        Some("bh") => Ok(Context::Bh),
        Some("irqsave") => Ok(Context::IrqSave),
        Some("any") => Ok(Context::Any),
        Some(other) => {
            Err(ProfileError::unknown("context", other, &["plain", "irq", "bh", "irqsave", "any"]))
        }
    }
}

fn saved(value: Option<&toml::Value>) -> Result<Option<SavedState>, ProfileError> {
    let refused = |given: &str| {
        Err(ProfileError::unknown("place of saved state", given, &["an argument's index", "\"ret\""]))
    };
    match value {
        None => Ok(None),
        Some(toml::Value::String(text)) if text == "ret" => Ok(Some(SavedState::Result)),
        Some(toml::Value::Integer(n)) => match u8::try_from(*n) {
            Ok(n) => Ok(Some(SavedState::Argument(n))),
            Err(_) => refused(&n.to_string()),
        },
        Some(other) => refused(&other.to_string()),
    }
}

/// A guard class: what lowering calls when a guard is made and when its scope ends.
fn add_guard(
    profile: &mut Profile,
    family: FamilyId,
    guard: &Spanned<GuardText>,
) -> Result<(), ProfileError> {
    let text = guard.get_ref();
    let made = if text.conditional { Effect::TryAcquire(ResultTest::Nonzero) } else { Effect::Acquire };
    for (end, effect) in [("constructor", made), ("destructor", Effect::GuardRelease)] {
        let (name, lock) =
            call(&Spanned::new(guard.span(), format!("class_{}_{end}({})", text.class, text.lock)))?;
        let mode = LockMode {
            sharing: sharing(text.sharing.as_deref()).map_err(|error| error.with_span(guard.span()))?,
            context: context(text.context.as_deref()).map_err(|error| error.with_span(guard.span()))?,
        };
        let effect = CallEffect::plain(family, effect, mode, lock);
        place(profile, &name, guard.span().start);
        profile.calls.entry(name).or_default().push(effect);
    }
    Ok(())
}

fn place(profile: &mut Profile, name: &Name, offset: usize) {
    profile.rows.entry(name.clone()).or_insert(RowPlace { offset, ..RowPlace::default() });
}
