//! Takes a page out of use that still works: as far as it shares the locks with the failure path.
//!
//! Simpler than the real thing: contents are not moved elsewhere. A page that cannot simply be dropped is left alone and
//! reported as busy.

use super::super::memory::Pfn;
use super::super::memory::page::{Grab, Page};
use super::super::memory::page_lock::{LockedPage, Recovering, Task, UnlockedPage};
use super::super::sync::Family;
use super::super::vocabulary::{Errno, MfFlags, Outcome, PageFlags};
use super::memory_failure::grab;

/// Takes page `pfn` out of use.
pub fn soft_offline<F: Family>(task: &mut Task<'_, F>, pfn: Pfn, flags: MfFlags) -> Outcome {
    let mut recovering = task.begin();
    let Some(page) = recovering.task().page(pfn) else { return Err(Errno::NoDevice) };
    let counted = flags.has(MfFlags::COUNT_INCREASED);
    if page.flags().has(PageFlags::HWPOISON) {
        if counted {
            page.put();
        }
        return Ok(());
    }
    match if counted { Grab::Got } else { grab(page) } {
        Grab::Got => offline_in_use(&mut recovering, page),
        Grab::Unused if page.take_off_buddy() => {
            page.poison();
            page.raise();
            Ok(())
        }
        Grab::Unused | Grab::Refused => Err(Errno::Busy),
    }
}

fn offline_in_use<'m, F: Family>(recovering: &mut Recovering<'_, 'm, F>, page: Page<'m, F>) -> Outcome {
    let flags = page.head().flags();
    let huge = flags.has(PageFlags::HUGETLB);
    let large = flags.has(PageFlags::HEAD);
    if huge || large && !recovering.task().with_locked(page, |locked| page.split(locked)) {
        page.put();
        return Err(Errno::Busy);
    }
    if !recovering.task().with_locked(page, evict) {
        page.put();
        return Err(Errno::Busy);
    }
    // Nobody finds it any more; our reference stays, so that it is never given back.
    page.poison();
    page.leave_lru();
    page.keep();
    Ok(())
}

/// Parts a clean page of a file from it.
fn evict<'b, 'm, F: Family>(locked: LockedPage<'b, 'm, F>) -> (bool, UnlockedPage<'b, 'm, F>) {
    let page = locked.page();
    page.wait_for_writeback();
    let evicted = page.flags().has(PageFlags::LRU) && page.count() == 2 && page.invalidate();
    (evicted, locked.unlock())
}
