//! The page lock as C has it: a call that locks, a call that unlocks, and a call that asks — and no word on who holds it.
//!
//! The designs in `fixtures/hwpoison/rust` are written with these calls, so that the analysis and the model checkers judge
//! the same text. The reference never uses them: a [`RawPage`] is made of a [`Memory`], which no handler gets to see.

use super::super::super::sync::{Event, Family};
use super::super::super::vocabulary::PageFlags;
use super::super::{Memory, Pfn};
use super::Page;
use std::ops::Deref;

/// A page that may be locked and unlocked by hand.
pub struct RawPage<'m, F: Family>(Page<'m, F>);

impl<F: Family> Clone for RawPage<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Family> Copy for RawPage<'_, F> {}

impl<'m, F: Family> Deref for RawPage<'m, F> {
    type Target = Page<'m, F>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The page numbered `pfn`, if `memory` has it.
pub fn pfn_to_page<F: Family>(memory: &Memory<F>, pfn: Pfn) -> Option<RawPage<'_, F>> {
    memory.page(pfn).map(RawPage)
}

/// The page that carries the lock of `page`.
pub fn compound_head<F: Family>(page: RawPage<'_, F>) -> RawPage<'_, F> {
    RawPage(page.head())
}

/// Sleeps until nobody holds the page lock, and takes it.
pub fn lock_page<F: Family>(page: RawPage<'_, F>) {
    page.head().take_bit();
}

/// Clears the lock bit, whoever holds it.
pub fn unlock_page<F: Family>(page: RawPage<'_, F>) {
    page.head().clear_bit();
}

/// Whether *somebody* holds the page lock.
pub fn page_locked<F: Family>(page: RawPage<'_, F>) -> bool {
    let head = page.head();
    head.frame(|frame| {
        let locked = frame.flags.has(PageFlags::LOCKED);
        head.note(Event::PageAsked { head: head.pfn, locked });
        locked
    })
}

/// Takes `mf_mutex`.
pub fn recovery_lock<F: Family>(memory: &Memory<F>) {
    memory.take_mf_mutex();
}

/// Releases `mf_mutex`.
pub fn recovery_unlock<F: Family>(memory: &Memory<F>) {
    memory.release_mf_mutex();
}
