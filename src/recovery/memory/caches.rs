//! Where a page can be found by others: the LRU, the mapping of a file, the swap cache. Each keeps a page alive by a
//! reference, but for the LRU; each is changed under its own cell, and the frame's half of the truth in the same step.

use super::super::sync::{Family, Shared};
use super::super::vocabulary::{MfResult, PageFlags};
use super::Place;
use super::page::Page;
use super::setup::ErrorRemove;

impl<F: Family> Page<'_, F> {
    /// Puts the folio on the LRU.
    pub fn join_lru(self) {
        let head = self.head();
        self.memory.lru.with(|lru| {
            lru.insert(head.pfn);
            head.frame(|frame| frame.flags |= PageFlags::LRU);
        });
    }

    /// Takes the folio off the LRU, and a reference with it; false if another has taken it off.
    pub fn isolate(self) -> bool {
        let head = self.head();
        self.memory.lru.with(|lru| {
            let found = lru.remove(&head.pfn);
            if found {
                head.frame(|frame| {
                    frame.flags = frame.flags - PageFlags::LRU;
                    frame.count += 1;
                });
            }
            found
        })
    }

    /// Takes the folio off the LRU for good.
    pub fn leave_lru(self) -> bool {
        let left = self.isolate();
        if left {
            self.head().clear(PageFlags::ACTIVE | PageFlags::UNEVICTABLE);
            self.put();
        }
        left
    }

    /// Whether the folio has a mapping: a file's, or none at all for pages of processes alone.
    pub fn has_mapping(self) -> bool {
        matches!(self.place(), Place::File { .. })
    }

    /// Whether the folio belongs to processes alone.
    pub fn is_anonymous(self) -> bool {
        self.place() == Place::Anon
    }

    /// Whether the folio belongs to shared memory, whose pages stay in their mapping.
    pub fn in_shared_memory(self) -> bool {
        let Place::File { mapping, .. } = self.place() else { return false };
        self.memory.mappings[mapping].with(|space| space.kind.shmem)
    }

    /// Lets the mapping's next writer-back know that contents are lost.
    pub fn record_error(self) {
        if let Place::File { mapping, .. } = self.place() {
            self.memory.mappings[mapping].with(|space| space.error = true);
        }
    }

    /// Takes the folio out of its mapping, which thereby gives its reference up. The caller holds one of its own.
    pub fn leave_mapping(self) -> bool {
        let head = self.head();
        let Place::File { mapping, index } = head.place() else { return false };
        let left = self.memory.mappings[mapping].with(|space| {
            let found = space.pages.get(&index) == Some(&head.pfn);
            if found {
                space.pages.remove(&index);
                head.frame(|frame| frame.place = Place::Nowhere);
            }
            found
        });
        if left {
            (0..head.cache_references()).for_each(|_| head.put());
        }
        left
    }

    /// How many references a mapping has to the folio: one for each page, and one alone for huge pages of the pool.
    pub(super) fn cache_references(self) -> i32 {
        self.frame(|frame| if frame.flags.has(PageFlags::HUGETLB) { 1 } else { 1 << frame.order })
    }

    /// Parts a clean folio from its mapping if nobody has it mapped.
    pub fn invalidate(self) -> bool {
        let idle = self.head().frame(|frame| {
            let busy = PageFlags::DIRTY | PageFlags::WRITEBACK;
            frame.users.is_empty() && !frame.flags.has_any(busy) && !frame.buffers_stick
        });
        idle && self.leave_mapping()
    }

    /// Takes the contents of a bad page out of its mapping, as the mapping wants it.
    pub fn truncate_poisoned(self) -> MfResult {
        let head = self.head();
        let Place::File { mapping, .. } = head.place() else { return MfResult::Failed };
        let done = match self.memory.mappings[mapping].with(|space| space.kind.error_remove) {
            ErrorRemove::Absent => head.invalidate(),
            ErrorRemove::Fails => false,
            ErrorRemove::Keeps => head.release_buffers(),
            ErrorRemove::Removes => head.leave_mapping() && head.release_buffers(),
        };
        if done { MfResult::Recovered } else { MfResult::Failed }
    }

    fn release_buffers(self) -> bool {
        self.frame(|frame| !frame.buffers_stick)
    }

    /// Puts the folio into the swap cache, which takes a reference.
    pub fn join_swap_cache(self) {
        let head = self.head();
        self.memory.swap.with(|swap| {
            swap.insert(head.pfn);
            head.frame(|frame| {
                frame.flags |= PageFlags::SWAPCACHE;
                frame.count += 1;
            });
        });
    }

    /// Takes the folio out of the swap cache, which thereby gives its reference up.
    pub fn leave_swap_cache(self) -> bool {
        let head = self.head();
        let left = self.memory.swap.with(|swap| {
            let found = swap.remove(&head.pfn);
            if found {
                head.frame(|frame| frame.flags = frame.flags - PageFlags::SWAPCACHE);
            }
            found
        });
        if left {
            head.put();
        }
        left
    }
}
