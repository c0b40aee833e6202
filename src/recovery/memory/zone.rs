//! The buddy allocator: free blocks of 2^order pages, split when a smaller one is asked for, merged with their buddy when
//! given back; and a few single pages kept at hand.
//!
//! Invariant: no page is in two blocks, or in a block and at hand. A page at hand is free, but not *in the buddy lists*:
//! that is what a failure that strikes a free page may trip over, and why it drains first.

use super::Pfn;
use std::collections::BTreeSet;

const ORDERS: usize = 5;
/// How many single pages are kept at hand.
const AT_HAND: usize = 2;

/// Free memory.
pub(super) struct Zone {
    free: [BTreeSet<Pfn>; ORDERS],
    at_hand: Vec<Pfn>,
}

impl Zone {
    /// Pages `0..frames`, all free.
    pub(super) fn of(frames: usize) -> Self {
        let mut zone = Self { free: Default::default(), at_hand: Vec::new() };
        for pfn in 0..frames {
            zone.give_block(pfn, 0);
        }
        zone
    }

    /// Takes a block of 2^order pages.
    pub(super) fn take(&mut self, order: u8) -> Option<Pfn> {
        if order == 0
            && let Some(pfn) = self.at_hand.pop()
        {
            return Some(pfn);
        }
        let order = usize::from(order);
        let found = (order..ORDERS).find(|&order| !self.free[order].is_empty())?;
        let pfn = self.free[found].pop_first()?;
        for smaller in (order..found).rev() {
            self.free[smaller].insert(pfn + (1 << smaller));
        }
        Some(pfn)
    }

    /// Gives a block back; single pages are kept at hand until there are too many.
    pub(super) fn give(&mut self, pfn: Pfn, order: u8) {
        if order > 0 {
            return self.give_block(pfn, order.into());
        }
        self.at_hand.push(pfn);
        if self.at_hand.len() > AT_HAND {
            self.drain();
        }
    }

    fn give_block(&mut self, mut pfn: Pfn, mut order: usize) {
        while order + 1 < ORDERS && self.free[order].remove(&(pfn ^ (1 << order))) {
            pfn &= !(1 << order);
            order += 1;
        }
        self.free[order].insert(pfn);
    }

    /// Puts what is at hand into the buddy lists.
    pub(super) fn drain(&mut self) {
        for pfn in std::mem::take(&mut self.at_hand) {
            self.give_block(pfn, 0);
        }
    }

    fn block_of(&self, pfn: Pfn) -> Option<(Pfn, usize)> {
        let aligned = (0..ORDERS).map(|order| (pfn & !((1 << order) - 1), order));
        aligned.into_iter().find(|(start, order)| self.free[*order].contains(start))
    }

    /// Whether `pfn` is in the buddy lists.
    pub(super) fn is_buddy(&self, pfn: Pfn) -> bool {
        self.block_of(pfn).is_some()
    }

    /// Takes this very page out of the buddy lists; the rest of its block stays.
    pub(super) fn take_off(&mut self, pfn: Pfn) -> bool {
        let Some((mut start, order)) = self.block_of(pfn) else { return false };
        self.free[order].remove(&start);
        for smaller in (0..order).rev() {
            let middle = start + (1 << smaller);
            let other = if pfn < middle { middle } else { std::mem::replace(&mut start, middle) };
            self.free[smaller].insert(other);
        }
        true
    }

    /// All free pages, each as often as it is free: once, unless something is broken.
    pub(super) fn all(&self) -> Vec<Pfn> {
        let blocks = self.free.iter().enumerate();
        let pages = blocks.flat_map(|(order, starts)| starts.iter().flat_map(move |s| *s..s + (1 << order)));
        pages.chain(self.at_hand.iter().copied()).collect()
    }
}
