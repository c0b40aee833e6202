//! A page as others hold it: a number and the memory that it is of. Everything that may be done *without asking for the
//! page lock* is here or in the files beside; locking is in `page_lock` alone.

use super::super::sync::{Event, Family, Shared, Word};
use super::super::vocabulary::{MessageType, MfResult, PageFlags};
use super::{Frame, Memory, Pfn, Place};

/// A page. It does not tell who holds what: it is a name, copied at will.
pub struct Page<'m, F: Family> {
    pub(super) memory: &'m Memory<F>,
    pub(super) pfn: Pfn,
}

impl<F: Family> Clone for Page<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: Family> Copy for Page<'_, F> {}

/// What came of the attempt to take a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grab {
    /// Taken: the page is in use and will stay.
    Got,
    /// Nobody uses the page.
    Unused,
    /// In use, but not in a state in which failures are handled.
    Refused,
}

/// What must be off a page that is given back.
const BAD_WHEN_FREE: PageFlags = PageFlags::LOCKED
    .and(PageFlags::LRU)
    .and(PageFlags::WRITEBACK)
    .and(PageFlags::SWAPCACHE)
    .and(PageFlags::RESERVED);

impl Frame {
    /// Whether a page in this state may not lie in the allocator.
    pub(super) fn is_bad_when_free(&self) -> bool {
        self.flags.has_any(BAD_WHEN_FREE)
            || self.count != 0
            || !self.users.is_empty()
            || matches!(self.place, Place::File { .. })
    }
}

impl<'m, F: Family> Page<'m, F> {
    /// Its number.
    pub fn pfn(self) -> Pfn {
        self.pfn
    }

    pub(super) fn at(self, pfn: Pfn) -> Self {
        Self { memory: self.memory, pfn }
    }

    pub(super) fn frame<R>(self, section: impl FnOnce(&mut Frame) -> R) -> R {
        self.memory.frames[self.pfn].with(section)
    }

    pub(super) fn note(self, event: Event) {
        self.memory.note(event);
    }

    /// First page of its folio.
    pub fn head(self) -> Self {
        self.at(self.memory.heads[self.pfn].get())
    }

    /// Flags of the page itself.
    pub fn flags(self) -> PageFlags {
        self.frame(|frame| frame.flags)
    }

    /// Sets flags of the page itself; tells what was there before.
    pub fn set(self, flags: PageFlags) -> PageFlags {
        self.frame(|frame| {
            let before = frame.flags;
            frame.flags = before | flags;
            before
        })
    }

    /// Clears flags of the page itself; tells what was there before.
    pub fn clear(self, flags: PageFlags) -> PageFlags {
        self.frame(|frame| {
            let before = frame.flags;
            frame.flags = before - flags;
            before
        })
    }

    /// Where the contents belong.
    pub fn place(self) -> Place {
        self.head().frame(|frame| frame.place)
    }

    /// References to the folio.
    pub fn count(self) -> i32 {
        self.head().frame(|frame| frame.count)
    }

    /// Pages of the folio.
    pub fn folio_pages(self) -> i32 {
        self.head().frame(|frame| 1 << frame.order)
    }

    /// Takes a reference, unless nobody has one.
    pub fn try_get(self) -> bool {
        let head = self.head();
        let got = head.frame(|frame| {
            frame.count += i32::from(frame.count > 0);
            frame.count > 0
        });
        if got {
            self.note(Event::Referenced { head: head.pfn });
        }
        // Who has no reference may have looked at a folio that was just then taken apart.
        if got && self.head().pfn != head.pfn {
            head.put();
            return self.try_get();
        }
        got
    }

    /// Takes a reference to a page in a state that failures are handled in: on the LRU.
    pub fn try_get_handlable(self) -> Grab {
        let handlable = self.head().flags().has(PageFlags::LRU);
        match (handlable, self.count() > 0) {
            (_, false) => Grab::Unused,
            (false, true) => Grab::Refused,
            (true, true) if self.try_get() => Grab::Got,
            (true, true) => Grab::Unused,
        }
    }

    /// Takes a reference to a page that nobody has, and keeps it: the page is never given back.
    pub fn raise(self) {
        self.frame(|frame| {
            frame.count += 1;
            frame.kept = true;
        });
        self.note(Event::Referenced { head: self.pfn });
    }

    /// The caller's reference stays with the page for good.
    pub fn keep(self) {
        self.head().frame(|frame| frame.kept = true);
    }

    /// Whether nothing but the reference that recovery kept is left; then it is the caller's again, to be dropped.
    pub fn take_kept(self) -> bool {
        self.frame(|frame| {
            let alone = frame.kept && frame.count == 1;
            frame.kept &= !alone;
            alone
        })
    }

    /// Drops a reference; with the last one the folio is free.
    pub fn put(self) {
        let head = self.head();
        let (left, flags) = head.frame(|frame| {
            self.note(Event::Dropped { head: head.pfn });
            frame.count -= 1;
            (frame.count, frame.flags)
        });
        match left {
            1.. => {}
            0 if flags.has(PageFlags::HUGETLB) => head.give_to_pool(),
            0 => {
                if flags.has(PageFlags::LRU) {
                    head.drop_from_lru();
                }
                head.give_back();
            }
            _ => self.note(Event::BadPage { pfn: head.pfn, flags }),
        }
    }

    /// Sets the poison mark of this page; whether it was set before.
    pub fn poison(self) -> bool {
        let before = self.set(PageFlags::HWPOISON).has(PageFlags::HWPOISON);
        if !before {
            self.note(Event::Poisoned { pfn: self.pfn });
        }
        before
    }

    /// Takes the poison mark back; whether it was there.
    pub fn forgive(self) -> bool {
        let before = self.clear(PageFlags::HWPOISON).has(PageFlags::HWPOISON);
        if before {
            self.note(Event::Forgiven { pfn: self.pfn });
        }
        before
    }

    /// Whether failures of this page are to be ignored.
    pub fn filtered(self) -> bool {
        let Some((mask, value)) = self.memory.settings.filter else { return false };
        self.head().flags().within(mask) != value
    }

    /// Sleeps until the folio is not on its way to the backing store.
    pub fn wait_for_writeback(self) {
        self.memory.wait_on(self.head().pfn, |frame| !frame.flags.has(PageFlags::WRITEBACK));
    }

    /// The way to the backing store is done.
    pub fn end_writeback(self) {
        self.memory
            .change_and_wake(self.head().pfn, |frame| frame.flags = frame.flags - PageFlags::WRITEBACK);
    }

    /// Whether somebody holds references besides the caller and the folio's own `pins`.
    pub fn extra_references(self, pins: bool) -> bool {
        let own = 1 + if pins { self.folio_pages() } else { 0 };
        self.count() > own
    }

    /// The path begins anew with this page.
    pub fn begins_anew(self) {
        self.note(Event::Retrying);
    }

    /// Counts and logs what came of a failure. Takes no lock that anybody sleeps on.
    pub fn report(self, kind: MessageType, result: MfResult) {
        self.note(Event::Reported { pfn: self.pfn, kind, result });
        self.memory.tally.with(|tally| {
            tally.poisoned += usize::from(kind != MessageType::AlreadyPoisoned);
            tally.reports.push((self.pfn, kind, result));
        });
    }
}

impl<F: Family> Memory<F> {
    /// Sleeps on the frame until `ready`, which may change it.
    pub(super) fn wait_on(&self, pfn: Pfn, mut ready: impl FnMut(&mut Frame) -> bool) {
        let mut asleep = false;
        self.frames[pfn].wait(|frame| {
            let now = ready(frame);
            match (now, asleep) {
                (true, true) => frame.waiters -= 1,
                (false, false) => frame.waiters += 1,
                (true, false) | (false, true) => {}
            }
            asleep = !now;
            now.then_some(())
        });
    }

    /// Changes the frame, and wakes whoever sleeps on it.
    pub(super) fn change_and_wake(&self, pfn: Pfn, change: impl FnOnce(&mut Frame)) {
        let sleepers = self.frames[pfn].with(|frame| {
            change(frame);
            frame.waiters > 0
        });
        if sleepers {
            self.frames[pfn].wake_all();
        }
    }
}
