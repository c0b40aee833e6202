//! Huge pages: folios of a pool of their own, behind `hugetlb_lock`. They are dissolved into ordinary pages when one of
//! their pages has gone bad and nobody uses them.

use super::super::sync::{Event, Family, Shared};
use super::super::vocabulary::{MfFlags, PageFlags};
use super::alloc::Shape;
use super::page::Page;
use super::{Frame, Memory, Pfn, Place, Pool};

/// What is found at a page that may be part of a huge page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HugeState {
    /// No huge page at all.
    NotHuge,
    /// Lies free in the pool, or nobody has a reference any more.
    Freed,
    /// In use; the caller holds a reference now.
    InUse,
    /// Between two states.
    Retry,
    /// This very page was known to be bad.
    PagePoisoned,
    /// Another page of the folio was known to be bad; this one is noted beside it.
    FolioPoisoned,
}

/// A probe's answer, and what must be set right if the failure is filtered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probed {
    /// What was found.
    pub state: HugeState,
    /// Whether the probe made the folio unmovable.
    pub was_migratable: bool,
}

impl<F: Family> Memory<F> {
    /// Runs `section` under `hugetlb_lock`: one way in, one way out.
    fn under_hugetlb_lock<R>(&self, section: impl FnOnce(&mut Pool) -> R) -> R {
        self.pool.with(|pool| {
            self.note(Event::HugetlbTaken);
            let answer = section(pool);
            self.note(Event::HugetlbReleasing);
            answer
        })
    }

    /// Makes a huge page of ordinary ones, and puts it into the pool.
    pub fn fill_pool(&self, order: u8) -> bool {
        let Some(page) = self.allocate(order, Shape::Folio) else { return false };
        page.set(PageFlags::HUGETLB);
        page.put();
        true
    }

    /// Takes a huge page out of the pool, with one reference; never one that is known to be bad.
    pub fn take_huge(&self) -> Option<Page<'_, F>> {
        let pfn = self.under_hugetlb_lock(|pool| {
            let mut free = pool.free.iter().copied();
            let usable = free.find(|pfn| self.frames[*pfn].with(take_from_pool))?;
            pool.free.remove(&usable);
            Some(usable)
        })?;
        self.page(pfn)
    }
}

fn take_from_pool(frame: &mut Frame) -> bool {
    let usable = !frame.flags.has(PageFlags::HWPOISON) && frame.count == 0;
    if usable {
        frame.count = 1;
        frame.flags = frame.flags - PageFlags::FREED;
        frame.flags |= PageFlags::MIGRATABLE;
    }
    usable
}

impl<F: Family> Page<'_, F> {
    /// The last reference to this huge page is gone: it goes back to its pool.
    pub(super) fn give_to_pool(self) {
        let (bad, flags) = self.frame(|frame| (frame.is_bad_when_free(), frame.flags));
        // A page in its pool may be locked by a failure that strikes it there.
        if bad && flags.has_any(PageFlags::LRU | PageFlags::WRITEBACK) {
            self.note(Event::BadPage { pfn: self.pfn, flags });
        }
        self.memory.under_hugetlb_lock(|pool| {
            self.frame(|frame| {
                let kept = PageFlags::HUGETLB | PageFlags::HEAD | PageFlags::HWPOISON | PageFlags::LOCKED;
                frame.flags = frame.flags.within(kept);
                frame.flags |= PageFlags::FREED;
                frame.place = Place::Nowhere;
            });
            pool.free.insert(self.pfn);
        });
    }

    /// Looks whether this is part of a huge page, takes a reference if it is in use, and marks it as bad.
    ///
    /// `hugetlb_lock` is taken once and released once; a reference that turns out to be one too many is dropped after.
    pub fn probe_huge(self, flags: MfFlags) -> Probed {
        let (probed, surplus) = self.memory.under_hugetlb_lock(|_| {
            let head = self.head();
            head.frame(|frame| probe_frame(frame, self.pfn, flags))
        });
        if surplus {
            self.put();
        }
        match probed.state {
            HugeState::Freed | HugeState::InUse => self.note(Event::Poisoned { pfn: self.pfn }),
            HugeState::NotHuge | HugeState::Retry | HugeState::PagePoisoned | HugeState::FolioPoisoned => {}
        }
        probed
    }

    /// Takes back what the probe marked.
    pub fn forgive_huge(self, was_migratable: bool) {
        self.memory.under_hugetlb_lock(|_| {
            self.head().frame(|frame| {
                frame.poisoned_parts.retain(|part| *part != self.pfn);
                if frame.poisoned_parts.is_empty() {
                    frame.flags = frame.flags - PageFlags::HWPOISON;
                }
                if was_migratable {
                    frame.flags |= PageFlags::MIGRATABLE;
                }
            });
        });
        self.note(Event::Forgiven { pfn: self.pfn });
    }

    /// Takes a free huge page apart. Ok if this page is of no huge page now; the poison mark is on the right pages then.
    fn dissolve_free(self) -> bool {
        let taken = self.memory.under_hugetlb_lock(|pool| {
            let head = self.head();
            let huge = head.flags().has(PageFlags::HUGETLB);
            let free = huge && pool.free.remove(&head.pfn);
            (huge, free.then_some(head))
        });
        match taken {
            (false, _) => true,
            (true, None) => false,
            (true, Some(head)) => {
                head.take_apart();
                true
            }
        }
    }

    fn take_apart(self) {
        let (order, parts) = self.frame(|frame| {
            let out = PageFlags::HWPOISON | PageFlags::HUGETLB | PageFlags::FREED | PageFlags::HEAD;
            frame.flags = frame.flags - out;
            (frame.order, std::mem::take(&mut frame.poisoned_parts))
        });
        for part in parts {
            self.at(part).set(PageFlags::HWPOISON);
        }
        self.note(Event::Dissolved { head: self.pfn });
        self.memory.give_block(self.pfn, order);
    }

    /// Takes the free huge page apart and this page off the allocator; whether the page is out of everybody's reach.
    pub fn dissolve_poisoned(self) -> bool {
        self.dissolve_free() && self.take_off_buddy()
    }
}

/// The probe proper: what it finds, and whether it took a reference that must be dropped.
fn probe_frame(frame: &mut Frame, pfn: Pfn, flags: MfFlags) -> (Probed, bool) {
    let answer = |state| Probed { state, was_migratable: false };
    if !frame.flags.has(PageFlags::HUGETLB) {
        return (answer(HugeState::NotHuge), false);
    }
    let mut took = false;
    let state = if flags.has(MfFlags::COUNT_INCREASED) {
        took = true;
        HugeState::InUse
    } else if frame.flags.has(PageFlags::FREED) {
        HugeState::Freed
    } else if frame.flags.has(PageFlags::MIGRATABLE) {
        took = frame.count > 0;
        frame.count += i32::from(took);
        if took { HugeState::InUse } else { HugeState::Freed }
    } else if flags.has(MfFlags::NO_RETRY) {
        HugeState::Retry // Marked nonetheless: nobody shall get it when it has found its state.
    } else {
        return (answer(HugeState::Retry), false);
    };
    if frame.poisoned_parts.contains(&pfn) {
        return (answer(HugeState::PagePoisoned), took);
    }
    let first = !frame.flags.has(PageFlags::HWPOISON);
    frame.flags |= PageFlags::HWPOISON;
    frame.poisoned_parts.push(pfn);
    if !first {
        return (answer(HugeState::FolioPoisoned), took);
    }
    let was_migratable = took && frame.flags.has(PageFlags::MIGRATABLE);
    if was_migratable {
        frame.flags = frame.flags - PageFlags::MIGRATABLE;
    }
    (Probed { state, was_migratable }, false)
}
