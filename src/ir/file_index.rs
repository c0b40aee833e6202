//! What one file defines and uses, read in one pass without parsing a body.

use super::place::Name;
use super::{Annotation, Linkage};
use crate::source::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};

/// A function definition, found by its boundaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionDefinition {
    /// Its name.
    pub name: Name,
    /// From the first word of the header to the closing brace.
    pub span: Span,
    /// The braces and what is between them.
    pub body: Span,
    /// Name and parameter list.
    pub header: Span,
    /// Who can call it.
    pub linkage: Linkage,
    /// The header does not read as C (`SYSCALL_DEFINE3(…)`, K&R): parameters were read from it word by word.
    pub irregular_header: bool,
    /// Annotation words between parameter list and body, or before the name.
    pub annotations: Vec<Annotation>,
    /// Identifiers directly followed by `(` in the body, each once, sorted: what the body may call.
    pub calls: Vec<Name>,
}

/// A macro definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroDefinition {
    /// Its name.
    pub name: Name,
    /// Parameter names; `None` for an object-like macro. A variadic parameter is `...` or `args...`.
    pub parameters: Option<Vec<Name>>,
    /// Its replacement text with line continuations and comments blanked (not necessarily the same length).
    pub body: String,
    /// Where it is defined.
    pub span: Span,
}

impl MacroDefinition {
    /// A definition that stands in no file: a profile gives it.
    pub fn without_place(name: Name, parameters: Option<Vec<Name>>, body: String) -> Self {
        MacroDefinition { name, parameters, body, span: Span::new(FileId(u32::MAX), 0, 0) }
    }
}

/// A `lockbalance:` directive that stands at a member of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDirective {
    /// The member, `record.member`.
    pub member: Name,
    /// Names of the parameters of the function that the member points to; one without a name is empty.
    pub parameters: Vec<Name>,
    /// What stands behind the colon.
    pub text: String,
    /// Where that stands.
    pub span: Span,
}

/// What one file defines.
#[derive(Clone, Debug, Default)]
pub struct FileIndex {
    /// Function definitions in the order of the text.
    pub functions: Vec<FunctionDefinition>,
    /// Macros by name; of several definitions of one name the first counts, the number of others is kept in `redefined`.
    pub macros: FxHashMap<Name, MacroDefinition>,
    /// Names with more than one differing definition: configuration decides, so nothing is inlined from them.
    pub redefined: Vec<Name>,
    /// Text of `#include` operands as written, with their quotes or brackets.
    pub includes: Vec<Name>,
    /// Annotations on prototypes, by function name.
    pub prototypes: FxHashMap<Name, Vec<Annotation>>,
    /// Variables at file level that no other file can name.
    pub statics: FxHashSet<Name>,
    /// Variables and members that are locks which their holder may take again.
    pub recursive: FxHashSet<Name>,
    /// What the file declares about types, as text in full paths: `Record.member` and `CONSTANT` give a type, `Record::method()` and
    /// `function()` the type of the result, `use Name` what a public import stands for, `type Name` an alias, `deref Name` what a
    /// pointer-like record points to, `drop Name` is there when ending such a value runs code. Of records with pointers to functions:
    /// `layout Record` gives the names of all members in order, `parameters Record.member` those of what the function takes, each with
    /// commas between.
    pub declarations: FxHashMap<Name, Name>,
    /// What names at file level stand for: `Mutex` for `std::sync::Mutex`.
    pub imports: FxHashMap<Name, Name>,
    /// The edition of the language, where it has one.
    pub edition: u16,
    /// Why the file could not be read as its language at all.
    pub unreadable: Option<String>,
    /// `lockbalance:` directive comments: the text after the colon, and where.
    pub directives: Vec<(String, Span)>,
    /// Those among them that stand at a member of a record.
    pub member_directives: Vec<MemberDirective>,
    /// Functions put into tables, with the slot, where the language tells that without a closer look: see [`References::slots`].
    pub puts: Vec<(Name, Name)>,
}

/// Names that stand where a function may be meant without being called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Hashes ([`word_hash`]) of words that are not called, declared or members: sorted, each once.
    pub mentioned: Vec<u32>,
    /// Functions put into a table member (`ops.read`; by its position `ops[2]`; `->read` when nobody tells of what) or handed to a call
    /// (`setup_timer#1`), with the name of that slot.
    pub slots: Vec<(Name, Name)>,
}

/// A small hash of a word (FNV-1a): two words that share it are taken for one, which errs towards "mentioned".
pub fn word_hash(word: &[u8]) -> u32 {
    word.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
