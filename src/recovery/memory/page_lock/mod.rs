//! The page lock: one bit for a folio, on its head, and a place to sleep.
//!
//! The bit itself cannot be reached from outside this folder. There are two doors to it: [`Task::with_locked`], behind which the
//! compiler watches the rule, and [`raw`], behind which nobody does: it is there for the designs that are to be judged.

mod locked;
pub mod raw;
mod task;

pub use locked::{LockedPage, UnlockedPage};
pub use task::{Recovering, Task};

use super::super::sync::{Event, Family, Shared};
use super::super::vocabulary::PageFlags;
use super::Memory;
use super::page::Page;

impl<F: Family> Page<'_, F> {
    /// Sleeps until the bit is ours. `self` is the head.
    fn take_bit(self) {
        self.note(Event::PageLocking { head: self.pfn });
        self.memory.wait_on(self.pfn, |frame| {
            let free = !frame.flags.has(PageFlags::LOCKED);
            frame.flags |= PageFlags::LOCKED;
            if free {
                self.note(Event::PageLocked { head: self.pfn });
            }
            free
        });
    }

    /// Clears the bit, whoever has set it: it does not say. `self` is the head.
    fn clear_bit(self) {
        self.memory.change_and_wake(self.pfn, |frame| {
            self.note(Event::PageUnlocking { head: self.pfn });
            frame.flags = frame.flags - PageFlags::LOCKED;
        });
    }
}

impl<F: Family> Memory<F> {
    fn take_mf_mutex(&self) {
        let mut asleep = false;
        self.mf_mutex.wait(|lock| {
            let free = !lock.held;
            match (free, asleep) {
                (true, true) => lock.waiters -= 1,
                (false, false) => lock.waiters += 1,
                (true, false) | (false, true) => {}
            }
            asleep = !free;
            lock.held = true;
            free.then(|| self.note(Event::MutexTaken))
        });
    }

    fn release_mf_mutex(&self) {
        let sleepers = self.mf_mutex.with(|lock| {
            self.note(Event::MutexReleasing);
            lock.held = false;
            lock.waiters > 0
        });
        if sleepers {
            self.mf_mutex.wake_all();
        }
    }
}
