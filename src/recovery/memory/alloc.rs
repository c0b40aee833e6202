//! Pages out of the allocator and back into it, with the checks that it makes: a page that lies free must look free.

use super::super::sync::{Event, Family, Shared, Word};
use super::super::vocabulary::PageFlags;
use super::page::Page;
use super::{Frame, Memory, Pfn, Place};

/// How a block of several pages is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A folio: one head, one lock, one count.
    Folio,
    /// Just pages: only the first one is counted.
    Block,
}

impl<F: Family> Memory<F> {
    /// Takes 2^order pages with one reference. Pages that have gone bad in the allocator are left out of use.
    pub fn allocate(&self, order: u8, shape: Shape) -> Option<Page<'_, F>> {
        loop {
            let first = self.zone.with(|zone| {
                let first = zone.take(order)?;
                self.note(Event::Allocated { pfn: first, order });
                Some(first)
            })?;
            if self.claim(first, order, shape) {
                return self.page(first);
            }
        }
    }

    /// Readies the pages of a block for use; one that is poisoned or does not look free spoils it.
    fn claim(&self, first: Pfn, order: u8, shape: Shape) -> bool {
        let pages = 1 << order;
        for pfn in (first..first + pages).rev() {
            // While the count is 0, nobody follows the word.
            let tail = shape == Shape::Folio && order > 0;
            self.heads[pfn].set(if tail { first } else { pfn });
            if self.frames[pfn].with(|frame| claim_frame(frame, pfn - first, order, shape)) {
                continue;
            }
            self.heads[pfn].set(pfn);
            self.note_if_bad(pfn);
            for other in (first..first + pages).filter(|other| *other != pfn) {
                self.blank(other, PageFlags::HWPOISON);
                self.give_one(other);
            }
            return false;
        }
        true
    }

    fn note_if_bad(&self, pfn: Pfn) {
        let (bad, flags) = self.frames[pfn].with(|frame| (frame.is_bad_when_free(), frame.flags));
        if bad {
            self.note(Event::BadPage { pfn, flags });
        }
    }

    /// Gives a single page back, unless it is bad.
    fn give_one(&self, pfn: Pfn) {
        let (healthy, bad) =
            self.frames[pfn].with(|frame| (!frame.flags.has(PageFlags::HWPOISON), frame.is_bad_when_free()));
        if bad {
            self.note_if_bad(pfn);
        } else if healthy {
            self.give_to_zone(pfn, 0);
        }
    }

    /// Puts a whole block into the buddy lists, the poisoned pages in it too: they are taken off next.
    pub(super) fn give_block(&self, first: Pfn, order: u8) {
        for pfn in first..first + (1 << order) {
            self.blank(pfn, PageFlags::HWPOISON | PageFlags::LOCKED);
            self.note_if_bad(pfn);
        }
        self.give_to_zone(first, order);
    }

    /// Makes the page look like one that nobody uses; tells what flags are kept.
    fn blank(&self, pfn: Pfn, keep: PageFlags) -> PageFlags {
        self.heads[pfn].set(pfn);
        self.frames[pfn].with(|frame| {
            blank(frame, keep);
            frame.flags
        })
    }

    fn give_to_zone(&self, pfn: Pfn, order: u8) {
        self.zone.with(|zone| {
            self.note(Event::Freed { pfn, order });
            zone.give(pfn, order);
        });
    }
}

fn claim_frame(frame: &mut Frame, at: usize, order: u8, shape: Shape) -> bool {
    if frame.flags.has(PageFlags::HWPOISON) || frame.is_bad_when_free() {
        return false;
    }
    let folio = shape == Shape::Folio && order > 0;
    frame.order = if at == 0 { order } else { 0 };
    frame.count = i32::from(at == 0);
    frame.flags = match (at, folio) {
        (0, true) => PageFlags::HEAD,
        (0, false) | (_, true) => PageFlags::NONE,
        (_, false) => PageFlags::HIGH_ORDER_TAIL,
    };
    true
}

/// Makes a page that nobody uses look like one, but for the flags to keep. Users and mapping are left to be seen.
fn blank(frame: &mut Frame, keep: PageFlags) {
    frame.flags = frame.flags.within(keep);
    (frame.order, frame.count) = (0, 0);
    (frame.buffers_stick, frame.kept) = (false, false);
    frame.poisoned_parts.clear();
    if frame.place == Place::Anon {
        frame.place = Place::Nowhere;
    }
}

impl<F: Family> Page<'_, F> {
    /// The last reference to this folio is gone: its healthy pages go back to the allocator, the poisoned ones nowhere.
    pub(super) fn give_back(self) {
        let (order, bad, flags) = self.frame(|frame| (frame.order, frame.is_bad_when_free(), frame.flags));
        if bad {
            return self.note(Event::BadPage { pfn: self.pfn, flags });
        }
        let block = self.pfn..self.pfn + (1 << order);
        let mut healthy = true;
        for pfn in block.clone().rev() {
            healthy &= !self.memory.blank(pfn, PageFlags::HWPOISON).has(PageFlags::HWPOISON);
        }
        if healthy {
            self.memory.give_to_zone(self.pfn, order);
        } else {
            block.for_each(|pfn| self.memory.give_one(pfn));
        }
    }

    /// Whether this page lies in the buddy lists.
    pub fn is_buddy(self) -> bool {
        self.memory.zone.with(|zone| zone.is_buddy(self.pfn))
    }

    /// Puts pages that are kept at hand into the buddy lists, then takes this very page off them.
    pub fn take_off_buddy(self) -> bool {
        self.memory.zone.with(|zone| {
            zone.drain();
            let taken = zone.take_off(self.pfn);
            if taken {
                self.note(Event::TakenOff { pfn: self.pfn });
            }
            taken
        })
    }

    /// Puts pages that are kept at hand where they can be found.
    pub fn shake(self) {
        self.memory.zone.with(super::zone::Zone::drain);
    }
}
