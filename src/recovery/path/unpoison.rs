//! Takes a poisoning back that was made by software: for tests of the machine, never after a real failure.

use super::super::memory::Pfn;
use super::super::memory::page_lock::Task;
use super::super::sync::Family;
use super::super::vocabulary::{Errno, Outcome, PageFlags};

/// Gives page `pfn` back to the world.
pub fn unpoison<F: Family>(task: &mut Task<'_, F>, pfn: Pfn) -> Outcome {
    let mut recovering = task.begin();
    let Some(page) = recovering.task().page(pfn) else { return Err(Errno::NoDevice) };
    if recovering.hardware_failed() {
        return Err(Errno::OpNotSupp);
    }
    if !page.flags().has(PageFlags::HWPOISON) {
        return Ok(());
    }
    let large = page.head().flags().has(PageFlags::HEAD);
    if large || page.has_mapping() {
        return Err(Errno::Busy);
    }
    if page.take_kept() {
        page.forgive();
        page.put();
        return Ok(());
    }
    page.shake();
    // In use by others, who were not parted from it, the page stays marked: their reference is not ours to drop.
    if page.is_buddy() && page.forgive() { Ok(()) } else { Err(Errno::Busy) }
}
