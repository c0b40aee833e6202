//! Pages in the states that a failure may find them in. What is made here comes with one reference, the maker's.

use super::super::sync::{Family, Shared};
use super::super::vocabulary::PageFlags;
use super::alloc::Shape;
use super::page::Page;
use super::{Memory, Place, User};

impl User {
    /// A process that has only read.
    pub fn reader(process: u32) -> Self {
        Self { process, dirty: false, stubborn: false }
    }

    /// A process that has written through its mapping.
    pub fn writer(process: u32) -> Self {
        Self { process, dirty: true, stubborn: false }
    }

    /// A process that cannot be unmapped.
    pub fn pinned(process: u32) -> Self {
        Self { process, dirty: false, stubborn: true }
    }
}

impl<F: Family> Memory<F> {
    /// A folio of a file, clean and on the LRU.
    pub fn file_folio(&self, mapping: usize, index: usize, order: u8) -> Option<Page<'_, F>> {
        let page = self.allocate(order, Shape::Folio)?;
        page.set(PageFlags::UPTODATE);
        page.belong_to_file(mapping, index);
        page.join_lru();
        Some(page)
    }

    /// A folio that belongs to processes alone, on the LRU.
    pub fn anonymous_folio(&self, order: u8) -> Option<Page<'_, F>> {
        let page = self.allocate(order, Shape::Folio)?;
        page.set(PageFlags::UPTODATE | PageFlags::SWAPBACKED);
        page.frame(|frame| frame.place = Place::Anon);
        page.join_lru();
        Some(page)
    }

    /// A page that only the kernel uses.
    pub fn kernel_page(&self) -> Option<Page<'_, F>> {
        let page = self.allocate(0, Shape::Folio)?;
        page.set(PageFlags::RESERVED);
        Some(page)
    }

    /// A huge page of the pool that belongs to a file.
    pub fn huge_file_folio(&self, mapping: usize, index: usize) -> Option<Page<'_, F>> {
        let page = self.take_huge()?;
        page.belong_to_file(mapping, index);
        Some(page)
    }

    /// The page at `index` of a file, with a reference.
    pub fn find(&self, mapping: usize, index: usize) -> Option<Page<'_, F>> {
        let pfn = self.mappings[mapping].with(|space| {
            let pfn = space.pages.get(&index).copied()?;
            Page { memory: self, pfn }.try_get().then_some(pfn)
        })?;
        self.page(pfn)
    }

    /// Whether the file's next writer-back must be told of an error.
    pub fn has_error(&self, mapping: usize) -> bool {
        self.mappings[mapping].with(|space| space.error)
    }
}

impl<F: Family> Page<'_, F> {
    fn belong_to_file(self, mapping: usize, index: usize) {
        let references = self.cache_references();
        self.memory.mappings[mapping].with(|space| {
            space.pages.insert(index, self.pfn);
            self.frame(|frame| {
                frame.place = Place::File { mapping, index };
                frame.count += references;
            });
        });
    }

    /// Gives the folio private buffers that will not let go.
    pub fn stick_buffers(self) {
        self.head().frame(|frame| frame.buffers_stick = true);
    }
}
