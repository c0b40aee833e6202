//! Who meets whom at a page: the scenarios in which the reference is checked.

use super::families::Checked;
use super::scenario::Scenario;
use lockbalance::recovery::memory::{Memory, User};
use lockbalance::recovery::{
    MappingKind, MfFlags, PageFlags, Setup, Task, memory_failure, soft_offline, unpoison,
};

fn none<F: Checked>(_: &Memory<F>) {}

/// A page of a file, page 0 of two.
fn file<F: Checked>(memory: &Memory<F>) {
    memory.file_folio(0, 0, 0).expect("a page").put();
}

/// The same, mapped by a process that has written.
fn mapped_file<F: Checked>(memory: &Memory<F>) {
    file(memory);
    memory.page(0).expect("the page").map(User::writer(3));
}

/// A page of a process in the swap cache.
fn swapped<F: Checked>(memory: &Memory<F>) {
    let page = memory.anonymous_folio(0).expect("a page");
    page.join_swap_cache();
    page.set(PageFlags::DIRTY);
    page.put();
}

/// A huge page of two in its pool.
fn pooled<F: Checked>(memory: &Memory<F>) {
    assert!(memory.fill_pool(1));
}

/// A huge page of two that a process has mapped.
fn huge<F: Checked>(memory: &Memory<F>) {
    pooled(memory);
    let page = memory.take_huge().expect("a huge page");
    page.map(User::reader(3));
    page.put();
}

/// A folio of two that a process has mapped.
fn large<F: Checked>(memory: &Memory<F>) {
    let page = memory.anonymous_folio(1).expect("a folio");
    page.map(User::reader(3));
    page.put();
}

fn fail<F: Checked>(memory: &Memory<F>) {
    let _ = memory_failure(&mut Task::new(memory), 0, MfFlags::NONE);
}

fn fail_other<F: Checked>(memory: &Memory<F>) {
    let _ = memory_failure(&mut Task::new(memory), 1, MfFlags::NONE);
}

fn fail_softly<F: Checked>(memory: &Memory<F>) {
    let mut task = Task::new(memory);
    let _ = memory_failure(&mut task, 0, MfFlags::SW_SIMULATED);
    let _ = unpoison(&mut task, 0);
}

fn offline<F: Checked>(memory: &Memory<F>) {
    let _ = soft_offline(&mut Task::new(memory), 0, MfFlags::NONE);
}

fn touch<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).touch(memory.page(0).expect("the page"), || ());
}

fn truncate<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).truncate(memory, 0, 0);
}

fn reclaim<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).reclaim(memory.page(0).expect("the page"));
}

fn reuse<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).reuse(memory, || ());
}

fn reuse_huge<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).reuse_huge(memory, || ());
}

/// For the meetings that have millions of orders, how many preemptions are gone through.
const WIDE: usize = 5;

/// A memory of two pages with one file.
fn two_pages() -> Setup {
    Setup::pages(2).mapping(MappingKind::FILE)
}

/// All meetings of two.
pub fn pairs<F: Checked>() -> Vec<Scenario<F>> {
    let meet = |name, prepare: fn(&Memory<F>), failure: fn(&Memory<F>), other: fn(&Memory<F>)| Scenario {
        name,
        setup: two_pages,
        pages: 2,
        prepare,
        actors: vec![("the failure", failure), ("another", other)],
        limit: None,
    };
    let wide = |scenario: Scenario<F>| Scenario { limit: Some(WIDE), ..scenario };
    vec![
        wide(meet("a free page fails while it is handed out", none, fail, reuse)),
        meet("a page of a file fails while it is used", file, fail, touch),
        wide(meet("a page of a file fails while it is truncated", file, fail, truncate)),
        wide(meet("a page of a file fails while it is reclaimed", file, fail, reclaim)),
        meet("a mapped page fails while it is used", mapped_file, fail, touch),
        meet("a page of the swap cache fails while it is used", swapped, fail, touch),
        meet("a page fails twice at once", file, fail, fail),
        meet("a page fails while it is taken out of use", file, fail, offline),
        wide(meet("a page fails and recovers while another takes pages", none, fail_softly, reuse)),
        meet("a large folio fails while it is used", large, fail_other, touch),
        meet("a free huge page fails while it is handed out", pooled, fail, reuse_huge),
        meet("a huge page fails while it is used", huge, fail, touch),
        meet("a huge page fails while others take pages", huge, fail, reuse),
        meet("two pages of a huge page fail at once", huge, fail, fail_other),
        meet("a page is taken out of use while it is used", file, offline, touch),
        wide(meet("a page is taken out of use while it is truncated", file, offline, truncate)),
    ]
}

/// Meetings of more, for orders drawn by chance.
pub fn crowds<F: Checked>() -> Vec<Scenario<F>> {
    let crowd = |name, prepare: fn(&Memory<F>), actors: Vec<fn(&Memory<F>)>| Scenario {
        name,
        setup: eight_pages,
        pages: 8,
        prepare,
        actors: NAMES.into_iter().zip(actors).collect(),
        limit: None,
    };
    vec![
        crowd("files", file, vec![fail, touch, truncate, reclaim, reuse]),
        crowd("mapped files", mapped_file, vec![fail, touch, reclaim, fail, offline]),
        crowd("huge pages", huge, vec![fail, touch, reuse, reuse_huge, fail_other]),
        crowd("huge pages in their pool", pooled, vec![fail, reuse_huge, reuse_huge, reuse, fail_other]),
        crowd("large folios", large, vec![fail_other, touch, reuse, fail, offline]),
        crowd("free pages", none, vec![fail_softly, reuse, reuse, offline, fail_other]),
    ]
}

const NAMES: [&str; 5] = ["the first", "the second", "the third", "the fourth", "the fifth"];

fn eight_pages() -> Setup {
    Setup::pages(8).mapping(MappingKind::FILE)
}
