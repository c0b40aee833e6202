//! The books, when all threads have come to rest: nothing is locked, and every page is in exactly one place.

use super::super::sync::{Family, Shared, Word};
use super::super::vocabulary::PageFlags;
use super::{Memory, Pfn, Place};

impl<F: Family> Memory<F> {
    /// All that is wrong. To be asked when nobody is at work.
    pub fn audit(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.mf_mutex.with(|lock| lock.held) {
            faults.push("mf_mutex stays held".to_owned());
        }
        let free = self.zone.with(|zone| zone.all());
        for pfn in 0..self.frames.len() {
            let times = free.iter().filter(|other| **other == pfn).count();
            faults.extend(self.audit_page(pfn, times).map(|fault| format!("page {pfn} {fault}")));
        }
        faults.extend(self.audit_lists());
        faults
    }

    fn audit_page(&self, pfn: Pfn, times_free: usize) -> Option<&'static str> {
        let head = self.heads[pfn].get();
        let pooled = self.pool.with(|pool| pool.free.contains(&head));
        let used = self.frames[head].with(|frame| frame.count > 0);
        self.frames[pfn].with(|frame| {
            let flags = frame.flags;
            let aside = flags.has_any(PageFlags::HWPOISON | PageFlags::HIGH_ORDER_TAIL);
            match times_free {
                _ if flags.has(PageFlags::LOCKED) => Some("stays locked"),
                2.. => Some("is in the allocator twice"),
                1 if used || pooled => Some("is in use and in the allocator"),
                1 if frame.is_bad_when_free() => Some("is in the allocator and does not look free"),
                0 if used && pooled => Some("is in use and in the pool"),
                0 if !used && !pooled && !aside => Some("is lost"),
                _ => None,
            }
        })
    }

    /// Each list and the frames on it agree.
    fn audit_lists(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut hold = |truth: bool, fault: String| {
            if !truth {
                faults.push(fault);
            }
        };
        let lru = self.lru.with(|lru| lru.clone());
        let swap = self.swap.with(|swap| swap.clone());
        for pfn in 0..self.frames.len() {
            let (flags, place) = self.frames[pfn].with(|frame| (frame.flags, frame.place));
            hold(flags.has(PageFlags::LRU) == lru.contains(&pfn), format!("page {pfn}: the LRU disagrees"));
            let cached = flags.has(PageFlags::SWAPCACHE) == swap.contains(&pfn);
            hold(cached, format!("page {pfn}: the swap cache disagrees"));
            if let Place::File { mapping, index } = place {
                let filed = self.mappings[mapping].with(|space| space.pages.get(&index) == Some(&pfn));
                hold(filed, format!("page {pfn}: its mapping disagrees"));
            }
        }
        for (number, mapping) in self.mappings.iter().enumerate() {
            for (index, pfn) in mapping.with(|space| space.pages.clone()) {
                let place = self.frames[pfn].with(|frame| frame.place);
                let there = place == Place::File { mapping: number, index };
                hold(there, format!("page {pfn}: a mapping has it, and it does not know"));
            }
        }
        faults
    }
}
