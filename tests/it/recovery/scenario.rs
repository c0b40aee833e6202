//! What is checked: a memory, a state of it, and two or three threads that meet there. The same scenarios run under every
//! family of cells.

use super::families::Checked;
use super::ledger::{Fault, Trace};
use lockbalance::recovery::{Event, Memory, Setup};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::Discriminant;
use std::sync::Arc;

/// A thread of a scenario: its name in traces, and what it does.
pub type Actor<F> = (&'static str, fn(&Memory<F>));

/// Threads that meet at a page.
pub struct Scenario<F: Checked> {
    /// What meets.
    pub name: &'static str,
    /// The memory.
    pub setup: fn() -> Setup,
    /// How many pages it has.
    pub pages: usize,
    /// Brings it into the state in which they meet.
    pub prepare: fn(&Memory<F>),
    /// The threads; the first is the test's own.
    pub actors: Vec<Actor<F>>,
    /// How many preemptions the exhaustive check goes up to, where all orders are too many.
    pub limit: Option<usize>,
}

impl<F: Checked> Clone for Scenario<F> {
    fn clone(&self) -> Self {
        Self { actors: self.actors.clone(), ..*self }
    }
}

/// What executions have shown.
#[derive(Default)]
pub struct Findings {
    /// How many executions there were.
    pub executions: usize,
    /// The shortest way to each fault.
    pub faults: BTreeMap<Fault, Trace>,
    /// What the books said at the end.
    pub audits: BTreeSet<String>,
    /// The kinds of events that happened at all: what never happens is not checked.
    pub seen: HashSet<Discriminant<Event>>,
}

impl Findings {
    /// The names of the faults, in order.
    pub fn names(&self) -> Vec<Fault> {
        self.faults.keys().copied().collect()
    }

    fn add<F: Checked>(&mut self, memory: &Memory<F>) {
        let ledger = memory.watch();
        ledger.events_seen(&mut self.seen);
        for fault in ledger.faults() {
            let trace = ledger.trace_to(fault).unwrap_or_default();
            if self.faults.get(&fault).is_none_or(|best| simpler(&trace, best)) {
                self.faults.insert(fault, trace);
            }
        }
        if !std::thread::panicking() {
            self.audits.extend(memory.audit());
        }
    }
}

/// How often the trace goes over from one thread to another.
fn switches(trace: &Trace) -> usize {
    trace.windows(2).filter(|pair| pair[0].0 != pair[1].0).count()
}

/// Whether `one` goes to and fro less, or is shorter, or else comes first as text: so that which trace is shown does not
/// hang on the order of search.
fn simpler(one: &Trace, other: &Trace) -> bool {
    let rank = |trace: &Trace| (switches(trace), trace.len());
    let text = |trace: &Trace| format!("{trace:?}");
    rank(one).cmp(&rank(other)).then_with(|| text(one).cmp(&text(other))).is_lt()
}

impl<F: Checked> Scenario<F> {
    /// Runs it once. `between` is called when the stage is set, and again when the threads are done.
    pub fn run(&self, findings: &std::sync::Mutex<Findings>, between: [fn(); 2]) {
        let memory = F::memory((self.setup)(), self.pages);
        memory.watch().name("the stage");
        (self.prepare)(&memory);
        between[0]();
        let threads: Vec<F::Thread> =
            self.actors[1..].iter().map(|&(name, act)| F::act(&memory, name, act)).collect();
        let (name, act) = self.actors[0];
        memory.watch().name(name);
        let guard = Closing { memory: &memory, findings };
        act(&memory);
        threads.into_iter().for_each(|thread| assert!(F::join(thread), "a thread has died"));
        memory.watch().name("the stage");
        between[1]();
        drop(guard);
    }
}

/// Closes the books, also where the execution ends in a panic: then without the audit, for threads may be inside.
struct Closing<'a, F: Checked> {
    memory: &'a Arc<Memory<F>>,
    findings: &'a std::sync::Mutex<Findings>,
}

impl<F: Checked> Drop for Closing<'_, F> {
    fn drop(&mut self) {
        let mut findings = self.findings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        findings.executions += 1;
        findings.add(self.memory);
    }
}
