//! The handlers, one for each kind of state: parts a bad page from whatever keeps it, and unlocks it, once, on every path.
//!
//! I2 is the signature: in by value, and the receipt out.

use super::super::memory::page_lock::{LockedPage, UnlockedPage};
use super::super::sync::Family;
use super::super::vocabulary::{MfResult, PageFlags};
use super::dispatch::Row;

type Handled<'b, 'm, F> = (MfResult, UnlockedPage<'b, 'm, F>);

/// A page of the kernel's own: nothing can be done.
pub fn kernel<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    (MfResult::Ignored, locked.unlock())
}

/// A page in a state that nobody thought of.
pub fn unknown<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    (MfResult::Ignored, locked.unlock())
}

/// A page whose contents are elsewhere, too, or of a process that is dead by now: all ways join at one unlock.
pub fn pagecache_clean<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    let page = locked.page();
    page.leave_lru();
    let result = if page.is_anonymous() {
        MfResult::Recovered
    } else if !page.has_mapping() {
        MfResult::Failed
    } else {
        // Asked before: afterwards there may be no mapping to ask.
        let pins = page.in_shared_memory();
        let truncated = page.truncate_poisoned();
        if page.extra_references(pins) { MfResult::Failed } else { truncated }
    };
    (result, locked.unlock())
}

/// A page whose contents are lost: its file learns of that, and for the rest it is as a clean one. I7: that is who unlocks.
pub fn pagecache_dirty<'b, 'm, F: Family>(row: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    locked.page().record_error();
    pagecache_clean(row, locked)
}

/// A page of the swap cache that is newer than swap: it stays there, not up to date, so that who faults on it is killed.
pub fn swapcache_dirty<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    let page = locked.page();
    page.clear(PageFlags::DIRTY | PageFlags::UPTODATE);
    let result = if page.leave_lru() { MfResult::Delayed } else { MfResult::Failed };
    let unlocked = locked.unlock();
    let extra = page.extra_references(result == MfResult::Delayed);
    (if extra { MfResult::Failed } else { result }, unlocked)
}

/// A page of the swap cache that swap has, too.
pub fn swapcache_clean<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    let page = locked.page();
    page.leave_swap_cache();
    let result = if page.leave_lru() { MfResult::Recovered } else { MfResult::Failed };
    let unlocked = locked.unlock();
    (if page.extra_references(false) { MfResult::Failed } else { result }, unlocked)
}

/// A huge page: this is where the founding mistake was made.
///
/// Without a mapping it must be free to be dissolved, so it is unlocked first, the reference is dropped next, and only then
/// is it dissolved (I4). After that the page belongs to the allocator, and may be anybody's: nobody locks it again.
pub fn huge_page<'b, 'm, F: Family>(_: &Row<F>, locked: LockedPage<'b, 'm, F>) -> Handled<'b, 'm, F> {
    let (page, head) = (locked.page(), locked.head());
    let pins = head.has_mapping();
    let (result, unlocked) = if pins {
        (head.truncate_poisoned(), locked.unlock())
    } else {
        let unlocked = locked.unlock();
        head.put();
        let dissolved = page.dissolve_poisoned();
        if dissolved {
            page.raise();
        }
        (if dissolved { MfResult::Recovered } else { MfResult::Failed }, unlocked)
    };
    (if page.extra_references(pins) { MfResult::Failed } else { result }, unlocked)
}
