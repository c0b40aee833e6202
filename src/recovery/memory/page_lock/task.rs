//! Who acts: a thread with, perhaps, a process. Locking a page needs the task for itself, so that one task holds at most one
//! page lock, and a section that holds one cannot take another.

use super::super::super::sync::{Family, Shared};
use super::super::super::vocabulary::{Errno, MfFlags, Outcome};
use super::super::page::Page;
use super::super::setup::Beyond;
use super::super::{Memory, Pfn};
use super::{LockedPage, UnlockedPage};

/// A thread at work on the memory.
pub struct Task<'m, F: Family> {
    memory: &'m Memory<F>,
    process: Option<u32>,
}

impl<'m, F: Family> Task<'m, F> {
    /// A thread of the kernel's own.
    pub fn new(memory: &'m Memory<F>) -> Self {
        Self { memory, process: None }
    }

    /// A thread of a process.
    pub fn of_process(memory: &'m Memory<F>, process: u32) -> Self {
        Self { memory, process: Some(process) }
    }

    /// The page numbered `pfn`, if there is one.
    pub fn page(&self, pfn: Pfn) -> Option<Page<'m, F>> {
        self.memory.page(pfn)
    }

    /// Its process.
    pub fn process(&self) -> Option<u32> {
        self.process
    }

    /// Sleeps until the folio of `page` is free, locks it, and runs `section`, which must unlock it.
    ///
    /// The caller holds a reference to the folio, or knows otherwise that it stays what it is.
    pub fn with_locked<R>(
        &mut self,
        page: Page<'m, F>,
        section: impl for<'b> FnOnce(LockedPage<'b, 'm, F>) -> (R, UnlockedPage<'b, 'm, F>),
    ) -> R {
        section(LockedPage::take(page)).0
    }

    /// Begins an operation that only one thread at a time may be in.
    pub(in super::super::super) fn begin(&mut self) -> Recovering<'_, 'm, F> {
        self.memory.take_mf_mutex();
        Recovering { task: self }
    }

    /// Whether failures may be handled at all.
    pub(in super::super::super) fn recovery_is_on(&self) -> bool {
        self.memory.settings.recovery
    }

    /// What is said of a number that is no page's: by the architecture, by a device's driver, or by nobody.
    pub(in super::super::super) fn answer_beyond(&self, pfn: Pfn) -> Outcome {
        match self.memory.beyond(pfn) {
            Some(Beyond::Arch) => Ok(()),
            Some(Beyond::Device(outcome)) => outcome,
            None => Err(Errno::NoDevice),
        }
    }
}

/// `mf_mutex`, held: I1 by construction, since it is released where this goes out of scope, on every way out.
pub struct Recovering<'t, 'm, F: Family> {
    task: &'t mut Task<'m, F>,
}

impl<'m, F: Family> Recovering<'_, 'm, F> {
    /// Who recovers.
    pub(in super::super::super) fn task(&mut self) -> &mut Task<'m, F> {
        self.task
    }

    /// Remembers that a failure was real.
    pub(in super::super::super) fn remember_hardware(&self, flags: MfFlags) {
        if !flags.has(MfFlags::SW_SIMULATED) {
            self.task.memory.tally.with(|tally| tally.hardware = true);
        }
    }

    /// Whether a failure was real.
    pub(in super::super::super) fn hardware_failed(&self) -> bool {
        self.task.memory.tally.with(|tally| tally.hardware)
    }
}

impl<F: Family> Drop for Recovering<'_, '_, F> {
    fn drop(&mut self) {
        self.task.memory.release_mf_mutex();
    }
}
