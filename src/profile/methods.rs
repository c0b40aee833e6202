//! Rows about methods, and about types whose values give a lock back when they end.
//!
//! `types = ["a::Mutex", "b::Mutex"]` makes a row `.lock(0)` two: `a::Mutex::lock(0)` and `b::Mutex::lock(0)`. A type listed in
//! `guard_types` gets four calls that lowering makes of what happens to its values: `drop` (it ends), `forget` (it is thrown
//! away without being run), `relock` (what was released around a closure is taken again) and `moved` (somebody out of sight has it
//! now).

use super::error::ProfileError;
use super::family::sharing;
use super::spelling::call;
use super::syntax::{CallText, FamilyText};
use super::{CallEffect, Context, Effect, FamilyId, LockMode, LockPath, LockRoot, Profile, Sharing};
use crate::ir::Name;
use crate::ir::environment::Signature;
use toml::Spanned;

/// The rows that a row stands for.
pub(super) fn spelled_out(row: &Spanned<CallText>, types: &[String]) -> Vec<Spanned<CallText>> {
    let text = row.get_ref();
    let Some(method) = text.call.strip_prefix('.') else { return vec![row.clone()] };
    let of = |ty: &String| {
        let text = CallText { call: format!("{ty}::{method}"), ..text.clone() };
        Spanned::new(row.span(), text)
    };
    types.iter().map(of).collect()
}

/// Notes the type that a row is about, and what its call gives.
pub(super) fn add_signature(
    profile: &mut Profile,
    name: &Name,
    lock: &LockPath,
    text: &CallText,
    around: bool,
) {
    if let Some((ty, _)) = name.rsplit_once("::") {
        profile.types.insert(Name::new(ty));
    }
    let LockRoot::Argument(carries) = lock.root else { return };
    if text.gives.is_some() || around {
        let gives = Name::new(text.gives.as_deref().unwrap_or_default());
        profile.signatures.insert(name.clone(), Signature { gives, carries, around });
    }
}

/// Notes the name of a method that cannot be passed over where nobody tells of what type it is.
pub(super) fn add_method(profile: &mut Profile, name: &Name, effect: Effect) {
    // Pointers have methods of these names too.
    let ambiguous = matches!(effect, Effect::Upgrade(_) | Effect::Downgrade);
    let Some((owner, method)) = name.rsplit_once("::") else { return };
    let of_a_type = owner.rsplit("::").next().is_some_and(|word| word.starts_with(char::is_uppercase));
    if of_a_type && !ambiguous {
        profile.methods.insert(Name::new(format!(".{method}")));
    }
}

/// Adds the rows of a family that change no lock, and the calls of its guard types.
pub(super) fn add_methods(
    profile: &mut Profile,
    family: FamilyId,
    text: &FamilyText,
) -> Result<(), ProfileError> {
    for (rows, around) in [(&text.pass, false), (&text.around, true)] {
        for row in rows.iter().flat_map(|row| spelled_out(row, &text.types)) {
            let (name, lock) = call(&Spanned::new(row.span(), row.get_ref().call.clone()))?;
            add_signature(profile, &name, &lock, row.get_ref(), around);
        }
    }
    for guard in &text.guard_types {
        add_guard_type(profile, family, guard)?;
    }
    Ok(())
}

fn add_guard_type(
    profile: &mut Profile,
    family: FamilyId,
    guard: &Spanned<CallText>,
) -> Result<(), ProfileError> {
    let text = guard.get_ref();
    let mode = LockMode {
        sharing: sharing(text.sharing.as_deref()).map_err(|error| error.with_span(guard.span()))?,
        context: Context::Plain,
    };
    let lock = LockPath { root: LockRoot::Argument(0), members: Vec::new() };
    let ends = [
        ("drop", Effect::GuardRelease),
        ("forget", Effect::Leak),
        ("relock", Effect::Acquire),
        ("moved", Effect::Transfer),
    ];
    for (end, effect) in ends {
        // A guard gives back what it was made with.
        let mode = if end == "drop" { LockMode { sharing: Sharing::Any, ..mode } } else { mode };
        let name = Name::new(format!("{}::{end}", text.call));
        let lock = lock.clone();
        let effect = CallEffect::plain(family, effect, mode, lock);
        profile.calls.insert(name, vec![effect]);
    }
    profile.guards.insert(Name::new(&text.call));
    profile.types.insert(Name::new(&text.call));
    Ok(())
}
