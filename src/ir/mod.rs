//! The intermediate representation: one [`Body`] per function, whatever its language.
//!
//! ```text
//! C text ──▶ frontend::c ──┐
//!                          ├──▶ Body { params, locals, Cfg of BasicBlocks } ──▶ lock analysis
//! Rust text ─▶ frontend::rust ┘
//! ```
//!
//! There is no lock vocabulary here: a call is a call, and what it does to a lock is the profile's
//! business. Invariants: every block but the ones that end in `Return` or `Unreachable` has a successor; calls never hide inside
//! expressions (an [`Expr`] is pure); `&&`, `||` and `?:` have become branches.

pub mod builder;
pub mod cfg;
pub mod dump;
pub mod environment;
pub mod file_index;
pub mod parse;
pub mod place;

use crate::source::Span;
pub use builder::BodyBuilder;
pub use cfg::{
    BasicBlock, BlockId, Callee, Cfg, EdgeKind, Location, Predicate, Statement, StatementKind, Terminator,
    TerminatorKind,
};
pub use environment::Environment;
pub use file_index::FileIndex;
pub use place::{Base, BinaryOp, Expr, LocalId, Name, Place, Projection, UnaryOp};

/// What a local is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalKind {
    /// A formal parameter.
    Parameter,
    /// A variable of the source.
    Variable,
    /// A static variable of the function: its value survives calls.
    Static,
    /// Made by lowering, to hold the result of a call or a conditional expression.
    Temporary,
}

/// A parameter, variable or temporary of a body.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name; temporaries are called `_1`, `_2`, … by the dump.
    pub name: Name,
    /// What it is.
    pub kind: LocalKind,
    /// Its declared type as written, without storage class, empty when unknown (`struct foo *`, `bool`).
    pub ty: Name,
    /// Where it was declared.
    pub span: Span,
}

/// What a function gives back, as far as the text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnKind {
    /// Nothing.
    Void,
    /// A truth value.
    Bool,
    /// An integer or a type name that may be one.
    Integer,
    /// A pointer.
    Pointer,
    /// A value whose end gives something back: a guard.
    Guard,
    /// Anything else.
    Other,
}

/// What lowering noticed about a value that a call made, and a rule may want to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It ended at once, and nobody looked at it.
    Discarded,
    /// Its end runs code of the tree's own.
    EndsWithCode,
    /// It lives, without a name, as long as the body of the `match`, `if let` or loop that looks at it.
    Scrutinee,
}

/// Who can call a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// Only this file.
    Internal,
    /// Everybody.
    External,
}

/// Name of the annotation that a contract in a comment is: `/* lockbalance: holds(p) */`.
pub const CONTRACT_COMMENT: &str = "lockbalance";

/// An attribute or directive that stands on a definition, uninterpreted: `__must_hold(&x->lock)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The word, `__must_hold`.
    pub name: Name,
    /// Its arguments as written.
    pub args: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// The type, as far as anybody needs it, of a local whose end gives something back.
pub const GUARD: &str = "guard";

/// Cause of a [`Degradation`]: a call that may mean something, on a type that the text does not tell.
pub const UNKNOWN_RECEIVER: &str = "the type of a receiver is not told";

/// Something in a body that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degradation {
    /// Cause, from a small fixed vocabulary (`syntax error`, `structure mismatch`, `computed goto`, …).
    pub cause: &'static str,
    /// Where.
    pub span: Span,
}

/// The record that a type as written is, or points to: `row` for `const struct row *`.
fn record_in(ty: &str) -> Option<&str> {
    let mut words =
        ty.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).filter(|word| !word.is_empty());
    let plain =
        |word: &str| !matches!(word, "const" | "volatile" | "static" | "register" | "mut" | "dyn" | "impl");
    let mut first = None;
    while let Some(word) = words.next() {
        match word {
            "struct" | "union" => return words.next(),
            word if first.is_none() && plain(word) => first = Some(word),
            _ => {}
        }
    }
    first
}

/// One function, lowered.
#[derive(Clone, Debug)]
pub struct Body {
    /// The function's name.
    pub name: Name,
    /// The whole definition.
    pub span: Span,
    /// Name and parameter list, for messages about the function as a whole.
    pub header: Span,
    /// The closing brace: where a body that falls off its end returns.
    pub end: Span,
    /// Who can call it.
    pub linkage: Linkage,
    /// What it gives back.
    pub returns: ReturnKind,
    /// Number of parameters; they are the first locals.
    pub parameters: usize,
    /// All locals, parameters first.
    pub locals: Vec<Local>,
    /// The control-flow graph.
    pub cfg: Cfg,
    /// Annotations of the definition (and of its prototypes, where the environment knows them).
    pub annotations: Vec<Annotation>,
    /// What was not understood. Not empty means degraded: nothing in the body is claimed balanced across an `Opaque`.
    pub degradations: Vec<Degradation>,
    /// Remarks on values, by the span of the call that made them.
    pub remarks: Vec<(Span, Remark)>,
}

impl Body {
    /// The local's declaration.
    pub fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    /// The member that a call through `place` goes through, and the record that it is a member of where the text of the body tells:
    /// `action` of `row` for `ps->action`, `ps` being a `struct row *`.
    pub fn member_of<'p>(&self, place: &'p Place) -> Option<(Option<&str>, &'p Name)> {
        let at = place.projections.iter().rposition(|step| matches!(step, Projection::Field(_)))?;
        let Projection::Field(member) = &place.projections[at] else { return None };
        let direct = at == 0 || at == 1 && place.projections[0] == Projection::Deref;
        let record = match place.base {
            Base::Local(id) if direct => record_in(&self.local(id).ty),
            _ => None,
        };
        Some((record, member))
    }

    /// The ids of the parameters, in order.
    pub fn parameter_ids(&self) -> impl Iterator<Item = LocalId> + use<> {
        (0..self.parameters as u32).map(LocalId)
    }
}
