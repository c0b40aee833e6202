//! The garden: memory-failure recovery with the locking rule that this tool was written for.
//!
//! A page of memory has gone bad. Whoever uses it must be parted from it, while others lock, fill, truncate, reclaim and
//! re-use pages at the same time.
//!
//! ```text
//! memory_failure ─▶ lock page ─▶ identify_page_state ─▶ page_action ─▶ one of the handlers ─▶ unlock page
//!       │                │                                                                        │
//!       │                └─ early exits: whoever locked it unlocks it                             │
//!       └── mf_mutex: held over the whole operation ◀────────────────────────────────────────────┘
//! ```
//!
//! The rule: **whoever calls a handler holds exactly one page lock and holds none when it returns; the handler releases it
//! exactly once on every path; nobody after the handler touches the page lock.** Here the rule is a type: a handler takes
//! a [`LockedPage`] by value and owes an [`UnlockedPage`] with the same brand, which only unlocking that page can make.
//!
//! It stands apart: it imports nothing of the house, nothing imports it, and this file compiles as a crate of its own.
//! The behaviour is that of Linux 6.12, told in our own words. What is simpler than there is said where it is;
//! `docs/recovery.md` has the story and the proof.

pub mod memory;
pub mod path;
pub mod sync;
pub mod vocabulary;

pub use memory::page::Page;
pub use memory::page_lock::{LockedPage, Task, UnlockedPage, raw};
pub use memory::setup::{Beyond, ErrorRemove, MappingKind, Setup};
pub use memory::{Memory, Pfn};
pub use path::memory_failure::memory_failure;
pub use path::soft_offline::soft_offline;
pub use path::unpoison::unpoison;
pub use sync::{Event, Family, Shared, Std, Watch, Word};
pub use vocabulary::{Errno, MessageType, MfFlags, MfResult, Outcome, PageFlags, code};
