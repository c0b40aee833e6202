//! The rule as a type: a locked page goes in by value, and what must come out only unlocking *that* page can make.
//!
//! Rust's types are affine: a value may be forgotten. So it is not the [`LockedPage`] that enforces the rule but the debt
//! that comes with it. [`with_locked`](super::Task::with_locked) calls a section for a brand `'b` that nobody has seen before;
//! the section must return an [`UnlockedPage`] of that brand; and the only function that makes one is
//! [`LockedPage::unlock`], which takes the locked page with it.
//!
//! ```
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let mut task = Task::new(&memory);
//! let page = memory.page(0).unwrap();
//! task.with_locked(page, |locked| ((), locked.unlock()));
//! ```
//!
//! **Forgetting** does not compile: the section has nothing to return.
//!
//! ```compile_fail,E0308
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let mut task = Task::new(&memory);
//! let page = memory.page(0).unwrap();
//! task.with_locked(page, |locked| ((), std::mem::forget(locked)));
//! ```
//!
//! **Repeating** does not compile: the first unlock took the page with it.
//!
//! ```compile_fail,E0382
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let mut task = Task::new(&memory);
//! let page = memory.page(0).unwrap();
//! task.with_locked(page, |locked| {
//!     let _first = locked.unlock();
//!     ((), locked.unlock())
//! });
//! ```
//!
//! **Taking it again** does not compile: an unlocked page cannot be locked, and the task that could is lent to the section.
//!
//! ```compile_fail,E0599
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let mut task = Task::new(&memory);
//! let page = memory.page(0).unwrap();
//! task.with_locked(page, |locked| {
//!     let again = locked.unlock().lock();
//!     ((), again.unlock())
//! });
//! ```
//!
//! ```compile_fail,E0499
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let mut task = Task::new(&memory);
//! let page = memory.page(0).unwrap();
//! task.with_locked(page, |locked| {
//!     let unlocked = locked.unlock();
//!     task.with_locked(page, |again| ((), again.unlock()));
//!     ((), unlocked)
//! });
//! ```
//!
//! **Unlocking another page** does not compile: its brand is another, even where two tasks hold two pages of one memory.
//! Each page's own receipt in its own place compiles; the other way round, "lifetime may not live long enough".
//!
//! ```
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let (mut task, mut other) = (Task::new(&memory), Task::new(&memory));
//! let (page, second) = (memory.page(0).unwrap(), memory.page(1).unwrap());
//! task.with_locked(page, |mine| {
//!     let receipt = other.with_locked(second, |theirs| (mine.unlock(), theirs.unlock()));
//!     ((), receipt)
//! });
//! ```
//!
//! ```compile_fail
//! use lockbalance::recovery::{Memory, Setup, Std, Task};
//! let memory: Memory<Std> = Memory::new(Setup::pages(2), ());
//! let (mut task, mut other) = (Task::new(&memory), Task::new(&memory));
//! let (page, second) = (memory.page(0).unwrap(), memory.page(1).unwrap());
//! task.with_locked(page, |mine| {
//!     let receipt = other.with_locked(second, |theirs| (theirs.unlock(), mine.unlock()));
//!     ((), receipt)
//! });
//! ```
//!
//! What the types leave open: a section that never returns (it panics, or loops) unlocks nothing; and a thread that makes
//! itself a second [`Task`](super::Task) can wait for itself. There is no `Drop` that unlocks: it would make forgetting
//! *work*, which in C it does not.

use super::super::super::sync::{Event, Family};
use super::super::super::vocabulary::MessageType;
use super::super::page::Page;
use std::marker::PhantomData;

/// Invariant in its lifetime, so that no brand is ever taken for another.
type Brand<'b> = PhantomData<fn(&'b ()) -> &'b ()>;

/// A page whose folio is locked by whoever holds this.
#[must_use = "a locked page must be unlocked"]
pub struct LockedPage<'b, 'm, F: Family> {
    page: Page<'m, F>,
    head: Page<'m, F>,
    brand: Brand<'b>,
}

/// The receipt: this very page was locked, and is not any more.
#[must_use = "whoever was lent a locked page owes the receipt"]
pub struct UnlockedPage<'b, 'm, F: Family> {
    page: Page<'m, F>,
    brand: Brand<'b>,
}

impl<'b, 'm, F: Family> LockedPage<'b, 'm, F> {
    /// Takes the lock of `page`: of its folio's head, which the caller's reference keeps where it is.
    pub(super) fn take(page: Page<'m, F>) -> Self {
        let head = page.head();
        head.take_bit();
        Self { page, head, brand: PhantomData }
    }

    /// Unlocks the page, and gives the receipt.
    pub fn unlock(self) -> UnlockedPage<'b, 'm, F> {
        self.head.clear_bit();
        UnlockedPage { page: self.page, brand: PhantomData }
    }

    /// The page that was asked for; the lock is that of its folio.
    pub fn page(&self) -> Page<'m, F> {
        self.page
    }

    /// The head of its folio.
    pub fn head(&self) -> Page<'m, F> {
        self.head
    }

    /// Says that a handler begins.
    pub(in super::super::super) fn enter(&self, kind: MessageType) {
        self.page.note(Event::HandlerEntered { kind });
    }
}

impl<'m, F: Family> UnlockedPage<'_, 'm, F> {
    /// The page that was asked for.
    pub fn page(&self) -> Page<'m, F> {
        self.page
    }

    /// Says that a handler is done.
    pub(in super::super::super) fn leave(&self, kind: MessageType) {
        self.page.note(Event::HandlerLeft { kind });
    }
}
