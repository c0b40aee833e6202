//! What memory there is, and how recovery is set: made once, never changed.

use super::super::vocabulary::{Outcome, PageFlags};
use super::Pfn;
use std::collections::BTreeMap;

/// What a mapping does when one of its pages has gone bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorRemove {
    /// It has no operation for that: a clean page is simply invalidated.
    Absent,
    /// Takes the page out.
    Removes,
    /// Says yes and keeps the page, so that who touches it learns of the error.
    Keeps,
    /// Says no.
    Fails,
}

/// The traits of a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MappingKind {
    /// Shared memory: its pages keep the mapping's reference.
    pub shmem: bool,
    /// What it does with a bad page.
    pub error_remove: ErrorRemove,
}

impl MappingKind {
    /// An ordinary file.
    pub const FILE: Self = Self { shmem: false, error_remove: ErrorRemove::Removes };
    /// Shared memory.
    pub const SHMEM: Self = Self { shmem: true, error_remove: ErrorRemove::Keeps };
    /// A file of huge pages.
    pub const HUGE: Self = Self { shmem: false, error_remove: ErrorRemove::Keeps };
}

/// What stands at a page number at which there is no page of this memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beyond {
    /// Memory that the architecture looks after itself.
    Arch,
    /// Memory of a device, whose driver answers.
    Device(Outcome),
}

/// How recovery is set.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) recovery: bool,
    pub(super) filter: Option<(PageFlags, PageFlags)>,
    pub(super) beyond: BTreeMap<Pfn, Beyond>,
}

/// A memory to be made.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) frames: usize,
    pub(super) mappings: Vec<MappingKind>,
    pub(super) settings: Settings,
}

impl Setup {
    /// So many pages; recovery is on, nothing is filtered.
    pub fn pages(frames: usize) -> Self {
        let settings = Settings { recovery: true, filter: None, beyond: BTreeMap::new() };
        Self { frames, mappings: Vec::new(), settings }
    }

    /// Adds a mapping; the first is number 0.
    pub fn mapping(mut self, kind: MappingKind) -> Self {
        self.mappings.push(kind);
        self
    }

    /// Failures are handled only where the page's flags, within `mask`, are `value`.
    pub fn filter(mut self, mask: PageFlags, value: PageFlags) -> Self {
        self.settings.filter = Some((mask, value));
        self
    }

    /// Failures are fatal.
    pub fn no_recovery(mut self) -> Self {
        self.settings.recovery = false;
        self
    }

    /// Something other than a page at `pfn`.
    pub fn beyond(mut self, pfn: Pfn, what: Beyond) -> Self {
        self.settings.beyond.insert(pfn, what);
        self
    }
}
