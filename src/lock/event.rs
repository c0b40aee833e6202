//! What happens to locks while a body is explored: the rules' raw material.

use super::state::{LockKey, PathState};
use super::terms::TermId;
use crate::engine::NodeId;
use crate::ir::{BlockId, Location, Name};
use crate::profile::{Context, LockMode};

/// Something that happened to a lock at a place, on the paths of one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To which lock.
    pub key: LockKey,
    /// Where.
    pub at: Location,
    /// The node whose execution did it.
    pub node: NodeId,
    /// The path contradicts a presumed fact.
    pub doubtful: bool,
    /// A callee was given the locked object and may have released it.
    pub lent: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// Taken; `by` names the callee of this file that took it.
    Acquired {
        /// The callee whose summary says so.
        by: Option<Name>,
    },
    /// An attempt failed.
    AttemptFailed,
    /// Given back; `queried` when the path has asked the lock whether it is held and was told yes, `held` when the
    /// path itself took it.
    Released {
        /// Guarded by a query.
        queried: bool,
        /// Taken on this path.
        held: bool,
        /// What is left with it.
        context: Context,
    },
    /// Taken although this path holds it and it does not nest; `by` as above.
    DoubleAcquire {
        /// The callee whose summary says so.
        by: Option<Name>,
    },
    /// Given back although this path already gave it back.
    DoubleRelease {
        /// The lock nests, and the function never took it: the caller may hold more than one.
        lent: bool,
    },
    /// Given back on a path on which taking it failed.
    ReleaseAfterFailure,
    /// Taken one way, given back another.
    WrongFlavour {
        /// How it was taken.
        held: LockMode,
        /// How it was given back.
        released: LockMode,
    },
    /// Saved state put where another lock's saved state still waits.
    SavedStateReused {
        /// That other lock.
        other: LockKey,
    },
    /// Interrupts switched on although another lock saved them off.
    EnabledUnder {
        /// That other lock.
        outer: LockKey,
    },
    /// Taken although the path asked the lock and was told "not held": `if (!is_locked(x)) lock(x)`.
    QueryAcquire,
    /// The result that tells whether it was taken is thrown away.
    ResultIgnored,
    /// The guard that holds it was thrown away without being run.
    Leaked,
    /// A guard ends whose lock this path has given back already.
    ReleasedUnderGuard,
    /// Held where code of somebody else runs that may unwind.
    MayUnwind,
    /// Held where the task may be suspended.
    Suspended,
    /// Destroyed while held.
    DestroyedHeld,
    /// Held when the thread ends.
    ThreadEnds,
    /// The text asserts that it is held; this path has given it back, or could not take it.
    AssertedHeld,
    /// The text asserts that it is not held; this path holds it.
    AssertedFree,
    /// Taken although the text has asserted, and nothing has changed since, that it is held.
    TakenAlthoughAsserted,
    /// A callee was called that wants it held; this path has given it back, or could not take it.
    CalledWithout {
        /// The callee.
        callee: Name,
        /// Where the callee says so: an annotation, an assertion, a comment, as written.
        word: Name,
    },
    /// A callee was called that wants it free; this path holds it.
    CalledHolding {
        /// The callee.
        callee: Name,
        /// Where the callee says so.
        word: Name,
    },
}

/// How a path leaves the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitKind {
    /// Without a value.
    Void,
    /// 0.
    Zero,
    /// A negative number.
    Error,
    /// A positive number.
    Positive,
    /// Not negative.
    NotNegative,
    /// Not zero.
    Nonzero,
    /// `true`.
    True,
    /// `false`.
    False,
    /// A null pointer.
    Null,
    /// An error pointer.
    ErrorPointer,
    /// A valid pointer.
    Pointer,
    /// Not told.
    Other,
}

/// Whether an exit is a success, by convention of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitClass {
    /// Success.
    Success,
    /// Failure.
    Failure,
    /// Cannot tell.
    Unknown,
}

impl ExitKind {
    /// The name that stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            ExitKind::Void => "void",
            ExitKind::Zero => "zero",
            ExitKind::Error => "error",
            ExitKind::Positive => "positive",
            ExitKind::NotNegative => "not-negative",
            ExitKind::Nonzero => "nonzero",
            ExitKind::True => "true",
            ExitKind::False => "false",
            ExitKind::Null => "null",
            ExitKind::ErrorPointer => "error-pointer",
            ExitKind::Pointer => "pointer",
            ExitKind::Other => "other",
        }
    }

    /// Success or failure.
    pub fn class(self) -> ExitClass {
        match self {
            ExitKind::Zero
            | ExitKind::Positive
            | ExitKind::NotNegative
            | ExitKind::True
            | ExitKind::Pointer => ExitClass::Success,
            ExitKind::Error
            | ExitKind::Nonzero
            | ExitKind::False
            | ExitKind::Null
            | ExitKind::ErrorPointer => ExitClass::Failure,
            ExitKind::Void | ExitKind::Other => ExitClass::Unknown,
        }
    }
}

/// One way out of the body, in one state.
#[derive(Clone, Debug)]
pub struct Exit {
    /// The node whose execution left.
    pub node: NodeId,
    /// The block it left from.
    pub block: BlockId,
    /// What it returns.
    pub kind: ExitKind,
    /// The returned value.
    pub value: Option<TermId>,
    /// The returned value as it names locks.
    pub name: Option<TermId>,
    /// The state on leaving.
    pub state: PathState,
}
