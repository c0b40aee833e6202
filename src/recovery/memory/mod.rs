//! A small model of memory, honest where it matters: real shared structures that threads work on at once.
//!
//! ```text
//!  free ──allocate──▶ folio (1 or 2^n pages, one lock) ──put──▶ free
//!  zone                 │ on the LRU · in a mapping · in the swap cache · mapped by users
//!  (buddy + cached)     └ huge pages: ──put──▶ pool ──dissolve──▶ zone
//! ```
//!
//! Each page has a [`Frame`], a cell of its own; where Linux uses atomic bits and counters, one short section of that cell
//! stands for the atomic step. Lists have cells of their own. Cells are entered in this order, and never two frames at
//! once: pool, zone, mapping, swap, lru, frame.
//!
//! Simpler than the real thing: one zone, one list of cached pages instead of one per processor, users that are numbers,
//! no memory cgroups, no migration.

pub mod alloc;
pub mod audit;
pub mod caches;
pub mod huge;
pub mod making;
pub mod page;
pub mod page_lock;
pub mod setup;
pub mod split;
pub mod users;
pub mod work;
mod zone;

use super::sync::{Event, Family, Shared, Watch, Word};
use super::vocabulary::{MessageType, MfResult, PageFlags};
use page::Page;
use setup::{Beyond, MappingKind, Settings, Setup};
use std::collections::{BTreeMap, BTreeSet};
use zone::Zone;

/// Number of a page.
pub type Pfn = usize;

/// Where the contents of a page belong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// Nowhere: a page of the kernel's, a free page, a page that was truncated.
    #[default]
    Nowhere,
    /// To processes alone.
    Anon,
    /// To a mapping, at an index.
    File {
        /// Which mapping.
        mapping: usize,
        /// Where in it.
        index: usize,
    },
}

/// A process that has the page mapped. Each holds a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct User {
    /// Which process.
    pub process: u32,
    /// Whether it has written through its mapping.
    pub dirty: bool,
    /// Whether it cannot be unmapped (pinned by a device).
    pub stubborn: bool,
}

/// What is known of one page. All but `HWPOISON` is told of the head for the whole folio.
#[derive(Default)]
struct Frame {
    flags: PageFlags,
    count: i32,
    order: u8,
    place: Place,
    users: Vec<User>,
    /// Private buffers that will not let go.
    buffers_stick: bool,
    /// Pages of a huge page that are known to be bad: its own flag cannot tell which.
    poisoned_parts: Vec<Pfn>,
    /// One of the references is recovery's own, which keeps a bad page from ever being given back.
    kept: bool,
    /// Threads asleep on this frame; woken only if there are any.
    waiters: u32,
}

/// A file's pages.
struct AddressSpace {
    kind: MappingKind,
    pages: BTreeMap<usize, Pfn>,
    /// An error that the next writer-back must be told of.
    error: bool,
}

/// Huge pages that lie free; behind `hugetlb_lock`.
#[derive(Default)]
struct Pool {
    free: BTreeSet<Pfn>,
}

/// What failures have left behind.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    /// Pages counted as poisoned.
    pub poisoned: usize,
    /// Reports, in order.
    pub reports: Vec<(Pfn, MessageType, MfResult)>,
    /// Processes killed.
    pub killed: Vec<u32>,
    /// Whether a failure was real, so that no poisoning may be undone.
    pub hardware: bool,
}

/// `mf_mutex`: asleep while held, as a page lock is.
#[derive(Default)]
struct SleepingLock {
    held: bool,
    waiters: u32,
}

/// The machine's memory.
pub struct Memory<F: Family> {
    frames: Vec<F::Cell<Frame>>,
    /// For each page the head of its folio; of a folio that somebody has a reference to they do not change.
    heads: Vec<F::Word>,
    zone: F::Cell<Zone>,
    lru: F::Cell<BTreeSet<Pfn>>,
    mappings: Vec<F::Cell<AddressSpace>>,
    swap: F::Cell<BTreeSet<Pfn>>,
    pool: F::Cell<Pool>,
    mf_mutex: F::Cell<SleepingLock>,
    tally: F::Cell<Tally>,
    settings: Settings,
    watch: F::Watch,
}

impl<F: Family> Memory<F> {
    /// Memory as `setup` describes it, all of it free; `watch` is told what happens.
    pub fn new(setup: Setup, watch: F::Watch) -> Self {
        let Setup { frames, mappings, settings } = setup;
        let mapping = |kind| AddressSpace { kind, pages: BTreeMap::new(), error: false };
        Self {
            frames: (0..frames).map(|_| F::Cell::new(Frame::default())).collect(),
            heads: (0..frames).map(F::Word::new).collect(),
            zone: F::Cell::new(Zone::of(frames)),
            lru: F::Cell::new(BTreeSet::new()),
            mappings: mappings.into_iter().map(|kind| F::Cell::new(mapping(kind))).collect(),
            swap: F::Cell::new(BTreeSet::new()),
            pool: F::Cell::new(Pool::default()),
            mf_mutex: F::Cell::new(SleepingLock::default()),
            tally: F::Cell::new(Tally::default()),
            settings,
            watch,
        }
    }

    /// The page numbered `pfn`, if this memory has it.
    pub fn page(&self, pfn: Pfn) -> Option<Page<'_, F>> {
        (pfn < self.frames.len()).then_some(Page { memory: self, pfn })
    }

    /// Who watches.
    pub fn watch(&self) -> &F::Watch {
        &self.watch
    }

    /// What failures have left behind so far.
    pub fn tally(&self) -> Tally {
        self.tally.with(|tally| tally.clone())
    }

    fn note(&self, event: Event) {
        self.watch.note(event);
    }

    fn beyond(&self, pfn: Pfn) -> Option<Beyond> {
        self.settings.beyond.get(&pfn).copied()
    }
}
