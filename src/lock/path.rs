//! Values and addresses in terms of a call: what a callee can say to its callers.

use super::analysis::LockAnalysis;
use super::terms::{Term, TermId};
use crate::ir::Name;
use crate::profile::FamilyId;
use crate::source::FileId;

/// A value or address in terms of the call: arguments, globals, result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// Argument `n`.
    Argument(usize),
    /// The returned value.
    Result,
    /// Address of a global.
    Global(Name),
    /// Address of a variable that only one file can name.
    Static(FileId, Name),
    /// What memory holds there.
    Load(Box<Path>),
    /// Address of a member.
    Field(Box<Path>, Name),
    /// Address of an element.
    Index(Box<Path>, Box<Path>),
    /// Two terms that name one lock.
    Pair(Box<Path>, Box<Path>),
    /// What a call gives that is presumed to give the same again: `priv_of(device)`.
    Call(Name, Vec<Path>),
    /// The answer to the question whether a lock is held.
    Asked(FamilyId, Box<Path>),
    /// A choice of the preprocessor's: one answer for all that are compiled together.
    Configuration(Name),
    /// A number.
    Int(i64),
    /// A named constant.
    Const(Name),
}

impl Path {
    /// Whether a pointer in memory is followed on the way.
    pub fn follows_pointer(&self) -> bool {
        match self {
            Path::Load(_) => true,
            Path::Field(base, _) | Path::Index(base, _) => base.follows_pointer(),
            Path::Pair(a, b) => a.follows_pointer() || b.follows_pointer(),
            Path::Call(..) => true,
            _ => false,
        }
    }

    /// Number of pointers in memory that are followed on the way.
    pub fn pointers(&self) -> usize {
        match self {
            Path::Load(inner) => 1 + inner.pointers(),
            Path::Field(base, _) | Path::Index(base, _) | Path::Asked(_, base) => base.pointers(),
            Path::Pair(a, b) => a.pointers() + b.pointers(),
            Path::Call(_, given) => 1 + given.iter().map(Path::pointers).sum::<usize>(),
            _ => 0,
        }
    }

    /// The same path, with `start` where it starts from the result.
    pub fn instead_of_result(&self, start: &Path) -> Path {
        let boxed = |inner: &Path| Box::new(inner.instead_of_result(start));
        match self {
            Path::Result => start.clone(),
            Path::Load(inner) => Path::Load(boxed(inner)),
            Path::Field(base, name) => Path::Field(boxed(base), name.clone()),
            Path::Index(base, index) => Path::Index(boxed(base), boxed(index)),
            Path::Pair(a, b) => Path::Pair(boxed(a), boxed(b)),
            Path::Asked(family, lock) => Path::Asked(*family, boxed(lock)),
            Path::Call(name, given) => {
                Path::Call(name.clone(), given.iter().map(|path| path.instead_of_result(start)).collect())
            }
            other => other.clone(),
        }
    }

    /// How a source spells it that calls the arguments so; `None` for an argument without a name.
    pub fn spelled(&self, arguments: &[Name]) -> Option<String> {
        Some(match self {
            Path::Argument(n) => arguments.get(*n)?.to_string(),
            Path::Global(name) | Path::Static(_, name) => format!("&{name}"),
            Path::Load(inner) => inner.spelled(arguments)?.trim_start_matches('&').to_owned(),
            Path::Field(base, name) => {
                let base = base.spelled(arguments)?;
                match base.strip_prefix('&') {
                    Some(object) => format!("&{object}.{name}"),
                    None => format!("&{base}->{name}"),
                }
            }
            Path::Index(base, _) => format!("{}[…]", base.spelled(arguments)?),
            Path::Pair(a, b) => format!("{}, {}", a.spelled(arguments)?, b.spelled(arguments)?),
            Path::Call(name, given) => {
                let given: Option<Vec<String>> = given.iter().map(|path| path.spelled(arguments)).collect();
                format!("{name}({})", given?.join(", "))
            }
            Path::Configuration(name) => name.to_string(),
            Path::Asked(_, lock) => format!("{} held", lock.spelled(arguments)?),
            Path::Int(value) => value.to_string(),
            Path::Const(name) => name.to_string(),
            Path::Result => "the result".to_owned(),
        })
    }

    /// What it starts from: an argument, a global, the result, or a constant.
    pub fn root(&self) -> &Path {
        match self {
            Path::Load(inner)
            | Path::Field(inner, _)
            | Path::Index(inner, _)
            | Path::Pair(inner, _)
            | Path::Asked(_, inner) => inner.root(),
            Path::Call(_, given) => given.first().map_or(self, Path::root),
            Path::Argument(_)
            | Path::Result
            | Path::Global(_)
            | Path::Static(..)
            | Path::Configuration(_)
            | Path::Int(_)
            | Path::Const(_) => self,
        }
    }
}

impl LockAnalysis<'_> {
    pub(super) fn path(&self, term: TermId, result: Option<TermId>) -> Option<Path> {
        if result == Some(term) && !matches!(self.terms.get(term), Term::Input(_) | Term::Int(_)) {
            return Some(Path::Result);
        }
        let boxed = |inner: TermId| self.path(inner, result).map(Box::new);
        Some(match self.terms.get(term) {
            Term::Int(value) => Path::Int(*value),
            Term::Const(name) => Path::Const(name.clone()),
            Term::Input(id) => Path::Argument(id.0 as usize),
            Term::Global(name) => match self.meanings.statics {
                Some(statics) if statics.contains(name) => Path::Static(self.body.span.file, name.clone()),
                _ => Path::Global(name.clone()),
            },
            Term::Load(address) => Path::Load(boxed(*address)?),
            Term::Old(inner) if !self.terms.reads_memory(term) => return self.path(*inner, result),
            Term::Field(base, name) => Path::Field(boxed(*base)?, name.clone()),
            Term::Index(base, index) => Path::Index(boxed(*base)?, boxed(*index)?),
            Term::Pair(a, b) => Path::Pair(boxed(*a)?, boxed(*b)?),
            Term::Call(name, given) => {
                let given: Option<Vec<Path>> = given.iter().map(|&term| self.path(term, result)).collect();
                Path::Call(name.clone(), given?)
            }
            Term::Configuration(name) => Path::Configuration(name.clone()),
            Term::Query(family, address) => Path::Asked(*family, boxed(*address)?),
            Term::Str
            | Term::Local(_)
            | Term::Old(_)
            | Term::Fresh(_)
            | Term::Older(_)
            | Term::Oldest(_)
            | Term::Unary(..)
            | Term::Binary(..) => return None,
        })
    }

    /// The term for `path` at a call with `args`.
    pub(super) fn instantiate(
        &mut self,
        state: &super::state::PathState,
        path: &Path,
        args: &[TermId],
        result: TermId,
    ) -> Option<TermId> {
        Some(match path {
            Path::Argument(n) => *args.get(*n)?,
            Path::Result => result,
            Path::Global(name) => self.terms.intern(Term::Global(name.clone())),
            Path::Static(file, name) if *file == self.body.span.file => {
                self.terms.intern(Term::Global(name.clone()))
            }
            Path::Static(file, name) => {
                let elsewhere = format!("{name} of file {}", file.0);
                self.terms.intern(Term::Global(Name::new(elsewhere)))
            }
            Path::Load(inner) => {
                let address = self.instantiate(state, inner, args, result)?;
                self.value_at(state, address)
            }
            Path::Field(base, name) => {
                let base = self.instantiate(state, base, args, result)?;
                self.terms.field(base, name.clone())
            }
            Path::Index(base, index) => {
                let base = self.instantiate(state, base, args, result)?;
                let index = self.instantiate(state, index, args, result)?;
                self.terms.intern(Term::Index(base, index))
            }
            Path::Pair(a, b) => {
                let a = self.instantiate(state, a, args, result)?;
                let b = self.instantiate(state, b, args, result)?;
                self.terms.intern(Term::Pair(a, b))
            }
            Path::Call(name, given) => {
                let given: Option<_> =
                    given.iter().map(|path| self.instantiate(state, path, args, result)).collect();
                self.terms.intern(Term::Call(name.clone(), given?))
            }
            Path::Asked(family, lock) => {
                let lock = self.instantiate(state, lock, args, result)?;
                let address = self.terms.canonical(lock);
                self.terms.intern(Term::Query(*family, address))
            }
            Path::Configuration(name) => self.terms.intern(Term::Configuration(name.clone())),
            Path::Int(value) => self.terms.int(*value),
            Path::Const(name) => self.terms.intern(Term::Const(name.clone())),
        })
    }
}

pub(super) fn last_name(path: &Path) -> Option<Name> {
    match path {
        Path::Field(_, name) | Path::Global(name) | Path::Static(_, name) => Some(name.clone()),
        Path::Index(base, _) | Path::Pair(base, _) => last_name(base),
        _ => None,
    }
}
