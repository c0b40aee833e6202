//! What a call means, from the nearest source: a definition in sight, then the profile.

use super::obligations::Obligation;
use super::slot::SlotMeaning;
use super::summary::Summary;
use crate::ir::Name;
use crate::profile::{Alias, CallEffect, NoReturn, Profile};

/// What a call of some name means.
pub enum CallMeaning<'a> {
    /// A function whose definition was analysed.
    Summary(&'a Summary),
    /// Does this to locks.
    Effects(&'a [CallEffect]),
    /// Ends the path.
    NoReturn(NoReturn),
    /// Gives its first argument back.
    Transparent,
    /// Gives another name for something.
    Alias(&'a Alias),
    /// `ERR_PTR` and its kin.
    ErrorPointer(ErrorPointer),
    /// Nothing is known.
    Unknown,
}

/// The error-pointer vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorPointer {
    /// Conversion: the same bits.
    Convert,
    /// "Is it an error pointer?"
    Test,
    /// "Is it an error pointer, or null?"
    TestOrNull,
    /// The error, or zero.
    ValueOrZero,
}

/// Where meanings come from.
#[derive(Clone, Copy)]
pub struct Meanings<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// Summaries of definitions in sight.
    pub summaries: &'a dyn Fn(&str) -> Option<&'a Summary>,
    /// What calls through a member do: the type of its table, when told, and its name.
    pub slots: Slots<'a>,
    /// What the body under analysis has promised.
    pub contract: &'a [Obligation],
}

/// See [`Meanings::slots`].
pub type Slots<'a> = &'a dyn Fn(Option<&str>, &str) -> Option<&'a SlotMeaning>;

/// No slot means anything.
pub fn no_slots<'a>(_table: Option<&str>, _member: &str) -> Option<&'a SlotMeaning> {
    None
}

impl<'a> Meanings<'a> {
    /// Of a body that has promised nothing, and where calls through tables do nothing to locks.
    pub fn plain(profile: &'a Profile, summaries: &'a dyn Fn(&str) -> Option<&'a Summary>) -> Self {
        Meanings { profile, summaries, slots: &no_slots, contract: &[] }
    }

    /// What a call of `name` means.
    pub fn of(&self, name: &Name) -> CallMeaning<'a> {
        let profile = self.profile;
        // A definition in sight wins over the table, unless the table knows it as a primitive and the definition told nothing.
        let summary = (self.summaries)(name);
        if let Some(summary) = summary.filter(|summary| summary.tells_something()) {
            return CallMeaning::Summary(summary);
        }
        if let Some(effects) = profile.calls.get(name) {
            return CallMeaning::Effects(effects);
        }
        if let Some(&no_return) = profile.no_return.get(name) {
            return CallMeaning::NoReturn(no_return);
        }
        if let Some(alias) = profile.aliases.get(name) {
            return CallMeaning::Alias(alias);
        }
        if profile.transparent.contains(name) {
            return CallMeaning::Transparent;
        }
        let errors = &profile.error_pointers;
        if errors.make.contains(name) || errors.value.contains(name) {
            CallMeaning::ErrorPointer(ErrorPointer::Convert)
        } else if errors.test.contains(name) {
            CallMeaning::ErrorPointer(ErrorPointer::Test)
        } else if errors.test_or_null.contains(name) {
            CallMeaning::ErrorPointer(ErrorPointer::TestOrNull)
        } else if errors.value_or_zero.contains(name) {
            CallMeaning::ErrorPointer(ErrorPointer::ValueOrZero)
        } else if let Some(summary) = summary {
            CallMeaning::Summary(summary)
        } else {
            CallMeaning::Unknown
        }
    }
}
