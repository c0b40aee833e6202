//! The words of the path: flags of a page, flags of a report, results, message types, return codes.
//!
//! Order and numbers are those that the specification fixes, since both are visible outside: the result decides the
//! return code, and the row of the table decides the message.

use std::fmt;
use std::ops::{BitOr, BitOrAssign, Sub};

/// Defines a set of flags with names: the names are what a trace shows.
macro_rules! flags {
    ($(#[$doc:meta])* $set:ident: $repr:ty { $($(#[$flag_doc:meta])* $flag:ident = $bit:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default)]
        pub struct $set($repr);

        impl $set {
            /// No flag at all.
            pub const NONE: Self = Self(0);
            $($(#[$flag_doc])* pub const $flag: Self = Self(1 << $bit);)*
            const NAMES: &'static [(Self, &'static str)] = &[$((Self::$flag, stringify!($flag)),)*];

            /// Both sets together; usable where constants are made.
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Whether all flags of `other` are set.
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any flag of `other` is set.
            pub const fn has_any(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Those flags that are in `mask`.
            pub const fn within(self, mask: Self) -> Self {
                Self(self.0 & mask.0)
            }
        }

        impl BitOr for $set {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                self.and(other)
            }
        }

        impl BitOrAssign for $set {
            fn bitor_assign(&mut self, other: Self) {
                *self = self.and(other);
            }
        }

        impl Sub for $set {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl fmt::Debug for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let names: Vec<&str> =
                    Self::NAMES.iter().filter(|(flag, _)| self.has(*flag)).map(|(_, name)| *name).collect();
                write!(f, "{{{}}}", names.join(" "))
            }
        }
    };
}

flags! {
    /// What is known of a page. They stand on the head of a folio; `HWPOISON` may stand on any page of it.
    PageFlags: u32 {
        /// The page lock: one bit for a folio.
        LOCKED = 0,
        /// Its contents are what the backing store says, or newer.
        UPTODATE = 1,
        /// Newer than the backing store.
        DIRTY = 2,
        /// On the list of pages that may be reclaimed.
        LRU = 3,
        /// On the active half of it.
        ACTIVE = 4,
        /// Not to be reclaimed.
        UNEVICTABLE = 5,
        /// Kept in memory by its owner's wish.
        MLOCKED = 6,
        /// Not for the allocator.
        RESERVED = 7,
        /// First page of a folio of several.
        HEAD = 8,
        /// In the swap cache.
        SWAPCACHE = 9,
        /// To be written to swap, if anywhere.
        SWAPBACKED = 10,
        /// On its way to the backing store.
        WRITEBACK = 11,
        /// Gone bad.
        HWPOISON = 12,
        /// A large folio of which some page has gone bad.
        HAS_HWPOISONED = 13,
        /// A huge page of the pool, not of the ordinary allocator.
        HUGETLB = 14,
        /// A huge page that may be moved, so that references to it may be taken.
        MIGRATABLE = 15,
        /// A huge page that lies free in its pool.
        FREED = 16,
        /// A page behind the first of a block that a driver took without making it a folio.
        HIGH_ORDER_TAIL = 17,
    }
}

flags! {
    /// How a failure is reported.
    MfFlags: u8 {
        /// The reporter has taken a reference.
        COUNT_INCREASED = 0,
        /// The current task has touched the bad memory and cannot go on.
        ACTION_REQUIRED = 1,
        /// Users must be killed, dirty or not.
        MUST_KILL = 2,
        /// The memory still works; only take it out of use.
        SOFT_OFFLINE = 3,
        /// Undo a poisoning.
        UNPOISON = 4,
        /// Made by software: unpoisoning stays possible.
        SW_SIMULATED = 5,
        /// Do not wait for a huge page that is between two states.
        NO_RETRY = 6,
    }
}

/// What recovery came to, worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MfResult {
    /// Marked as poisoned, and nothing else.
    Ignored = 0,
    /// Users were killed, the page is not isolated.
    Failed = 1,
    /// Unmapped; whoever touches it later is killed then.
    Delayed = 2,
    /// Isolated.
    Recovered = 3,
}

/// Why a failure could not be handled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errno {
    /// No such memory here.
    NoDevice = 6,
    /// There is no address space to find the accessing process by.
    Fault = 14,
    /// Ignored or failed.
    Busy = 16,
    /// Filtered, or not to be undone.
    OpNotSupp = 95,
    /// Was poisoned before.
    HwPoison = 133,
}

/// What a call of the path comes to.
pub type Outcome = Result<(), Errno>;

/// The number that a C caller sees.
pub fn code(outcome: Outcome) -> i32 {
    outcome.map_or_else(|errno| -(errno as i32), |()| 0)
}

/// I6: the two better results are success.
pub fn outcome_of(result: MfResult) -> Outcome {
    match result {
        MfResult::Recovered | MfResult::Delayed => Ok(()),
        MfResult::Failed | MfResult::Ignored => Err(Errno::Busy),
    }
}

/// What the message about a failure calls the page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the names are the messages")]
pub enum MessageType {
    Kernel,
    KernelHighOrder,
    Huge,
    FreeHuge,
    GetHwpoison,
    UnmapFailed,
    DirtySwapcache,
    CleanSwapcache,
    DirtyMlockedLru,
    CleanMlockedLru,
    DirtyUnevictableLru,
    CleanUnevictableLru,
    DirtyLru,
    CleanLru,
    TruncatedLru,
    Buddy,
    UnsplitThp,
    AlreadyPoisoned,
    Unknown,
}
