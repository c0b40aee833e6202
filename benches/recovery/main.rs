//! The reference under contention: one thread in which pages fail, one that uses pages, on the same memory.
//!
//! Beside it the naive design, in which one lock for everything is held over each failure and over each use: it needs no
//! rule about page locks, and pays for that whenever somebody works on a page that has nothing to do with the failure.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use lockbalance::recovery::{MappingKind, Memory, MfFlags, Page, Setup, Std, Task, memory_failure, unpoison};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Pages that are used all the time, and one more index of the same file at which pages fail.
const USED: usize = 8;
const FAILURES: usize = 4_000;
const USES: usize = 2_000;
/// What a user does with a page: it reads so many bytes.
const BYTES: usize = 4_096;

fn main() {
    divan::main();
}

/// Runs `step` under the lock for everything, if there is one.
fn gated<R>(gate: Option<&Mutex<()>>, step: impl FnOnce() -> R) -> R {
    let _guard = gate.map(|gate| gate.lock().unwrap_or_else(PoisonError::into_inner));
    step()
}

/// A page of the file fails, recovers by truncation, and is given back: the memory is as before.
fn fail(memory: &Memory<Std>, task: &mut Task<'_, Std>) {
    let page = memory.file_folio(0, USED, 0).expect("a page");
    page.put();
    let recovered = memory_failure(task, page.pfn(), MfFlags::SW_SIMULATED);
    assert_eq!((recovered, unpoison(task, page.pfn())), (Ok(()), Ok(())));
}

fn read(contents: &[u8]) -> u64 {
    black_box(contents).iter().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}

fn meet(memory: &Memory<Std>, pages: &[Page<'_, Std>], gate: Option<&Mutex<()>>) {
    let contents = vec![7; BYTES];
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut task = Task::new(memory);
            (0..FAILURES).for_each(|_| gated(gate, || fail(memory, &mut task)));
        });
        let mut task = Task::new(memory);
        for page in pages.iter().cycle().take(USES) {
            let work = || {
                black_box(read(&contents));
            };
            gated(gate, || task.touch(*page, work));
        }
    });
}

fn contention(bencher: Bencher<'_, '_>, gate: Option<&Mutex<()>>) {
    let memory: Memory<Std> = Memory::new(Setup::pages(64).mapping(MappingKind::FILE), ());
    let pages: Vec<Page<'_, Std>> =
        (0..USED).map(|index| memory.file_folio(0, index, 0).expect("a page")).collect();
    bencher.counter(ItemsCount::new(FAILURES + USES)).bench_local(|| meet(&memory, &pages, gate));
}

/// The reference: page locks, each for its folio, and `mf_mutex` for failures alone.
#[divan::bench]
fn reference(bencher: Bencher<'_, '_>) {
    contention(bencher, None);
}

/// One lock for everything.
#[divan::bench]
fn global_lock(bencher: Bencher<'_, '_>) {
    contention(bencher, Some(&Mutex::new(())));
}
