//! Places and pure expressions.
//!
//! A [`Place`] is *the* access path: a base and the steps from it. `p->x.y[i]` is local `p`, dereferenced,
//! field `x`, field `y`, element `i`.

use smol_str::SmolStr;

/// A name of the source text.
pub type Name = SmolStr;

/// A local of a body: index into `Body::locals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

/// Where an access path starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    /// A parameter, variable or temporary.
    Local(LocalId),
    /// Anything named outside the body: a global, a function, an enumerator spelled in lower case.
    Global(Name),
}

/// One step of an access path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Projection {
    /// `*p`
    Deref,
    /// `.name`
    Field(Name),
    /// `[i]`
    Index(Box<Expr>),
}

/// A storage location.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Start of the path.
    pub base: Base,
    /// Steps, outermost last.
    pub projections: Vec<Projection>,
}

impl Place {
    /// The local itself.
    pub fn local(id: LocalId) -> Self {
        Place { base: Base::Local(id), projections: Vec::new() }
    }

    /// The global itself.
    pub fn global(name: impl Into<Name>) -> Self {
        Place { base: Base::Global(name.into()), projections: Vec::new() }
    }

    /// `*self`
    pub fn deref(self) -> Self {
        self.project(Projection::Deref)
    }

    /// `self.name`
    pub fn field(self, name: impl Into<Name>) -> Self {
        self.project(Projection::Field(name.into()))
    }

    /// One step further.
    pub fn project(mut self, step: Projection) -> Self {
        self.projections.push(step);
        self
    }

    /// The local that this place *is*, when it has no projections.
    pub fn as_local(&self) -> Option<LocalId> {
        match (&self.base, self.projections.is_empty()) {
            (Base::Local(id), true) => Some(*id),
            _ => None,
        }
    }
}

/// Unary operators that keep meaning for conditions; `+x` and casts are transparent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Neg,
    /// `~`
    BitNot,
}

/// Binary operators; `&&` and `||` are branches and never appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Shl,
    Shr,
    BitAnd,
    BitOr,
    BitXor,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A pure expression: evaluating it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// An integer or character constant.
    Int(i64),
    /// `NULL`, `nullptr`.
    Null,
    /// A string literal: some address that is not null.
    Str,
    /// A named constant whose value the text does not tell: `ENOMEM`, `FOO_FLAG`, `sizeof(x)`.
    Const(Name),
    /// The value at a place.
    Read(Place),
    /// `&place`
    AddressOf(Place),
    /// Operator and operand.
    Unary(UnaryOp, Box<Expr>),
    /// Operator and operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Any value; every evaluation may give another.
    Unknown,
}

impl Expr {
    /// `!self`
    pub fn negated(self) -> Self {
        Expr::Unary(UnaryOp::Not, Box::new(self))
    }

    /// `self op other`
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Self {
        Expr::Binary(op, Box::new(left), Box::new(right))
    }
}
