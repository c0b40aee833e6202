//! Reads profiles from TOML; the user's own families use the same grammar.

pub use super::error::{ProfileError, from_toml, nearest};
use super::family::add_family;
use super::spelling::{call, path};
use super::syntax::{ContractWordsText, NoReturnText, ProfileText};
use super::{Alias, CallEffect, FamilyId, LockRoot, NoReturn, Profile, Sharing, WordMeaning};
use crate::ir::Name;
use crate::ir::environment::Wrapper;
use crate::ir::file_index::MacroDefinition;
use std::sync::OnceLock;
use toml::Spanned;

/// The names of the built-in profiles.
pub const BUILTIN: [&str; 4] = ["linux", "pthread", "c11", "rust"];

/// The built-in profile `name`.
pub fn builtin(name: &str) -> Option<&'static Profile> {
    static PROFILES: [OnceLock<Profile>; BUILTIN.len()] = [const { OnceLock::new() }; BUILTIN.len()];
    let at = BUILTIN.iter().position(|known| *known == name)?;
    Some(PROFILES[at].get_or_init(|| {
        let text = match name {
            "rust" => return load(include_str!("families/rust.toml"), name, "rust"),
            "linux" => include_str!("families/linux.toml"),
            "pthread" => include_str!("families/pthread.toml"),
            _ => include_str!("families/c11.toml"),
        };
        let mut profile = load(include_str!("families/c.toml"), name, "c");
        profile.join(&load(text, name, name));
        profile
    }))
}

/// A text of the program itself. A test loads them all; a profile that is missing must never look like a tree without locks.
fn load(text: &str, name: &str, file: &str) -> Profile {
    let mut profile = parse(text, name).unwrap_or_else(|error| panic!("built-in profile `{name}`: {error}"));
    profile.place_rows(&format!("families/{file}.toml"), text);
    profile
}

/// Reads a profile.
///
/// # Errors
/// When the text is no TOML, has an unknown key or a wrong type, or a call is not spelled as `name(path)`.
pub fn parse(text: &str, name: &str) -> Result<Profile, ProfileError> {
    let parsed: ProfileText = toml::from_str(text).map_err(|error| from_toml(&error))?;
    parsed.into_profile(name)
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
        profile.thread_ends.extend(self.thread_ends.into_iter().map(Name::from));
        for text in &self.thread_starts {
            let (name, place) = call(text)?;
            match place.root {
                LockRoot::Argument(n) => profile.thread_starts.insert((name, n)),
                _ => {
                    return Err(ProfileError::at(
                        "it is an argument that is the function".to_owned(),
                        text.span(),
                    ));
                }
            };
        }
        profile.transparent.extend(self.transparent.into_iter().map(Name::from));
        profile.warnings.extend(self.warnings.into_iter().map(Name::from));
        for (head, body) in self.macros {
            let definition = macro_definition(&head, body)?;
            profile.macros.insert(definition.name.clone(), definition);
        }
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
        profile.contract_words.extend(words(self.contract_words));
        profile.unwinds = self.unwinds;
        profile.lends_explicitly = self.lends_explicitly;
        profile.suspends.extend(self.suspends.into_iter().map(Name::from));
        profile.runs_closure.extend(self.runs_closure.into_iter().map(Name::from));
        let wrappers = |names: Vec<String>, kind| names.into_iter().map(move |name| (Name::from(name), kind));
        profile.wrappers.extend(wrappers(self.pointers, Wrapper::Pointer));
        profile.wrappers.extend(wrappers(self.in_place, Wrapper::InPlace));
        Ok(profile)
    }
}

/// `name(parameter, …)` with its replacement text.
fn macro_definition(head: &Spanned<String>, body: String) -> Result<MacroDefinition, ProfileError> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if is_word(head.get_ref()) {
        return Ok(MacroDefinition::without_place(Name::new(head.get_ref()), None, body));
    }
    let parts = head.get_ref().split_once('(').and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    let read = parts.map(|(name, list)| (name.trim(), list.split(',').map(str::trim).collect::<Vec<_>>()));
    let Some((name, parameters)) =
        read.filter(|(name, list)| is_word(name) && list.iter().all(|p| is_word(p)))
    else {
        let message = format!("`{}` is no macro, as `name` or `name(first, second)`", head.get_ref());
        return Err(ProfileError { message, span: Some(head.span()), suggestion: None });
    };
    let parameters = parameters.into_iter().map(Name::from).collect();
    Ok(MacroDefinition::without_place(name.into(), Some(parameters), body))
}

fn words(text: ContractWordsText) -> impl Iterator<Item = (Name, (WordMeaning, Sharing))> {
    let groups = [
        (text.acquires, WordMeaning::Acquires, Sharing::Any),
        (text.acquires_shared, WordMeaning::Acquires, Sharing::Shared),
        (text.try_acquires, WordMeaning::TryAcquires, Sharing::Any),
        (text.try_acquires_shared, WordMeaning::TryAcquires, Sharing::Shared),
        (text.releases, WordMeaning::Releases, Sharing::Any),
        (text.releases_shared, WordMeaning::Releases, Sharing::Shared),
        (text.holds, WordMeaning::Holds, Sharing::Any),
        (text.holds_shared, WordMeaning::Holds, Sharing::Shared),
        (text.excludes, WordMeaning::Excludes, Sharing::Any),
        (text.untold, WordMeaning::Untold, Sharing::Any),
    ];
    let named = |(words, meaning, sharing): (Vec<String>, WordMeaning, Sharing)| {
        words.into_iter().map(move |word| (Name::from(word), (meaning, sharing)))
    };
    groups.into_iter().flat_map(named)
}

impl Profile {
    /// Adds `other`: its families behind the present ones, its calls over calls of the same name; what it says is no lock is
    /// none any more.
    pub fn join(&mut self, other: &Profile) {
        let offset = self.families.len() as u16;
        self.names.extend(
            other.names.iter().filter(|name| !self.names.contains(name)).cloned().collect::<Vec<_>>(),
        );
        self.markers.extend(other.markers.iter().cloned());
        self.families.extend(other.families.iter().cloned());
        for name in &other.not_locks {
            self.calls.remove(name);
        }
        for (name, effects) in &other.calls {
            let effects = effects
                .iter()
                .map(|effect| CallEffect { family: FamilyId(effect.family.0 + offset), ..effect.clone() })
                .collect();
            self.calls.insert(name.clone(), effects);
        }
        self.rows.extend(other.rows.iter().map(|(name, place)| (name.clone(), place.clone())));
        self.no_return.extend(other.no_return.iter().map(|(name, when)| (name.clone(), *when)));
        self.thread_ends.extend(other.thread_ends.iter().cloned());
        self.thread_starts.extend(other.thread_starts.iter().cloned());
        self.transparent.extend(other.transparent.iter().cloned());
        self.warnings.extend(other.warnings.iter().cloned());
        self.macros.extend(other.macros.iter().map(|(name, definition)| (name.clone(), definition.clone())));
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
        self.contract_words.extend(other.contract_words.iter().map(|(word, said)| (word.clone(), *said)));
        self.signatures.extend(other.signatures.iter().map(|(name, gives)| (name.clone(), gives.clone())));
        self.guards.extend(other.guards.iter().cloned());
        self.methods.extend(other.methods.iter().cloned());
        self.types.extend(other.types.iter().cloned());
        self.wrappers.extend(other.wrappers.iter().map(|(name, kind)| (name.clone(), *kind)));
        self.runs_closure.extend(other.runs_closure.iter().cloned());
        self.unwinds |= other.unwinds;
        self.lends_explicitly |= other.lends_explicitly;
        self.suspends.extend(other.suspends.iter().cloned());
    }
}
