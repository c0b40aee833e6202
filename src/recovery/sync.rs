//! What the memory stands on: shared cells, and somebody who watches.
//!
//! All that threads share lies in [`Shared`] cells, each entered by one thread at a time and for a few steps. Threads that
//! must wait for something (a page lock, the end of writeback) sleep on the cell that it is written in. A [`Family`] says
//! how cells are made: [`Std`] makes them of the standard library's locks; the tests bring families that are made of a
//! model checker's. So one compiled text runs in all of them: there is no conditional compilation that could differ.
//!
//! Rejected: a `cfg` that swaps `std::sync` for a checker's. It needs a second build of everything below it, and a
//! reader would never see what the checked text was.

use super::memory::Pfn;
use super::vocabulary::{MessageType, MfResult, PageFlags};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// A value that one thread at a time may enter.
pub trait Shared<T>: Send + Sync {
    /// A cell that holds `value`.
    fn new(value: T) -> Self;

    /// Runs `section` alone with the value. `section` must not enter the same cell, and must not wait for anybody.
    fn with<R>(&self, section: impl FnOnce(&mut T) -> R) -> R;

    /// Asks `ready`, alone with the value, until it answers; sleeps between.
    fn wait<R>(&self, ready: impl FnMut(&mut T) -> Option<R>) -> R;

    /// Lets all sleepers ask again.
    fn wake_all(&self);
}

/// A number that is read without entering anything. What was written before `set` is seen by whoever reads it.
pub trait Word: Send + Sync {
    /// A word that says `value`.
    fn new(value: usize) -> Self;

    /// What it says.
    fn get(&self) -> usize;

    /// Makes it say `value`.
    fn set(&self, value: usize);
}

/// How cells are made, and who watches.
pub trait Family: Sized + 'static {
    /// The cells.
    type Cell<T: Send + 'static>: Shared<T>;
    /// The words.
    type Word: Word;
    /// The watcher.
    type Watch: Watch;
}

/// Is told of everything that the invariants speak of, by the thread that does it and inside the step that does it, so that
/// the order of the events is the order of the deeds. (Told beside the step, a release that another thread overtakes would
/// look like a theft, and a theft like a release.)
pub trait Watch: Send + Sync + 'static {
    /// `event` happens.
    fn note(&self, event: Event);
}

/// Nobody watches.
impl Watch for () {
    fn note(&self, _: Event) {}
}

/// What a watcher is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the names say it; a page lock is named by the head of its folio")]
pub enum Event {
    MutexTaken,
    MutexReleasing,
    HugetlbTaken,
    HugetlbReleasing,
    PageLocking { head: Pfn },
    PageLocked { head: Pfn },
    PageUnlocking { head: Pfn },
    PageAsked { head: Pfn, locked: bool },
    HandlerEntered { kind: MessageType },
    HandlerLeft { kind: MessageType },
    Poisoned { pfn: Pfn },
    Forgiven { pfn: Pfn },
    Retrying,
    Referenced { head: Pfn },
    Dropped { head: Pfn },
    Dissolved { head: Pfn },
    Freed { pfn: Pfn, order: u8 },
    Allocated { pfn: Pfn, order: u8 },
    TakenOff { pfn: Pfn },
    BadPage { pfn: Pfn, flags: PageFlags },
    Reported { pfn: Pfn, kind: MessageType, result: MfResult },
}

/// Cells of the standard library, and nobody who watches.
pub struct Std;

impl Family for Std {
    type Cell<T: Send + 'static> = StdCell<T>;
    type Word = AtomicUsize;
    type Watch = ();
}

/// A cell of the standard library. A thread that panicked inside leaves the value as it was then: the sections are a
/// few assignments each and do not panic.
pub struct StdCell<T> {
    value: Mutex<T>,
    sleepers: Condvar,
}

impl<T: Send> Shared<T> for StdCell<T> {
    fn new(value: T) -> Self {
        Self { value: Mutex::new(value), sleepers: Condvar::new() }
    }

    fn with<R>(&self, section: impl FnOnce(&mut T) -> R) -> R {
        section(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wait<R>(&self, mut ready: impl FnMut(&mut T) -> Option<R>) -> R {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(answer) = ready(&mut value) {
                return answer;
            }
            value = self.sleepers.wait(value).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wake_all(&self) {
        self.sleepers.notify_all();
    }
}

impl Word for AtomicUsize {
    fn new(value: usize) -> Self {
        Self::new(value)
    }

    fn get(&self) -> usize {
        self.load(Ordering::Acquire)
    }

    fn set(&self, value: usize) {
        self.store(value, Ordering::Release);
    }
}
