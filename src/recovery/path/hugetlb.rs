//! The path of a failure that strikes a huge page of the pool.

use super::super::memory::huge::{HugeState, Probed};
use super::super::memory::page::Page;
use super::super::memory::page_lock::{LockedPage, Recovering, UnlockedPage};
use super::super::sync::Family;
use super::super::vocabulary::{Errno, MessageType, MfFlags, MfResult, Outcome};
use super::dispatch::{action_result, identify_page_state};

/// Handles the failure if `page` is part of a huge page; `None` if it is not, and the ordinary path goes on.
pub(super) fn try_memory_failure_hugetlb<'m, F: Family>(
    recovering: &mut Recovering<'_, 'm, F>,
    page: Page<'m, F>,
    flags: MfFlags,
) -> Option<Outcome> {
    let mut probed = page.probe_huge(flags);
    if probed.state == HugeState::Retry {
        probed = page.probe_huge(flags | MfFlags::NO_RETRY);
    }
    // None of these has taken the page lock.
    match probed.state {
        HugeState::NotHuge => None,
        HugeState::Retry => Some(action_result(page, MessageType::GetHwpoison, MfResult::Ignored)),
        HugeState::PagePoisoned | HugeState::FolioPoisoned => {
            Some(already_poisoned(recovering, page, probed.state, flags))
        }
        HugeState::Freed | HugeState::InUse => {
            Some(recovering.task().with_locked(page, |locked| locked_huge_page(locked, probed, flags)))
        }
    }
}

fn already_poisoned<'m, F: Family>(
    recovering: &mut Recovering<'_, 'm, F>,
    page: Page<'m, F>,
    state: HugeState,
    flags: MfFlags,
) -> Outcome {
    let mut outcome = Err(Errno::HwPoison);
    if flags.has(MfFlags::ACTION_REQUIRED) {
        outcome = page.kill_accessor(recovering.task().process());
    }
    let same = state == HugeState::PagePoisoned;
    let kind = if same { MessageType::AlreadyPoisoned } else { MessageType::Huge };
    let _reported_only = action_result(page, kind, MfResult::Failed);
    outcome
}

/// The part under the page lock: three exits that unlock by themselves, and the handler, which does.
fn locked_huge_page<'b, 'm, F: Family>(
    locked: LockedPage<'b, 'm, F>,
    probed: Probed,
    flags: MfFlags,
) -> (Outcome, UnlockedPage<'b, 'm, F>) {
    let page = locked.page();
    let in_use = probed.state == HugeState::InUse;
    if page.filtered() {
        page.forgive_huge(probed.was_migratable);
        let unlocked = locked.unlock();
        if in_use {
            page.put();
        }
        return (Err(Errno::OpNotSupp), unlocked);
    }
    if !in_use {
        let unlocked = locked.unlock();
        return (dissolve_free_huge_page(page), unlocked);
    }
    let saved = locked.head().flags();
    if !page.unmap_users(flags) {
        let unlocked = locked.unlock();
        return (action_result(page, MessageType::UnmapFailed, MfResult::Failed), unlocked);
    }
    identify_page_state(locked, saved)
}

fn dissolve_free_huge_page<F: Family>(page: Page<'_, F>) -> Outcome {
    let dissolved = page.dissolve_poisoned();
    if dissolved {
        page.raise();
    }
    let result = if dissolved { MfResult::Recovered } else { MfResult::Failed };
    action_result(page, MessageType::FreeHuge, result)
}
