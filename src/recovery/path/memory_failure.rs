//! The whole: a page has gone bad.
//!
//! `mf_mutex` is held from the first line to the last, by a guard; the page lock is held where a section has a
//! [`LockedPage`], and nowhere else. A round that must begin anew returns to the loop below, and by then its section has
//! given its receipt (I5: no page is locked when it begins, and there is no third round).

use super::super::memory::page::{Grab, Page};
use super::super::memory::page_lock::{LockedPage, Recovering, Task, UnlockedPage};
use super::super::memory::{Pfn, Place};
use super::super::sync::Family;
use super::super::vocabulary::{Errno, MessageType, MfFlags, MfResult, Outcome, PageFlags};
use super::dispatch::{action_result, identify_page_state};
use super::hugetlb::try_memory_failure_hugetlb;

/// How often a page in a state that failures are not handled in is looked at again.
const PATIENCE: usize = 3;

/// Deals with the failure of page `pfn`.
///
/// # Panics
///
/// If recovery is switched off: then a failure is fatal, and that is what the switch is for. No lock is held yet.
pub fn memory_failure<F: Family>(task: &mut Task<'_, F>, pfn: Pfn, flags: MfFlags) -> Outcome {
    assert!(task.recovery_is_on(), "memory failure on page {pfn}, and recovery is switched off");
    let mut recovering = task.begin();
    recovering.remember_hardware(flags);
    let Some(page) = recovering.task().page(pfn) else {
        return recovering.task().answer_beyond(pfn);
    };
    let mut may_repeat = true;
    loop {
        match strike(&mut recovering, page, flags, may_repeat) {
            Round::Done(outcome) => return outcome,
            Round::Again => page.begins_anew(),
        }
        may_repeat = false;
    }
}

/// How a round ends.
enum Round {
    Done(Outcome),
    Again,
}

/// One round; `may_repeat` in the first only.
fn strike<'m, F: Family>(
    recovering: &mut Recovering<'_, 'm, F>,
    page: Page<'m, F>,
    flags: MfFlags,
    may_repeat: bool,
) -> Round {
    if let Some(outcome) = try_memory_failure_hugetlb(recovering, page, flags) {
        return Round::Done(outcome);
    }
    if page.poison() {
        return Round::Done(already_poisoned(recovering, page, flags));
    }
    if !flags.has(MfFlags::COUNT_INCREASED) {
        match grab(page) {
            Grab::Got => {}
            Grab::Unused if page.is_buddy() => return strike_free_page(page, may_repeat),
            Grab::Unused => {
                let kind = MessageType::KernelHighOrder;
                return Round::Done(action_result(page, kind, MfResult::Ignored));
            }
            Grab::Refused => {
                let kind = MessageType::GetHwpoison;
                return Round::Done(action_result(page, kind, MfResult::Ignored));
            }
        }
    }
    Round::Done(strike_page_in_use(recovering, page, flags))
}

fn already_poisoned<'m, F: Family>(
    recovering: &mut Recovering<'_, 'm, F>,
    page: Page<'m, F>,
    flags: MfFlags,
) -> Outcome {
    let mut outcome = Err(Errno::HwPoison);
    if flags.has(MfFlags::ACTION_REQUIRED) {
        outcome = page.kill_accessor(recovering.task().process());
    }
    if flags.has(MfFlags::COUNT_INCREASED) {
        page.put();
    }
    let _reported_only = action_result(page, MessageType::AlreadyPoisoned, MfResult::Failed);
    outcome
}

/// Takes a reference; a page in passing (off the LRU for a moment, or kept at hand) is given time to arrive.
pub(super) fn grab<F: Family>(page: Page<'_, F>) -> Grab {
    let mut grabbed = page.try_get_handlable();
    for _ in 1..PATIENCE {
        match grabbed {
            Grab::Got => break,
            Grab::Unused if page.is_buddy() => break,
            Grab::Unused | Grab::Refused => {}
        }
        page.shake();
        grabbed = page.try_get_handlable();
    }
    grabbed
}

/// Nobody uses the page: it is kept from the allocator — unless it has just handed it out, and then it is in use.
fn strike_free_page<F: Family>(page: Page<'_, F>, may_repeat: bool) -> Round {
    if page.take_off_buddy() {
        page.raise();
        return Round::Done(action_result(page, MessageType::Buddy, MfResult::Recovered));
    }
    if may_repeat {
        page.forgive();
        return Round::Again;
    }
    Round::Done(action_result(page, MessageType::Buddy, MfResult::Failed))
}

/// The page is in use, and we hold a reference to it.
fn strike_page_in_use<'m, F: Family>(
    recovering: &mut Recovering<'_, 'm, F>,
    page: Page<'m, F>,
    flags: MfFlags,
) -> Outcome {
    if recovering.task().with_locked(page, |locked| (page.filtered(), locked.unlock())) {
        page.forgive();
        page.put();
        return Err(Errno::OpNotSupp);
    }
    let head = page.head();
    if head.flags().has(PageFlags::HEAD) {
        // Set under the lock's eyes or not, it only says that a reader must look twice.
        head.set(PageFlags::HAS_HWPOISONED);
        if !recovering.task().with_locked(page, |locked| page.split(locked)) {
            page.kill_users();
            page.put();
            let _reported_only = action_result(page, MessageType::UnsplitThp, MfResult::Failed);
            return Err(Errno::HwPoison);
        }
    }
    page.shake();
    page.keep();
    recovering.task().with_locked(page, |locked| locked_page(locked, flags))
}

/// The part under the page lock: two exits that unlock by themselves, and the handler, which does.
fn locked_page<'b, 'm, F: Family>(
    locked: LockedPage<'b, 'm, F>,
    flags: MfFlags,
) -> (Outcome, UnlockedPage<'b, 'm, F>) {
    let page = locked.page();
    let saved = page.flags();
    if saved.has_any(PageFlags::LRU | PageFlags::WRITEBACK) {
        page.wait_for_writeback();
        if !page.unmap_users(flags) {
            let outcome = action_result(page, MessageType::UnmapFailed, MfResult::Failed);
            return (outcome, locked.unlock());
        }
        if is_truncated(page) {
            let outcome = action_result(page, MessageType::TruncatedLru, MfResult::Ignored);
            return (outcome, locked.unlock());
        }
    }
    identify_page_state(locked, saved)
}

/// Whether the page was taken from its mapping before we came, and only waits to be given back.
fn is_truncated<F: Family>(page: Page<'_, F>) -> bool {
    let flags = page.flags();
    flags.has(PageFlags::LRU) && !flags.has(PageFlags::SWAPCACHE) && page.place() == Place::Nowhere
}
