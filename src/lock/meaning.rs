//! What a call means, from the nearest source: a definition in sight, then the profile.

use super::obligations::Obligation;
use super::path::Path;
use super::slot::SlotMeaning;
use super::summary::{LockChange, Summary};
use crate::ir::Name;
use crate::profile::{Alias, CallEffect, Effect, FamilyId, LockRoot, NoReturn, Profile};
use rustc_hash::FxHashSet;

/// What a call of some name means.
pub enum CallMeaning<'a> {
    /// A function whose definition was analysed.
    Summary(&'a Summary),
    /// Does this to locks; the definition, where it is in sight, tells which lock of the argument's object it is.
    Effects(&'a [CallEffect], Option<&'a Path>),
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
    /// An error made into a pointer: the same bits.
    Make,
    /// A pointer's error: the same bits.
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
    /// Variables that only the body's own file can name.
    pub statics: Option<&'a FxHashSet<Name>>,
    /// Variables and members that are locks which their holder may take again: of the body's own file, and of the tree.
    pub recursive: Option<[&'a FxHashSet<Name>; 2]>,
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
        Meanings { profile, summaries, statics: None, recursive: None, slots: &no_slots, contract: &[] }
    }

    /// What a call of `name` means.
    pub fn of(&self, name: &Name) -> CallMeaning<'a> {
        let profile = self.profile;
        let summary = (self.summaries)(name);
        let row = profile.calls.get(name);
        if let Some(summary) = summary.filter(|summary| summary.tells_something())
            && !row.is_some_and(|row| is_of_row(summary, row))
        {
            return CallMeaning::Summary(summary);
        }
        if let Some(effects) = row {
            return CallMeaning::Effects(effects, summary.and_then(|summary| path_of(summary, effects)));
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
        if errors.make.contains(name) {
            CallMeaning::ErrorPointer(ErrorPointer::Make)
        } else if errors.value.contains(name) {
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

/// Whether a definition in sight is the one that the table's row was read off: what it seems to change are locks of the row's families, or
/// it goes the row's way about what the row's argument leads to.
/// The row is a reader's work and outweighs what was derived; a function of the project's own that only bears the same name does not.
pub fn is_of_row(summary: &Summary, row: &[CallEffect]) -> bool {
    let known = |family: &FamilyId| row.iter().any(|effect| effect.family == *family);
    let tells = summary.changes_locks() || summary.uncertain.iter().all(known);
    summary.changed_families().all(|family| known(&family)) && tells || goes_the_way_of(summary, row)
}

/// Whether each change of the summary is one that some effect of the row may stand for: taking or giving back, in the object of the same
/// argument, or something of which there is but one (interrupts).
fn goes_the_way_of(summary: &Summary, row: &[CallEffect]) -> bool {
    let of_effect = |effect: &CallEffect, change: &LockChange| {
        let way = match effect.effect {
            Effect::Acquire | Effect::TryAcquire(_) => change.state.balance() > 0,
            Effect::Release => change.state.balance() < 0,
            _ => return false,
        };
        let argument = match effect.lock.root {
            LockRoot::Argument(n) => usize::from(n),
            _ => return false,
        };
        let object = match change.path.as_ref().map(Path::root) {
            Some(Path::Argument(n)) => *n == argument,
            Some(Path::Int(_)) => true,
            _ => false,
        };
        way && object
    };
    let mut changes = summary.cases.iter().flat_map(|case| &case.changes).peekable();
    changes.peek().is_some() && changes.all(|change| row.iter().any(|effect| of_effect(effect, change)))
}

/// The one lock that the definition changes, of the one family that the row speaks of, and behind its argument.
fn path_of<'a>(summary: &'a Summary, row: &[CallEffect]) -> Option<&'a Path> {
    let [effect] = row else { return None };
    let LockRoot::Argument(argument) = effect.lock.root else { return None };
    let mut changes = summary.cases.iter().flat_map(|case| &case.changes);
    let path = changes.next()?.path.as_ref()?;
    let one = summary.changed_families().all(|family| family == effect.family)
        && changes.all(|change| change.path.as_ref() == Some(path));
    let behind = *path.root() == Path::Argument(usize::from(argument));
    (one && behind && effect.lock.members.is_empty()).then_some(path)
}
