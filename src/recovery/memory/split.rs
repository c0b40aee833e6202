//! A large folio is split into its pages, so that only the bad one is lost.

use super::super::sync::{Family, Shared, Word};
use super::super::vocabulary::PageFlags;
use super::page::Page;
use super::page_lock::{LockedPage, UnlockedPage};
use super::{Frame, Pfn, Place};

impl<'m, F: Family> Page<'m, F> {
    /// Splits the folio if nobody has a reference besides the caller, its users and its cache; unlocks it in any case.
    ///
    /// The caller's reference goes over to the page `self`; the lock is that of the head, before and after.
    pub fn split<'b>(self, locked: LockedPage<'b, 'm, F>) -> (bool, UnlockedPage<'b, 'm, F>) {
        let head = self.head();
        let frozen = head.freeze();
        let orphans = if frozen { self.distribute(head) } else { Vec::new() };
        let unlocked = locked.unlock();
        orphans.into_iter().for_each(|pfn| self.at(pfn).give_back());
        (frozen, unlocked)
    }

    /// Makes the count 0 if all of it is accounted for, so that nobody takes a reference to pages about to change.
    fn freeze(self) -> bool {
        let pins = if self.is_anonymous() { 0 } else { self.cache_references() };
        self.frame(|frame| {
            let own = 1 + pins + i32::try_from(frame.users.len()).unwrap_or(i32::MAX);
            let alone = frame.count == own && frame.flags.has(PageFlags::HEAD);
            if alone {
                frame.count = 0;
            }
            alone
        })
    }

    /// Takes the folio off the LRU without a reference: nobody has one.
    pub(super) fn drop_from_lru(self) {
        self.memory.lru.with(|lru| {
            lru.remove(&self.pfn);
            self.frame(|frame| frame.flags = frame.flags - PageFlags::LRU);
        });
    }

    /// Gives each page its share of users and references; tells which have none.
    fn distribute(self, head: Self) -> Vec<Pfn> {
        head.drop_from_lru();
        let (order, flags, place, users) =
            head.frame(|frame| (frame.order, frame.flags, frame.place, frame.users.clone()));
        let mapped = i32::try_from(users.len()).unwrap_or(i32::MAX);
        let mut orphans = Vec::new();
        for at in (0..1usize << order).rev() {
            let page = self.at(head.pfn + at);
            let place = match place {
                Place::File { mapping, index } => Place::File { mapping, index: index + at },
                Place::Anon | Place::Nowhere => place,
            };
            let cached = i32::from(page.join_mapping(place));
            let count = mapped + cached + i32::from(page.pfn == self.pfn);
            // The head comes last: until then the count that others would have to raise is 0.
            self.memory.heads[page.pfn].set(page.pfn);
            page.frame(|frame| {
                become_single(frame, at == 0, flags, place, count);
                frame.users.clone_from(&users);
            });
            if count > 0 {
                page.join_lru();
            } else {
                orphans.push(page.pfn);
            }
        }
        orphans
    }

    /// Files the page in the mapping that its place names.
    fn join_mapping(self, place: Place) -> bool {
        let Place::File { mapping, index } = place else { return false };
        self.memory.mappings[mapping].with(|space| space.pages.insert(index, self.pfn));
        true
    }
}

fn become_single(frame: &mut Frame, was_head: bool, flags: PageFlags, place: Place, count: i32) {
    let shared = PageFlags::UPTODATE | PageFlags::DIRTY | PageFlags::SWAPBACKED;
    let own = if was_head { PageFlags::HWPOISON | PageFlags::LOCKED } else { PageFlags::HWPOISON };
    frame.flags = frame.flags.within(own) | flags.within(shared);
    (frame.order, frame.place, frame.count) = (0, place, count);
}
