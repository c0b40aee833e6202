//! What goes on while failures strike: pages are used, truncated, reclaimed, handed out and given back.
//!
//! These are the competitors of the path. Each locks by the same door, and a section runs `work` where it may be sure that
//! nobody else is in one of the same folio.

use super::super::sync::Family;
use super::super::vocabulary::PageFlags;
use super::Memory;
use super::alloc::Shape;
use super::page::Page;
use super::page_lock::Task;

impl<'m, F: Family> Task<'m, F> {
    /// Uses a page if anybody has it: takes a reference, locks, works, unlocks, drops the reference.
    pub fn touch(&mut self, page: Page<'m, F>, work: impl FnOnce()) -> bool {
        let got = page.try_get();
        if got {
            self.with_locked(page, |locked| {
                work();
                ((), locked.unlock())
            });
            page.put();
        }
        got
    }

    /// Takes a page out of its file and gives it back.
    pub fn truncate(&mut self, memory: &'m Memory<F>, mapping: usize, index: usize) -> bool {
        let Some(page) = memory.find(mapping, index) else { return false };
        let left = self.with_locked(page, |locked| {
            page.wait_for_writeback();
            (page.leave_mapping(), locked.unlock())
        });
        page.put();
        left
    }

    /// Gives a clean, idle page of a file back, as one does when memory is short.
    pub fn reclaim(&mut self, page: Page<'m, F>) -> bool {
        if !page.try_get() {
            return false;
        }
        let reclaimed = page.isolate() && {
            let done = self.with_locked(page, |locked| {
                let idle = page.count() == 3 && !page.head().flags().has(PageFlags::HWPOISON);
                (idle && page.invalidate(), locked.unlock())
            });
            if !done {
                page.join_lru();
            }
            page.put();
            done
        };
        page.put();
        reclaimed
    }

    /// Takes a page, works on it under its lock, and gives it back.
    pub fn reuse(&mut self, memory: &'m Memory<F>, work: impl FnOnce()) -> bool {
        let Some(page) = memory.allocate(0, Shape::Folio) else { return false };
        self.with_locked(page, |locked| {
            work();
            ((), locked.unlock())
        });
        page.put();
        true
    }

    /// Takes a huge page of the pool, works on it under its lock, and gives it back.
    pub fn reuse_huge(&mut self, memory: &'m Memory<F>, work: impl FnOnce()) -> bool {
        let Some(page) = memory.take_huge() else { return false };
        self.with_locked(page, |locked| {
            work();
            ((), locked.unlock())
        });
        page.put();
        true
    }
}
