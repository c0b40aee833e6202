//! Which handler is responsible: the table of states, in order, and the two passes over it.
//!
//! Nothing here locks or unlocks. The locked page goes through to the handler, and the receipt comes back through to the
//! caller (I3: no other operation of the page lock fits in between).

use super::super::memory::page::Page;
use super::super::memory::page_lock::{LockedPage, UnlockedPage};
use super::super::sync::Family;
use super::super::vocabulary::{MessageType, MfResult, Outcome, PageFlags, outcome_of};
use super::handlers;

/// A handler of a state. Contract: the page is locked on entry, once; it is unlocked on return, on every path.
///
/// In C this is a comment that somebody must keep. Here there is no other way to come by the second half of the result.
pub type Handler<F> = for<'b, 'm> fn(&Row<F>, LockedPage<'b, 'm, F>) -> (MfResult, UnlockedPage<'b, 'm, F>);

/// A state that pages can be in: those whose flags, within `mask`, are `expected`.
pub struct Row<F: Family> {
    /// Flags that are looked at.
    pub mask: PageFlags,
    /// What they must be.
    pub expected: PageFlags,
    /// What the message calls it.
    pub kind: MessageType,
    /// Who deals with it.
    pub handler: Handler<F>,
}

const SWAP: PageFlags = PageFlags::SWAPCACHE.and(PageFlags::SWAPBACKED);

impl<F: Family> Row<F> {
    /// The first row that matches is the one; the last matches always.
    pub const TABLE: [Self; 11] = {
        use MessageType as T;
        use PageFlags as P;
        const fn row<F: Family>(mask: P, expected: P, kind: T, handler: Handler<F>) -> Row<F> {
            Row { mask, expected, kind, handler }
        }
        let (dirty, clean): (Handler<F>, Handler<F>) = (handlers::pagecache_dirty, handlers::pagecache_clean);
        [
            row(P::RESERVED, P::RESERVED, T::Kernel, handlers::kernel),
            row(P::HEAD, P::HEAD, T::Huge, handlers::huge_page),
            row(SWAP.and(P::DIRTY), SWAP.and(P::DIRTY), T::DirtySwapcache, handlers::swapcache_dirty),
            row(SWAP.and(P::DIRTY), SWAP, T::CleanSwapcache, handlers::swapcache_clean),
            row(P::MLOCKED.and(P::DIRTY), P::MLOCKED.and(P::DIRTY), T::DirtyMlockedLru, dirty),
            row(P::MLOCKED.and(P::DIRTY), P::MLOCKED, T::CleanMlockedLru, clean),
            row(P::UNEVICTABLE.and(P::DIRTY), P::UNEVICTABLE.and(P::DIRTY), T::DirtyUnevictableLru, dirty),
            row(P::UNEVICTABLE.and(P::DIRTY), P::UNEVICTABLE, T::CleanUnevictableLru, clean),
            row(P::LRU.and(P::DIRTY), P::LRU.and(P::DIRTY), T::DirtyLru, dirty),
            row(P::LRU.and(P::DIRTY), P::LRU, T::CleanLru, clean),
            row(P::NONE, P::NONE, T::Unknown, handlers::unknown),
        ]
    };

    /// The first row that `flags` match.
    pub fn matching(flags: PageFlags) -> Self {
        let [.., last] = Self::TABLE;
        Self::TABLE.into_iter().find(|row| flags.within(row.mask) == row.expected).unwrap_or(last)
    }

    /// Whether this is the row for everything else.
    fn is_catch_all(&self) -> bool {
        self.mask == PageFlags::NONE
    }
}

/// Finds the row, and has its handler deal with the page.
///
/// The flags of the page as they are come first. If nothing matches, those that were `saved` under the page lock before
/// users were unmapped decide, with what unmapping has learned: whether the page is dirty.
pub fn identify_page_state<'b, 'm, F: Family>(
    locked: LockedPage<'b, 'm, F>,
    saved: PageFlags,
) -> (Outcome, UnlockedPage<'b, 'm, F>) {
    let now = locked.page().flags();
    let saved = saved | now.within(PageFlags::DIRTY);
    let mut row = Row::matching(now);
    if row.is_catch_all() {
        row = Row::matching(saved);
    }
    page_action(&row, locked)
}

/// Has the row's handler deal with the page, and says what came of it.
fn page_action<'b, 'm, F: Family>(
    row: &Row<F>,
    locked: LockedPage<'b, 'm, F>,
) -> (Outcome, UnlockedPage<'b, 'm, F>) {
    locked.enter(row.kind);
    let (result, unlocked) = (row.handler)(row, locked);
    unlocked.leave(row.kind);
    (action_result(unlocked.page(), row.kind, result), unlocked)
}

/// Counts and logs the result; the return code that it stands for.
pub fn action_result<F: Family>(page: Page<'_, F>, kind: MessageType, result: MfResult) -> Outcome {
    page.report(kind, result);
    outcome_of(result)
}
