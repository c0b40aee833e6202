//! What a function declares that it does to its caller's locks: `holds(&dev->lock)`, `releases(page(arg1))`, `acquires(p, on = 0)`.
//!
//! One type for all who declare: comments in the source, the configuration, annotations of sparse and Clang, slots of tables.
//!
//! ```text
//! text ─ parse ─▶ Contract (names as written) ─ bind(profile, parameters) ─▶ Terms (families, paths) ─▶ what exits must show, what calls do
//! ```
//!
//! A lock is written as an expression in terms of the function: its parameters by their names or as `arg0`, `arg1`, … (counted
//! from 0, as everywhere in the profiles), its result as `ret`, a variable of the program by its name, members behind them. With a
//! family around it, `page(arg1)`, only locks of that family are meant; without, whatever lock lies there. `family()` is the one lock
//! of a family that has one for the whole program. What `p->lock` means, the lock in that member or the one that the member points to, the
//! text does not tell: both are tried, in this order; `&p->lock` is the first alone.

mod read;

use super::path::Path;
use super::state::Signs;
use crate::ir::Name;
pub use crate::profile::ProfileError;
use crate::profile::{FamilyId, Profile, Sharing, nearest};
use std::ops::Range;

/// What is promised of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// The caller holds it on entry and still on exit.
    Holds,
    /// The caller holds it on entry, and not any more on exit.
    Releases,
    /// The caller does not hold it on entry, and does on exit.
    Acquires,
}

impl Promise {
    /// All of them.
    pub const ALL: [Promise; 3] = [Promise::Holds, Promise::Releases, Promise::Acquires];

    /// The word that it is written with.
    pub fn word(self) -> &'static str {
        match self {
            Promise::Holds => "holds",
            Promise::Releases => "releases",
            Promise::Acquires => "acquires",
        }
    }

    /// Whether the caller holds the lock on entry.
    pub fn is_held_on_entry(self) -> bool {
        self != Promise::Acquires
    }

    /// How many times more the lock is held on exit than on entry.
    pub fn balance(self) -> i32 {
        match self {
            Promise::Holds => 0,
            Promise::Releases => -1,
            Promise::Acquires => 1,
        }
    }
}

/// The results at which a promise is kept; at others the lock is as it was on entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Signs of the result.
    pub signs: Signs,
    /// The result itself, when it is one number.
    pub value: Option<i64>,
    /// As written behind `on =`.
    pub spelled: Name,
}

/// Where an expression begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// Argument `n`, counted from 0.
    Argument(usize),
    /// A parameter, or a variable of the program.
    Named(Name),
    /// The result.
    Result,
}

/// An expression that names an object: `arg0`, `dev->lock`, `*p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Where it begins.
    Root(Root),
    /// `of->name` (an arrow) or `of.name`.
    Member(Box<Access>, bool, Name),
    /// `of[n]`; `None` when the index is no number.
    Element(Box<Access>, Option<i64>),
    /// `*of`
    Behind(Box<Access>),
}

/// A lock as a contract writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockExpr {
    /// Its family; without one, whatever lock lies there.
    pub family: Option<Name>,
    /// Where it is; `None`: the family has one lock for the whole program.
    pub access: Option<Access>,
    /// `&` stands before: the lock is the object itself, and not what it may point to.
    pub address_of: bool,
    /// As written.
    pub spelled: Name,
}

/// One promise about one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What is promised.
    pub promise: Promise,
    /// Of which lock.
    pub lock: LockExpr,
    /// At which results; `None`: at all.
    pub on: Option<Outcome>,
    /// How the lock is held.
    pub sharing: Sharing,
    /// Where it stands in the text that it was read from, in bytes.
    pub span: Range<usize>,
}

/// All that a function (or a slot) declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// One by one, in the order of the text.
    pub clauses: Vec<Clause>,
}

/// A [`Clause`] in terms of the analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What is promised.
    pub promise: Promise,
    /// Families that the lock may be of; empty: any.
    pub families: Vec<FamilyId>,
    /// Addresses that may be meant, the likeliest first.
    pub paths: Vec<Path>,
    /// At which results; `None`: at all.
    pub on: Option<Outcome>,
    /// How the lock is held.
    pub sharing: Sharing,
    /// How the contract writes the lock.
    pub spelled: Name,
}

impl Contract {
    /// Reads `holds(&dev->lock) releases(p), acquires(q, on = 0)`.
    ///
    /// # Errors
    /// When it is written otherwise, or says two things of one lock that cannot both be; the span lies within `text`.
    pub fn parse(text: &str) -> Result<Contract, ProfileError> {
        let contract = Contract { clauses: read::contract(text)? };
        contract.check()?;
        Ok(contract)
    }

    /// Refuses two promises about one lock that hold at the same results.
    ///
    /// # Errors
    /// When there are such.
    pub fn check(&self) -> Result<(), ProfileError> {
        for (at, clause) in self.clauses.iter().enumerate() {
            let same = |other: &&Clause| {
                other.lock.family == clause.lock.family
                    && other.lock.access == clause.lock.access
                    && overlap(other.on.as_ref(), clause.on.as_ref())
            };
            if let Some(other) = self.clauses[..at].iter().find(same) {
                let message = match (other.promise, clause.promise) {
                    (a, b) if a == b => format!("`{}` is said twice of `{}`", a.word(), clause.lock.spelled),
                    (Promise::Releases, Promise::Acquires) | (Promise::Acquires, Promise::Releases) => {
                        format!(
                            "`{}` cannot be both released and acquired: `holds` is what is meant when it is held on entry and on exit",
                            clause.lock.spelled
                        )
                    }
                    (a, b) => {
                        format!(
                            "`{}` and `{}` of `{}` exclude each other",
                            a.word(),
                            b.word(),
                            clause.lock.spelled
                        )
                    }
                };
                return Err(ProfileError::at(message, clause.span.clone()));
            }
        }
        Ok(())
    }

    /// The contract in terms of a function with these parameters, under the families of `profile`.
    pub fn bind(&self, profile: &Profile, parameters: &[Name]) -> Vec<Term> {
        let term = |clause: &Clause| Term {
            promise: clause.promise,
            families: clause.lock.family.as_ref().map_or(Vec::new(), |name| profile.families_called(name)),
            paths: clause.lock.paths(parameters),
            on: clause.on.clone(),
            sharing: clause.sharing,
            spelled: clause.lock.spelled.clone(),
        };
        self.clauses.iter().map(term).collect()
    }

    /// The first clause whose family `profile` does not have, as an error with its place.
    ///
    /// # Errors
    /// When there is such a clause.
    pub fn check_families(&self, profile: &Profile) -> Result<(), ProfileError> {
        for clause in &self.clauses {
            let Some(name) =
                clause.lock.family.as_ref().filter(|name| profile.families_called(name).is_empty())
            else {
                continue;
            };
            let known = profile.families.iter().flat_map(|family| {
                std::iter::once(family.name.as_str()).chain(family.also_called.iter().map(Name::as_str))
            });
            return Err(ProfileError {
                message: format!("unknown lock family `{name}`"),
                span: Some(clause.span.clone()),
                suggestion: nearest(name, known),
            });
        }
        Ok(())
    }
}

impl Clause {
    /// Reads what stands between the parentheses of a clause, or in a list of the configuration: `page(arg1)`, `p, on = 0`.
    ///
    /// # Errors
    /// When it is written otherwise; the span lies within `text`.
    pub fn parse(promise: Promise, text: &str) -> Result<Clause, ProfileError> {
        read::clause(promise, text)
    }
}

/// Whether some result fits both.
fn overlap(a: Option<&Outcome>, b: Option<&Outcome>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    match (a.value, b.value) {
        (Some(a), Some(b)) => a == b,
        _ => a.signs.and(b.signs) != Signs::NONE,
    }
}

impl LockExpr {
    /// The addresses that may be meant, in terms of a function with these parameters.
    pub fn paths(&self, parameters: &[Name]) -> Vec<Path> {
        let Some(access) = &self.access else { return vec![Path::Int(0)] };
        let mut paths: Vec<Path> = Vec::new();
        paths.extend(access.address(parameters));
        if !self.address_of {
            let value = access.value(parameters);
            paths.extend((!paths.contains(&value)).then_some(value));
        }
        paths
    }
}

impl Access {
    fn root(root: &Root, parameters: &[Name]) -> Path {
        match root {
            Root::Argument(n) => Path::Argument(*n),
            Root::Result => Path::Result,
            Root::Named(name) => match parameters.iter().position(|parameter| parameter == name) {
                Some(n) => Path::Argument(n),
                None => Path::Global(name.clone()),
            },
        }
    }

    /// The address of the object; `None` for a parameter itself, whose address is no caller's.
    fn address(&self, parameters: &[Name]) -> Option<Path> {
        match self {
            Access::Root(root) => {
                Some(Access::root(root, parameters)).filter(|path| matches!(path, Path::Global(_)))
            }
            Access::Behind(of) => Some(of.value(parameters)),
            Access::Member(of, arrow, name) => {
                let object = match of.address(parameters).filter(|_| !arrow) {
                    Some(address) => address,
                    // `self.lock`: what a parameter refers to.
                    None => of.value(parameters),
                };
                Some(Path::Field(Box::new(object), name.clone()))
            }
            Access::Element(of, index) => {
                let array = of.address(parameters).unwrap_or_else(|| of.value(parameters));
                Some(Path::Index(Box::new(array), Box::new(Path::Int((*index)?))))
            }
        }
    }

    fn value(&self, parameters: &[Name]) -> Path {
        match self {
            Access::Root(root) => match Access::root(root, parameters) {
                Path::Global(name) => Path::Load(Box::new(Path::Global(name))),
                path => path,
            },
            other => match other.address(parameters) {
                Some(address) => Path::Load(Box::new(address)),
                // An element of which nobody knows which.
                None => Path::Const(Name::new_static("?")),
            },
        }
    }
}

impl std::fmt::Display for Term {
    /// As the contract writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.on {
            Some(on) => write!(f, "{}({}, on = {})", self.promise.word(), self.spelled, on.spelled),
            None => write!(f, "{}({})", self.promise.word(), self.spelled),
        }
    }
}

impl Term {
    /// How many times more the lock is held on exit than on entry, for a result of these signs; `None` when they do not tell.
    pub fn balance_at(&self, signs: Signs, value: Option<i64>) -> Option<i32> {
        let Some(on) = &self.on else { return Some(self.promise.balance()) };
        let met = match (on.value, value) {
            (Some(wanted), Some(value)) => Some(wanted == value),
            (Some(0), None) if signs == Signs::ZERO => Some(true),
            (Some(_), None) if signs.and(on.signs) != Signs::NONE => None,
            (Some(_), None) => Some(false),
            (None, _) if signs.within(on.signs) => Some(true),
            (None, _) if signs.and(on.signs) == Signs::NONE => Some(false),
            (None, _) => None,
        };
        met.map(|met| if met { self.promise.balance() } else { 0 })
    }
}

#[cfg(test)]
mod tests;
