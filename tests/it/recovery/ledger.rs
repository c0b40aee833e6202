//! A watcher that keeps the books: who holds which lock, what the allocator owns, who is in a handler. Whatever breaks an
//! invariant is a [`Fault`], with the events up to it.
//!
//! It locks with the standard library's mutex, which no checker schedules: the books are no part of what is checked.

use lockbalance::recovery::{Event, MessageType, Pfn, Watch};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::{Discriminant, discriminant};
use std::sync::Mutex;

/// A thread, by whatever number its family gives it.
pub type Who = u64;

/// What broke.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fault {
    /// A page was unlocked that another thread holds.
    UnlocksAnothers,
    /// A page was unlocked that nobody holds.
    UnlocksWhatNobodyHolds,
    /// A page lock was had by two.
    TwoInOneSection,
    /// A thread waits for a page lock that it holds: it would wait for ever.
    WaitsForItself,
    /// A page was locked that lies in the allocator.
    LocksWhatTheAllocatorOwns,
    /// The allocator was given a page, or found one, that does not look free.
    BadPageState,
    /// A page was given back twice, or handed out twice.
    AllocatorConfused,
    /// I1: `mf_mutex` released by who does not hold it, or with a page lock held.
    MutexUnbalanced,
    /// I2: a handler entered with other than one page lock, or left with one, or with other than one unlock.
    HandlerContract,
    /// I3: an operation of the page lock after the handler.
    TouchesAfterHandler,
    /// I4: a huge page dissolved, or its reference dropped for that, while it is locked.
    DissolvesLocked,
    /// I5: a round begun anew with a page locked, or a third time.
    RetriesWrongly,
}

/// What is known of one thread.
#[derive(Default)]
struct Thread {
    holds: BTreeSet<Pfn>,
    /// Handlers that it is in, with the number of unlocks so far.
    handlers: Vec<(MessageType, usize)>,
    dropped_while_locked: bool,
    after_handler: bool,
    retries: usize,
}

#[derive(Default)]
struct Book {
    names: BTreeMap<Who, &'static str>,
    events: Trace,
    faults: Vec<(usize, Fault)>,
    holders: BTreeMap<Pfn, Who>,
    mutex: Option<Who>,
    free: BTreeSet<Pfn>,
    threads: BTreeMap<Who, Thread>,
}

/// The watcher.
pub struct Ledger {
    who: fn() -> Who,
    book: Mutex<Book>,
}

/// The events up to a fault, each with the name of the thread.
pub type Trace = Vec<(&'static str, Event)>;

impl Ledger {
    /// Books for a memory of so many pages, all of them free.
    pub fn new(who: fn() -> Who, pages: usize) -> Self {
        let book = Book { free: (0..pages).collect(), ..Book::default() };
        Self { who, book: Mutex::new(book) }
    }

    fn with<R>(&self, section: impl FnOnce(&mut Book) -> R) -> R {
        section(&mut self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Gives the current thread a name.
    pub fn name(&self, name: &'static str) {
        let who = (self.who)();
        self.with(|book| book.names.insert(who, name));
    }

    /// What broke, in order.
    pub fn faults(&self) -> Vec<Fault> {
        self.with(|book| book.faults.iter().map(|(_, fault)| *fault).collect())
    }

    /// All events so far.
    pub fn trace(&self) -> Trace {
        self.with(|book| book.events.clone())
    }

    /// Adds the kinds of the events so far.
    pub fn events_seen(&self, seen: &mut HashSet<Discriminant<Event>>) {
        self.with(|book| seen.extend(book.events.iter().map(|(_, event)| discriminant(event))));
    }

    /// The events up to the first fault of this kind.
    pub fn trace_to(&self, fault: Fault) -> Option<Trace> {
        self.with(|book| {
            let at = book.faults.iter().find(|(_, other)| *other == fault)?.0;
            Some(book.events[..at].to_vec())
        })
    }
}

impl Watch for Ledger {
    fn note(&self, event: Event) {
        let who = (self.who)();
        let stuck = self.with(|book| {
            let name = book.names.get(&who).copied().unwrap_or("nobody");
            book.events.push((name, event));
            book.check(who, event);
            book.faults.last() == Some(&(book.events.len(), Fault::WaitsForItself))
        });
        assert!(!stuck, "a thread waits for itself");
    }
}

impl Book {
    fn fault(&mut self, broken: bool, fault: Fault) {
        if broken {
            self.faults.push((self.events.len(), fault));
        }
    }

    fn thread(&mut self, who: Who) -> &mut Thread {
        self.threads.entry(who).or_default()
    }

    fn check(&mut self, who: Who, event: Event) {
        match event {
            Event::MutexTaken => self.mutex_taken(who),
            Event::MutexReleasing => self.mutex_released(who),
            Event::PageLocking { head } => {
                let held = self.holders.get(&head) == Some(&who);
                self.fault(held, Fault::WaitsForItself);
            }
            Event::PageLocked { head } => self.locked(who, head),
            Event::PageUnlocking { head } => self.unlocked(who, head),
            Event::PageAsked { .. } => {
                let after = self.thread(who).after_handler;
                self.fault(after, Fault::TouchesAfterHandler);
            }
            Event::HandlerEntered { kind } => self.entered(who, kind),
            Event::HandlerLeft { .. } => self.left(who),
            Event::Retrying => {
                let thread = self.thread(who);
                thread.retries += 1;
                let wrong = !thread.holds.is_empty() || thread.retries > 1;
                self.fault(wrong, Fault::RetriesWrongly);
            }
            Event::Dropped { head } => {
                let thread = self.thread(who);
                let huge = matches!(thread.handlers.last(), Some((MessageType::Huge, _)));
                thread.dropped_while_locked |= huge && thread.holds.contains(&head);
            }
            Event::Dissolved { head } => {
                let dropped = self.thread(who).dropped_while_locked;
                let locked = self.holders.contains_key(&head);
                self.fault(locked || dropped, Fault::DissolvesLocked);
            }
            Event::Freed { pfn, order } => {
                let twice = (pfn..pfn + (1 << order)).filter(|pfn| !self.free.insert(*pfn)).count();
                self.fault(twice > 0, Fault::AllocatorConfused);
            }
            Event::Allocated { pfn, order } => self.taken(pfn..pfn + (1 << order)),
            Event::TakenOff { pfn } => self.taken(pfn..pfn + 1),
            Event::BadPage { .. } => self.fault(true, Fault::BadPageState),
            Event::HugetlbTaken
            | Event::HugetlbReleasing
            | Event::Poisoned { .. }
            | Event::Forgiven { .. }
            | Event::Referenced { .. }
            | Event::Reported { .. } => {}
        }
    }

    fn mutex_taken(&mut self, who: Who) {
        let held = self.mutex.replace(who).is_some();
        *self.thread(who) =
            Thread { holds: std::mem::take(&mut self.thread(who).holds), ..Thread::default() };
        self.fault(held, Fault::MutexUnbalanced);
    }

    fn mutex_released(&mut self, who: Who) {
        let own = self.mutex.take() == Some(who);
        let thread = self.thread(who);
        thread.after_handler = false;
        let balanced = own && thread.holds.is_empty() && thread.handlers.is_empty();
        self.fault(!balanced, Fault::MutexUnbalanced);
    }

    fn locked(&mut self, who: Who, head: Pfn) {
        let two = self.holders.insert(head, who).is_some();
        self.fault(two, Fault::TwoInOneSection);
        let free = self.free.contains(&head);
        self.fault(free, Fault::LocksWhatTheAllocatorOwns);
        let thread = self.thread(who);
        thread.holds.insert(head);
        let (inside, after) = (!thread.handlers.is_empty(), thread.after_handler);
        self.fault(inside, Fault::HandlerContract);
        self.fault(after, Fault::TouchesAfterHandler);
    }

    fn unlocked(&mut self, who: Who, head: Pfn) {
        match self.holders.remove(&head) {
            None => self.fault(true, Fault::UnlocksWhatNobodyHolds),
            Some(holder) if holder != who => {
                self.thread(holder).holds.remove(&head);
                self.fault(true, Fault::UnlocksAnothers);
            }
            Some(_) => {}
        }
        let thread = self.thread(who);
        thread.holds.remove(&head);
        if let Some((_, unlocks)) = thread.handlers.last_mut() {
            *unlocks += 1;
        }
        let after = thread.after_handler;
        self.fault(after, Fault::TouchesAfterHandler);
    }

    fn entered(&mut self, who: Who, kind: MessageType) {
        let thread = self.thread(who);
        thread.handlers.push((kind, 0));
        let wrong = thread.holds.len() != 1;
        self.fault(wrong, Fault::HandlerContract);
    }

    fn left(&mut self, who: Who) {
        let thread = self.thread(who);
        thread.after_handler = true;
        thread.dropped_while_locked = false;
        let once = matches!(thread.handlers.pop(), Some((_, 1)));
        let wrong = !once || !thread.holds.is_empty();
        self.fault(wrong, Fault::HandlerContract);
    }

    fn taken(&mut self, pages: std::ops::Range<Pfn>) {
        let missing = pages.filter(|pfn| !self.free.remove(pfn)).count();
        self.fault(missing > 0, Fault::AllocatorConfused);
    }
}

/// What the books find wrong with events that one thread tells, or that two tell in turn.
fn faults(events: &[(Who, Event)]) -> Vec<Fault> {
    let mut book = Book { free: (8..16).collect(), ..Book::default() };
    events.iter().for_each(|(who, event)| book.check(*who, *event));
    book.faults.into_iter().map(|(_, fault)| fault).collect()
}

/// Each invariant can be broken, and is: a check that finds nothing would look like a proof.
#[test]
fn the_books_know_each_fault() {
    let kind = MessageType::Huge;
    let (enter, leave) = (Event::HandlerEntered { kind }, Event::HandlerLeft { kind });
    let (lock, unlock) = (Event::PageLocked { head: 0 }, Event::PageUnlocking { head: 0 });
    let asked = Event::PageAsked { head: 0, locked: true };
    let (taken, releasing) = (Event::MutexTaken, Event::MutexReleasing);
    let (drop, dissolve) = (Event::Dropped { head: 0 }, Event::Dissolved { head: 0 });
    let alone = |events: &[Event]| faults(&events.iter().map(|event| (1, *event)).collect::<Vec<_>>());
    // The whole of a good operation, with a retry before it.
    let good = [taken, lock, unlock, Event::Retrying, lock, enter, unlock, drop, dissolve, leave, releasing];
    assert_eq!(alone(&good), []);
    // I1
    assert_eq!(alone(&[releasing]), [Fault::MutexUnbalanced]);
    assert_eq!(alone(&[taken, taken]), [Fault::MutexUnbalanced]);
    assert_eq!(alone(&[taken, lock, releasing]), [Fault::MutexUnbalanced]);
    // I2
    assert_eq!(alone(&[enter, unlock, leave]), [Fault::HandlerContract, Fault::UnlocksWhatNobodyHolds]);
    assert_eq!(alone(&[lock, enter, leave]), [Fault::HandlerContract]);
    assert_eq!(alone(&[lock, enter, unlock, lock, leave]), [Fault::HandlerContract; 2]);
    assert_eq!(
        alone(&[lock, enter, unlock, unlock, leave]),
        [Fault::UnlocksWhatNobodyHolds, Fault::HandlerContract]
    );
    // I3
    assert_eq!(alone(&[lock, enter, unlock, leave, asked]), [Fault::TouchesAfterHandler]);
    assert_eq!(alone(&[lock, enter, unlock, leave, lock]), [Fault::TouchesAfterHandler]);
    // I4
    assert_eq!(alone(&[lock, enter, dissolve, unlock, leave]), [Fault::DissolvesLocked]);
    assert_eq!(alone(&[lock, enter, drop, unlock, dissolve, leave]), [Fault::DissolvesLocked]);
    // I5
    assert_eq!(alone(&[taken, lock, Event::Retrying]), [Fault::RetriesWrongly]);
    assert_eq!(alone(&[taken, Event::Retrying, Event::Retrying]), [Fault::RetriesWrongly]);
    // Locks and the allocator
    assert_eq!(alone(&[lock, Event::PageLocking { head: 0 }]), [Fault::WaitsForItself]);
    assert_eq!(alone(&[Event::PageLocked { head: 9 }]), [Fault::LocksWhatTheAllocatorOwns]);
    assert_eq!(faults(&[(1, lock), (2, lock)]), [Fault::TwoInOneSection]);
    assert_eq!(faults(&[(1, lock), (2, unlock)]), [Fault::UnlocksAnothers]);
    assert_eq!(alone(&[Event::Freed { pfn: 9, order: 0 }]), [Fault::AllocatorConfused]);
    assert_eq!(alone(&[Event::Allocated { pfn: 7, order: 1 }]), [Fault::AllocatorConfused]);
    assert_eq!(alone(&[Event::TakenOff { pfn: 0 }]), [Fault::AllocatorConfused]);
}
