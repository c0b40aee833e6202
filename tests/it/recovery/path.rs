//! The path in one thread: for each state of a page, what comes of a failure, in one line of text; the ledger and the
//! audit have nothing to say.

use super::families::{Checked, Real};
use lockbalance::recovery::memory::alloc::Shape;
use lockbalance::recovery::memory::{Memory, User};
use lockbalance::recovery::path::dispatch::Row;
use lockbalance::recovery::vocabulary::outcome_of;
use lockbalance::recovery::{
    Beyond, Errno, ErrorRemove, Event, MappingKind, MfFlags, MfResult, Outcome, PageFlags, Pfn, Setup, Std,
    Task, code, memory_failure, soft_offline, unpoison,
};
use std::sync::Arc;

const PAGES: usize = 8;

/// Memory with a file (0), shared memory (1), a file that refuses (2), one without an operation (3) and one of huge pages (4).
fn setup() -> Setup {
    let file = |error_remove| MappingKind { shmem: false, error_remove };
    Setup::pages(PAGES)
        .mapping(MappingKind::FILE)
        .mapping(MappingKind::SHMEM)
        .mapping(file(ErrorRemove::Fails))
        .mapping(file(ErrorRemove::Absent))
        .mapping(MappingKind::HUGE)
}

/// Runs one operation on a page that `prepare` makes, and tells what came of it.
fn told(
    setup: Setup,
    prepare: impl FnOnce(&Memory<Real>) -> Pfn,
    operation: impl FnOnce(&mut Task<'_, Real>, Pfn) -> Outcome,
) -> String {
    let memory = Real::memory(setup, PAGES);
    let pfn = prepare(&memory);
    let outcome = operation(&mut Task::of_process(&memory, 7), pfn);
    tell(&memory, outcome)
}

fn tell(memory: &Arc<Memory<Real>>, outcome: Outcome) -> String {
    let tally = memory.tally();
    let mut text = code(outcome).to_string();
    for (_, kind, result) in &tally.reports {
        text += &format!(" {kind:?}:{result:?}");
    }
    if !tally.killed.is_empty() {
        text += &format!(" killed {:?}", tally.killed);
    }
    for fault in memory.watch().faults() {
        text += &format!(" FAULT {fault:?}");
    }
    for fault in memory.audit() {
        text += &format!(" AUDIT {fault}");
    }
    text
}

/// A failure of a page that `prepare` makes, reported with `flags`.
fn struck(flags: MfFlags, prepare: impl FnOnce(&Memory<Real>) -> Pfn) -> String {
    told(setup(), prepare, |task, pfn| memory_failure(task, pfn, flags))
}

const NONE: MfFlags = MfFlags::NONE;
const COUNTED: MfFlags = MfFlags::COUNT_INCREASED;

/// A page of a file whose maker has gone.
fn file(memory: &Memory<Real>, mapping: usize, flags: PageFlags) -> Pfn {
    let page = memory.file_folio(mapping, 0, 0).expect("a page");
    page.set(flags);
    page.put();
    page.pfn()
}

/// A page of a process in the swap cache.
fn swapped(memory: &Memory<Real>, flags: PageFlags) -> Pfn {
    let page = memory.anonymous_folio(0).expect("a page");
    page.map(User::reader(3));
    page.join_swap_cache();
    page.set(flags);
    page.put();
    page.pfn()
}

/// A huge page of two, in the pool.
fn pooled(memory: &Memory<Real>) {
    assert!(memory.fill_pool(1));
}

#[test]
fn pages_of_files() {
    let dirty = |memory: &Memory<Real>| file(memory, 0, PageFlags::DIRTY);
    assert_eq!(struck(NONE, |memory| file(memory, 0, PageFlags::NONE)), "0 CleanLru:Recovered");
    assert_eq!(struck(NONE, dirty), "0 DirtyLru:Recovered");
    assert_eq!(struck(NONE, |memory| file(memory, 0, PageFlags::MLOCKED)), "0 CleanMlockedLru:Recovered");
    let unevictable = |memory: &Memory<Real>| file(memory, 0, PageFlags::UNEVICTABLE | PageFlags::DIRTY);
    assert_eq!(struck(NONE, unevictable), "0 DirtyUnevictableLru:Recovered");
    assert_eq!(struck(NONE, |memory| file(memory, 1, PageFlags::NONE)), "0 CleanLru:Recovered");
    assert_eq!(struck(NONE, |memory| file(memory, 2, PageFlags::NONE)), "-16 CleanLru:Failed");
    assert_eq!(struck(NONE, |memory| file(memory, 3, PageFlags::NONE)), "0 CleanLru:Recovered");
}

#[test]
fn a_dirty_page_leaves_an_error_in_its_file() {
    for (flags, expected) in [(PageFlags::DIRTY, true), (PageFlags::NONE, false)] {
        let memory = Real::memory(setup(), PAGES);
        let pfn = file(&memory, 0, flags);
        assert_eq!(memory_failure(&mut Task::new(&memory), pfn, NONE), Ok(()));
        assert_eq!(memory.has_error(0), expected);
    }
}

#[test]
fn users_are_parted_from_the_page() {
    let used = |user: User| {
        move |memory: &Memory<Real>| {
            let pfn = file(memory, 0, PageFlags::NONE);
            memory.page(pfn).expect("the page").map(user);
            pfn
        }
    };
    assert_eq!(struck(NONE, used(User::reader(3))), "0 CleanLru:Recovered");
    // The second pass of the table: only unmapping has told that the page is dirty.
    assert_eq!(struck(NONE, used(User::writer(3))), "0 DirtyLru:Recovered killed [3]");
    assert_eq!(struck(MfFlags::MUST_KILL, used(User::reader(3))), "0 CleanLru:Recovered killed [3]");
    assert_eq!(struck(NONE, used(User::pinned(3))), "-16 UnmapFailed:Failed killed [3]");
}

#[test]
fn what_keeps_the_page_makes_it_fail() {
    let referenced = |memory: &Memory<Real>| memory.file_folio(0, 0, 0).expect("a page").pfn();
    assert_eq!(struck(NONE, referenced), "-16 CleanLru:Failed");
    let buffered = |memory: &Memory<Real>| {
        let pfn = file(memory, 0, PageFlags::NONE);
        memory.page(pfn).expect("the page").stick_buffers();
        pfn
    };
    assert_eq!(struck(NONE, buffered), "-16 CleanLru:Failed");
}

#[test]
fn pages_of_processes() {
    let anonymous = |memory: &Memory<Real>| {
        let page = memory.anonymous_folio(0).expect("a page");
        page.map(User::writer(3));
        page.put();
        page.pfn()
    };
    assert_eq!(struck(NONE, anonymous), "0 DirtyLru:Recovered killed [3]");
    assert_eq!(
        struck(NONE, |memory| swapped(memory, PageFlags::DIRTY)),
        "0 DirtySwapcache:Delayed killed [3]"
    );
    assert_eq!(
        struck(NONE, |memory| swapped(memory, PageFlags::NONE)),
        "0 CleanSwapcache:Recovered killed [3]"
    );
}

#[test]
fn pages_of_nobody_and_of_the_kernel() {
    assert_eq!(struck(NONE, |_| 5), "0 Buddy:Recovered");
    let at_hand = |memory: &Memory<Real>| {
        let page = memory.allocate(0, Shape::Folio).expect("a page");
        page.put();
        page.pfn()
    };
    assert_eq!(struck(NONE, at_hand), "0 Buddy:Recovered");
    assert_eq!(struck(NONE, |memory| memory.kernel_page().expect("a page").pfn()), "-16 GetHwpoison:Ignored");
    assert_eq!(struck(COUNTED, |memory| memory.kernel_page().expect("a page").pfn()), "-16 Kernel:Ignored");
    let unknown = |memory: &Memory<Real>| memory.allocate(0, Shape::Folio).expect("a page").pfn();
    assert_eq!(struck(COUNTED, unknown), "-16 Unknown:Ignored");
    let tail = |memory: &Memory<Real>| memory.allocate(1, Shape::Block).expect("a block").pfn() + 1;
    assert_eq!(struck(NONE, tail), "-16 KernelHighOrder:Ignored");
    let truncated = |memory: &Memory<Real>| {
        let page = memory.file_folio(0, 0, 0).expect("a page");
        assert!(page.leave_mapping());
        page.pfn()
    };
    assert_eq!(struck(NONE, truncated), "-16 TruncatedLru:Ignored");
}

#[test]
fn numbers_that_are_no_page_of_ours() {
    let beyond = |what| told(setup().beyond(99, what), |_| 99, |task, pfn| memory_failure(task, pfn, NONE));
    assert_eq!(struck(NONE, |_| 99), "-6");
    assert_eq!(beyond(Beyond::Arch), "0");
    assert_eq!(beyond(Beyond::Device(Err(Errno::Busy))), "-16");
}

#[test]
fn large_folios_are_split() {
    let large = |extra: bool, struck: usize| {
        move |memory: &Memory<Real>| {
            let page = memory.anonymous_folio(2).expect("a folio");
            page.map(User::writer(3));
            if !extra {
                page.put();
            }
            page.pfn() + struck
        }
    };
    assert_eq!(struck(NONE, large(false, 0)), "0 DirtyLru:Recovered killed [3]");
    assert_eq!(struck(NONE, large(false, 3)), "0 DirtyLru:Recovered killed [3]");
    assert_eq!(struck(NONE, large(true, 1)), "-133 UnsplitThp:Failed killed [3]");
    let of_a_file = |memory: &Memory<Real>| {
        let page = memory.file_folio(0, 4, 1).expect("a folio");
        page.put();
        page.pfn() + 1
    };
    assert_eq!(struck(NONE, of_a_file), "0 CleanLru:Recovered");
}

#[test]
fn huge_pages() {
    let free = |memory: &Memory<Real>| {
        pooled(memory);
        1
    };
    assert_eq!(struck(NONE, free), "0 FreeHuge:Recovered");
    let used = |keep: bool| {
        move |memory: &Memory<Real>| {
            pooled(memory);
            let page = memory.take_huge().expect("a huge page");
            page.map(User::writer(3));
            if !keep {
                page.put();
            }
            page.pfn() + 1
        }
    };
    assert_eq!(struck(NONE, used(false)), "0 Huge:Recovered killed [3]");
    assert_eq!(struck(NONE, used(true)), "-16 Huge:Failed killed [3]");
    let of_a_file = |memory: &Memory<Real>| {
        pooled(memory);
        let page = memory.huge_file_folio(4, 0).expect("a huge page");
        page.put();
        page.pfn()
    };
    assert_eq!(struck(NONE, of_a_file), "0 Huge:Recovered");
    let between = |memory: &Memory<Real>| {
        pooled(memory);
        let page = memory.take_huge().expect("a huge page");
        page.clear(PageFlags::MIGRATABLE);
        page.pfn()
    };
    assert_eq!(struck(NONE, between), "-16 GetHwpoison:Ignored");
    let pinned = |memory: &Memory<Real>| {
        pooled(memory);
        let page = memory.take_huge().expect("a huge page");
        page.map(User::pinned(3));
        page.pfn()
    };
    assert_eq!(struck(NONE, pinned), "-16 UnmapFailed:Failed killed [3]");
}

#[test]
fn a_page_fails_once() {
    let twice = |second: MfFlags, process: Option<u32>, prepare: fn(&Memory<Real>) -> Pfn| {
        let memory = Real::memory(setup(), PAGES);
        let pfn = prepare(&memory);
        let _first = memory_failure(&mut Task::new(&memory), pfn, NONE);
        let mut task = process.map_or(Task::new(&memory), |process| Task::of_process(&memory, process));
        code(memory_failure(&mut task, pfn, second))
    };
    let pinned = |memory: &Memory<Real>| {
        let pfn = file(memory, 0, PageFlags::NONE);
        memory.page(pfn).expect("the page").map(User::pinned(7));
        pfn
    };
    let huge = |memory: &Memory<Real>| {
        pooled(memory);
        let page = memory.take_huge().expect("a huge page");
        page.map(User::pinned(7));
        page.pfn()
    };
    for prepare in [pinned as fn(&Memory<Real>) -> Pfn, huge] {
        assert_eq!(twice(NONE, None, prepare), -133);
        assert_eq!(twice(MfFlags::ACTION_REQUIRED, None, prepare), -14);
        assert_eq!(twice(MfFlags::ACTION_REQUIRED, Some(7), prepare), -133);
    }
    // Another page of the same huge page.
    let memory = Real::memory(setup(), PAGES);
    let pfn = huge(&memory);
    let mut task = Task::new(&memory);
    let outcomes = [pfn, pfn + 1].map(|pfn| memory_failure(&mut task, pfn, NONE));
    assert_eq!(outcomes.map(code), [-16, -133]);
    assert_eq!(tell(&memory, outcomes[1]), "-133 UnmapFailed:Failed Huge:Failed killed [7]");
}

#[test]
fn filtered_failures_leave_no_trace() {
    let filter = || setup().filter(PageFlags::RESERVED, PageFlags::RESERVED);
    let strike = |task: &mut Task<'_, Real>, pfn| memory_failure(task, pfn, NONE);
    let memory = Real::memory(filter(), PAGES);
    pooled(&memory);
    let huge = memory.take_huge().expect("a huge page");
    let page = memory.file_folio(0, 0, 0).expect("a page");
    let before = [page, huge].map(|page| (page.flags(), page.count()));
    for page in [page, huge] {
        assert_eq!(tell(&memory, strike(&mut Task::new(&memory), page.pfn())), "-95");
    }
    assert_eq!([page, huge].map(|page| (page.flags(), page.count())), before);
}

#[test]
fn when_recovery_is_off_a_failure_is_fatal_and_nothing_is_held() {
    let memory = Real::memory(setup().no_recovery(), PAGES);
    let struck = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        memory_failure(&mut Task::new(&memory), 0, NONE)
    }));
    assert!(struck.is_err());
    assert_eq!(tell(&memory, Ok(())), "0");
}

#[test]
fn writeback_is_waited_for() {
    let memory = Real::memory(setup(), PAGES);
    let pfn = file(&memory, 0, PageFlags::WRITEBACK);
    let failure = Real::act(&memory, "the failure", move |memory| {
        assert_eq!(memory_failure(&mut Task::new(memory), pfn, NONE), Ok(()));
    });
    let page = memory.page(pfn).expect("the page");
    while !page.flags().has(PageFlags::LOCKED) {
        std::thread::yield_now();
    }
    assert!(page.has_mapping(), "truncated while it is written");
    page.end_writeback();
    assert!(Real::join(failure));
    assert_eq!(tell(&memory, Ok(())), "0 CleanLru:Recovered");
}

#[test]
fn soft_offline_drops_what_can_be_dropped() {
    let offline = |task: &mut Task<'_, Real>, pfn| soft_offline(task, pfn, NONE);
    assert_eq!(told(setup(), |_| 3, offline), "0");
    assert_eq!(told(setup(), |memory| file(memory, 0, PageFlags::NONE), offline), "0");
    assert_eq!(told(setup(), |memory| file(memory, 0, PageFlags::DIRTY), offline), "-16");
    assert_eq!(told(setup(), |memory| swapped(memory, PageFlags::NONE), offline), "-16");
    assert_eq!(told(setup(), |memory| memory.kernel_page().expect("a page").pfn(), offline), "-16");
    assert_eq!(told(setup(), |_| 99, offline), "-6");
}

#[test]
fn software_poisoning_can_be_undone_and_real_failures_cannot() {
    for (flags, expected) in [(MfFlags::SW_SIMULATED, 0), (NONE, -95)] {
        let memory = Real::memory(setup(), PAGES);
        let mut task = Task::new(&memory);
        let free_before = (0..PAGES).filter(|pfn| memory.page(*pfn).expect("a page").is_buddy()).count();
        for pfn in [file(&memory, 0, PageFlags::NONE), 6] {
            assert_eq!(memory_failure(&mut task, pfn, flags), Ok(()));
            assert_eq!(code(unpoison(&mut task, pfn)), expected);
            memory.page(pfn).expect("a page").shake();
        }
        let free = (0..PAGES).filter(|pfn| memory.page(*pfn).expect("a page").is_buddy()).count();
        assert_eq!(free_before - free, if expected == 0 { 0 } else { 2 });
        assert_eq!((memory.watch().faults(), memory.audit()), (vec![], vec![]));
    }
}

/// I6.
#[test]
fn the_better_two_results_are_success() {
    use MfResult::{Delayed, Failed, Ignored, Recovered};
    assert_eq!(
        [Ignored, Failed, Delayed, Recovered].map(|result| code(outcome_of(result))),
        [-16, -16, 0, 0]
    );
    assert_eq!([Ignored, Failed, Delayed, Recovered].map(|result| result as u8), [0, 1, 2, 3]);
}

/// The first row that matches is the one, so a row must not stand behind one that takes all of its pages.
#[test]
fn every_row_of_the_table_is_reached() {
    for row in Row::<Std>::TABLE {
        assert_eq!(Row::<Std>::matching(row.expected).kind, row.kind);
    }
}

/// I4, in one thread: the order of the events in the handler of a huge page without a mapping.
#[test]
fn a_huge_page_is_unlocked_then_dropped_then_dissolved() {
    let memory = Real::memory(setup(), PAGES);
    pooled(&memory);
    let page = memory.take_huge().expect("a huge page");
    page.map(User::reader(3));
    page.put();
    assert_eq!(memory_failure(&mut Task::new(&memory), page.pfn(), NONE), Ok(()));
    let trace = memory.watch().trace();
    let inside = trace.iter().skip_while(|(_, event)| !matches!(event, Event::HandlerEntered { .. }));
    let steps: Vec<Event> = inside
        .map(|(_, event)| *event)
        .filter(|event| {
            matches!(event, Event::PageUnlocking { .. } | Event::Dropped { .. } | Event::Dissolved { .. })
        })
        .collect();
    let head = page.pfn();
    let order = [Event::PageUnlocking { head }, Event::Dropped { head }, Event::Dissolved { head }];
    assert_eq!(steps, order);
}
