//! Profiles: what an API call does to a lock, as data.
//!
//! A [`Profile`] is a set of lock families read from TOML (`families/*.toml`, and the user's own configuration
//! in the same grammar). The analysis asks one thing of it: what does a call of this name do? No API name
//! stands in Rust code.

pub mod error;
mod family;
pub mod load;
mod methods;
pub mod spelling;
pub mod syntax;

use crate::ir::Name;
use crate::ir::environment::{Signature, Wrapper};
use crate::ir::file_index::MacroDefinition;
pub use error::{ProfileError, nearest};
use rustc_hash::{FxHashMap, FxHashSet};

/// Index of a family in [`Profile::families`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(pub u16);

/// Shared or exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// One holder.
    Exclusive,
    /// Many readers.
    Shared,
    /// The call does not say: a release that fits both (`pthread_rwlock_unlock`), a query.
    Any,
}

/// What happens to interrupts, bottom halves or preemption beside the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Nothing.
    Plain,
    /// Bottom halves off / on.
    Bh,
    /// Interrupts off / on, whatever they were.
    Irq,
    /// Interrupts off with the old state saved / restored from it.
    IrqSave,
    /// The call does not say.
    Any,
}

/// How a lock is held: taken one way, it must be released the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockMode {
    /// Shared or exclusive.
    pub sharing: Sharing,
    /// What happens beside the lock.
    pub context: Context,
}

/// A test on the result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultTest {
    /// `!= 0`, non-null, true.
    Nonzero,
    /// `== 0`, null, false.
    Zero,
    /// `== 0`; what does not pass is negative (an error code).
    ZeroElseNegative,
    /// `>= 0` (and, for pointers, not an error pointer).
    NotNegative,
    /// `< 0`, or an error pointer.
    Negative,
    /// A pointer that is neither null nor an error pointer; an integer `> 0`.
    Positive,
}

/// Where the lock is found, seen from a call. Written `0`, `0->lock`, `*2`, `0+1`, `ret`, `ret->lock`, or nothing (global).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LockPath {
    /// Where the path starts.
    pub root: LockRoot,
    /// Member names reached from there, each through a pointer (`0->mm->mmap_lock`).
    pub members: Vec<Name>,
}

/// Start of a [`LockPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LockRoot {
    /// Argument `n`, counted from 0: the lock is what the argument points to.
    Argument(u8),
    /// What argument `n` points to, dereferenced once more: the call stores a pointer to the lock there (`*2`).
    ThroughArgument(u8),
    /// Two arguments together name one lock (bit and word).
    Pair(u8, u8),
    /// The object that the call returns.
    Result,
    /// One lock for the whole program.
    Global,
    /// Not told: the family is affected, which lock is not known.
    Unknown,
}

/// What a call does to the lock at its [`LockPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Held afterwards.
    Acquire,
    /// Held afterwards when the result passes the test.
    TryAcquire(ResultTest),
    /// Not held afterwards.
    Release,
    /// Not held afterwards when the result passes the test (`lockref_put_or_lock` and its kind the other way round).
    ReleaseIf(ResultTest),
    /// End of a scope guard: released if the guard still holds it, no complaint otherwise.
    GuardRelease,
    /// Result tells whether *somebody* holds it.
    Query(ResultTest),
    /// Asserts that it is held; changes nothing.
    Assert,
    /// Asserts that it is not held; changes nothing.
    AssertNot,
    /// Released and taken again inside; held before and after.
    DropAndRetake,
    /// Exclusive becomes shared.
    Downgrade,
    /// Shared becomes exclusive, when the result passes the test.
    Upgrade(ResultTest),
    /// Released by somebody else later (handed to a callback, an I/O completion).
    Transfer,
    /// Perhaps released inside, told in a way that nobody follows: bits of the result, a context of many locks.
    MayRelease,
    /// The guard is thrown away without being run: nobody gives the lock back unless somebody does so by hand.
    Leak,
    /// Made, not held.
    Init,
    /// Destroyed.
    Destroy,
}

/// What one call does to one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEffect {
    /// The family of the lock.
    pub family: FamilyId,
    /// What happens.
    pub effect: Effect,
    /// How the lock is held.
    pub mode: LockMode,
    /// Which lock.
    pub lock: LockPath,
    /// Argument that receives or gives back saved state (`flags` of irqsave, the index of SRCU);
    /// `Some(SavedState::Result)` when it is the result.
    pub saved: Option<SavedState>,
    /// Arguments that, all zero or null, leave an attempt no way to fail: `ww_mutex_lock(l, NULL)`.
    pub sure_if_zero: Vec<u8>,
    /// It may be taken this way by who holds it already: `read_recursive`.
    pub nests: bool,
    /// An attempt that fails only when it is misused (`pthread_mutex_lock`): nobody need look at the result.
    pub rarely_fails: bool,
    /// The constant that an attempt returns when it fails for being held already: `EBUSY`.
    pub fails_with: Option<Name>,
    /// Arguments that must all be zero or null for the effect to be the caller's: otherwise something else owns the lock (a
    /// wait-die context that drops all its locks at once).
    pub only_if_zero: Vec<u8>,
}

impl CallEffect {
    /// One that saves nothing and hangs on no argument.
    pub fn plain(family: FamilyId, effect: Effect, mode: LockMode, lock: LockPath) -> Self {
        CallEffect {
            family,
            effect,
            mode,
            lock,
            saved: None,
            sure_if_zero: Vec::new(),
            nests: false,
            rarely_fails: false,
            fails_with: None,
            only_if_zero: Vec::new(),
        }
    }
}

/// Where saved state travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SavedState {
    /// Argument `n`.
    Argument(u8),
    /// The call's result.
    Result,
}

/// What an annotation word declares of the locks that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordMeaning {
    /// Held on return, not on entry.
    Acquires,
    /// Held on return when the result says so: the first argument is that result, or nobody says which when there is but one argument.
    TryAcquires,
    /// Held on entry, not on return.
    Releases,
    /// Held on entry and on return.
    Holds,
    /// Not held on entry.
    Excludes,
    /// Something about locks that is not read any further: a function that says so is left alone.
    Untold,
}

/// Where a row stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// The text: `families/linux.toml` of the program itself, or the user's configuration.
    pub file: Name,
    /// Line in it, from 1.
    pub line: u32,
    /// Offset of the row, in bytes.
    pub(super) offset: usize,
}

/// Who may release a lock of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleasedBy {
    /// Who took it.
    #[default]
    Holder,
    /// A callee that is given the locked object too, at once or later (page locks: I/O completion).
    Callee,
    /// Anybody at any time (semaphores as signals): a function that returns holding it is not by itself at fault.
    Anyone,
}

/// One family of locks.
#[derive(Clone, Debug)]
pub struct LockFamily {
    /// Its name: `mutex`, `spinlock`, `rcu`.
    pub name: Name,
    /// Other names that contracts may call it by: the lock of a page is that of its folio.
    pub also_called: Vec<Name>,
    /// Families with the same word here are taken one for the other by mistake: the flavours of RCU.
    pub kin: Option<Name>,
    /// Taking it again in the same context is counted, not a deadlock. Its shared side may nest even where the exclusive does not.
    pub nests: bool,
    /// Anybody may release it, but who both takes and releases it uses it as a lock.
    pub used_as_lock: bool,
    /// Taking the shared side again is counted.
    pub shared_nests: bool,
    /// Who may release it.
    pub released_by: ReleasedBy,
    /// Beginnings of names of functions that never release what they are given, where [`ReleasedBy::Callee`] holds.
    pub keeps: Vec<Name>,
    /// Made to be held while a task is suspended.
    pub asynchronous: bool,
    /// Values of some type hold it and give it back when they end: an address of such a lock is never null, and an attempt on one that
    /// this path holds fails.
    pub guarded: bool,
    /// Code that ends or suspends such a state (interrupts off, preemption off) often leaves it to whoever comes next: a function that
    /// hands it over is not by itself at fault.
    pub often_left: bool,
    /// Findings about it are reported unless configured otherwise; `false`: known, but silent.
    pub reported: bool,
    /// Bad and good example, each a C (or Rust) snippet, run as tests.
    pub examples: Vec<Example>,
}

/// A family's example.
#[derive(Clone, Debug)]
pub struct Example {
    /// Rule that must fire (`LB001`) in `bad`; nothing may fire in `good`.
    pub rule: Name,
    /// A snippet with the fault.
    pub bad: String,
    /// The same, mended.
    pub good: String,
}

/// When a call ends the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoReturn {
    /// Never returns.
    Always,
    /// Does not return when its first argument is true (`BUG_ON`).
    IfTrue,
    /// Does not return when its first argument is false (`assert`).
    IfFalse,
}

/// A function whose result names an object that another expression names too: `page_folio(p)` and `p` share their lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// What the result equals, seen from the call.
    pub equals: LockPath,
}

/// Everything known about the calls of one API.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Names of the profiles joined in this one, in order (`linux`, `pthread`).
    pub names: Vec<Name>,
    /// Starts of `#include` operands (without bracket or quote) by which a file chooses this profile.
    pub markers: Vec<String>,
    /// All families.
    pub families: Vec<LockFamily>,
    /// Effects by function or macro name; several when a call touches several locks. Guard classes stand here too, under
    /// the names that lowering gives their ends: `class_mutex_constructor`, `class_mutex_destructor`.
    pub calls: FxHashMap<Name, Vec<CallEffect>>,
    /// Annotation words that declare a contract, and how the locks are held of which they speak.
    pub contract_words: FxHashMap<Name, (WordMeaning, Sharing)>,
    /// Where the (first) row of each of these calls stands.
    pub rows: FxHashMap<Name, RowPlace>,
    /// Calls that end the path.
    pub no_return: FxHashMap<Name, NoReturn>,
    /// Of them, those that end only the thread.
    pub thread_ends: FxHashSet<Name>,
    /// Arguments that are the functions of new threads, by call.
    pub thread_starts: FxHashSet<(Name, u8)>,
    /// Calls that return their first argument's truth unchanged: `likely`, `WARN_ON`, `READ_ONCE`.
    pub transparent: FxHashSet<Name>,
    /// Of the calls that give an argument back, those that warn when it is true: `WARN_ON(x);` says that `x` is not believed.
    pub warnings: FxHashSet<Name>,
    /// Macros whose definition hangs on the configuration, with the one that counts.
    pub macros: FxHashMap<Name, MacroDefinition>,
    /// Calls whose result is another name for something: lock identity.
    pub aliases: FxHashMap<Name, Alias>,
    /// Members that lie at offset 0 of their object and share its lock: `page` of a folio.
    pub same_address_members: FxHashSet<Name>,
    /// Calls that give an error pointer / test for one: `ERR_PTR`, `IS_ERR`, `IS_ERR_OR_NULL`, `PTR_ERR`.
    pub error_pointers: ErrorPointerCalls,
    /// Names that look like lock calls and are none.
    pub not_locks: FxHashSet<Name>,
    /// Words in names of macros that publish the function they are given: `EXPORT_SYMBOL`.
    pub exports: Vec<Name>,
    /// Names that mean a block macro: `true` when the block is a loop, `false` when it runs once.
    pub block_macros: FxHashMap<Name, bool>,
    /// Attribute words that mean nothing to control flow.
    pub attributes: FxHashSet<Name>,
    /// What calls give, where values carry a lock.
    pub signatures: FxHashMap<Name, Signature>,
    /// Types whose values give a lock back when they end; `Type::drop` is among the calls.
    pub guards: FxHashSet<Name>,
    /// Names of methods that stand in a row, with a leading dot.
    pub methods: FxHashSet<Name>,
    /// Types that rows are about.
    pub types: FxHashSet<Name>,
    /// Types that stand for what they hold.
    pub wrappers: FxHashMap<Name, Wrapper>,
    /// Methods that run a closure before they return.
    pub runs_closure: FxHashSet<Name>,
    /// Code that is called without being known may unwind.
    pub unwinds: bool,
    /// Lowering itself says which variables a callee may have written.
    pub lends_explicitly: bool,
    /// Calls at which a task may be suspended.
    pub suspends: FxHashSet<Name>,
}

/// Names of the error-pointer vocabulary of an API.
#[derive(Clone, Debug, Default)]
pub struct ErrorPointerCalls {
    /// Integer to pointer, `ERR_PTR`.
    pub make: FxHashSet<Name>,
    /// Pointer to integer, `PTR_ERR`.
    pub value: FxHashSet<Name>,
    /// Test, `IS_ERR`.
    pub test: FxHashSet<Name>,
    /// Test that also takes null, `IS_ERR_OR_NULL`.
    pub test_or_null: FxHashSet<Name>,
    /// Pointer to integer, zero when no error: `PTR_ERR_OR_ZERO`.
    pub value_or_zero: FxHashSet<Name>,
}

impl Profile {
    /// The family.
    pub fn family(&self, id: FamilyId) -> &LockFamily {
        &self.families[id.0 as usize]
    }

    /// The families whose locks findings are about.
    pub fn reported_families(&self) -> impl Iterator<Item = FamilyId> + '_ {
        let all = self.families.iter().enumerate().filter(|(_, family)| family.reported);
        all.map(|(at, _)| FamilyId(at as u16))
    }

    /// The families that a contract means by `name`: several where several libraries have one of that name.
    pub fn families_called(&self, name: &str) -> Vec<FamilyId> {
        let fits =
            |family: &LockFamily| family.name == name || family.also_called.iter().any(|other| other == name);
        let families = self.families.iter().enumerate().filter(|(_, family)| fits(family));
        families.map(|(at, _)| FamilyId(at as u16)).collect()
    }

    /// Whether a call of `name` has a given meaning, whatever its definition says.
    pub fn knows(&self, name: &str) -> bool {
        let errors = &self.error_pointers;
        self.calls.contains_key(name)
            || self.not_locks.contains(name)
            || self.no_return.contains_key(name)
            || self.transparent.contains(name)
            || self.aliases.contains_key(name)
            || self.block_macros.contains_key(name)
            || self.attributes.contains(name)
            || [&errors.make, &errors.value, &errors.test, &errors.test_or_null, &errors.value_or_zero]
                .iter()
                .any(|names| names.contains(name))
    }

    /// Tells the rows, which came out of `text`, where they stand.
    pub fn place_rows(&mut self, file: &str, text: &str) {
        let mut places: Vec<&mut RowPlace> = self.rows.values_mut().collect();
        places.sort_unstable_by_key(|place| place.offset);
        let (mut counted, mut line) = (0, 1);
        for place in places {
            let between = text.get(counted..place.offset).unwrap_or_default();
            line += between.bytes().filter(|byte| *byte == b'\n').count() as u32;
            counted = place.offset;
            place.file = Name::new(file);
            place.line = line;
        }
    }

    /// The effects of a call of `name`; empty when it does nothing to a lock.
    pub fn effects(&self, name: &str) -> &[CallEffect] {
        self.calls.get(name).map_or(&[], Vec::as_slice)
    }
}
