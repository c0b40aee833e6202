//! The checkers: every order (loom), orders drawn by chance (shuttle), and real threads.
//!
//! Bounded in `cargo test`: at most so many preemptions, at most so many draws. With `RECOVERY_EXHAUSTIVE=1` each meeting is
//! explored as far as its own limit says, which for most is: wholly. `docs/recovery.md` has the command and its figures.

use super::families::{Loom, Real, Shuttle};
use super::meetings::{crowds, pairs};
use super::scenario::{Findings, Scenario};
use lockbalance::recovery::{Event, MessageType};
use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Instant;

/// Switches to another thread where the first could have gone on, in the bounded check.
pub const PREEMPTIONS: usize = 3;
/// Orders drawn for a scenario, in the bounded check and in the long one.
const DRAWS: [usize; 2] = [300, 20_000];
/// Runs with real threads.
const RUNS: usize = 300;

/// Whether the bounds are off.
pub fn exhaustive() -> bool {
    std::env::var_os("RECOVERY_EXHAUSTIVE").is_some()
}

/// Runs the scenario in every order, with at most so many preemptions.
pub fn explore(scenario: &Scenario<Loom>, preemptions: Option<usize>) -> Findings {
    let findings = Arc::new(Mutex::new(Findings::default()));
    let (own, scenario) = (Arc::clone(&findings), scenario.clone());
    let mut model = loom::model::Builder::new();
    model.preemption_bound = preemptions;
    model.max_branches = 10_000;
    model.expect_explicit_explore = true;
    // A fault may end an execution in a panic, and with it the check: a thread that waits for itself, or for ever.
    let ended = catch_unwind(AssertUnwindSafe(move || {
        model.check(move || scenario.run(&own, [loom::explore, loom::stop_exploring]));
    }));
    let mut findings = std::mem::take(&mut *findings.lock().unwrap_or_else(PoisonError::into_inner));
    if let Err(panic) = ended {
        let said = panic.downcast_ref::<String>().map_or("", String::as_str);
        if said.starts_with("deadlock") {
            findings.audits.insert(FOR_EVER.to_owned());
        }
        assert!(
            !findings.faults.is_empty() || !findings.audits.is_empty(),
            "the check itself failed: {said}"
        );
    }
    findings
}

/// What is said of an execution in which nobody can go on.
pub const FOR_EVER: &str = "a thread waits for ever";

fn nothing() {}

/// Runs the scenario in orders drawn by chance, the same ones each time.
fn draw(scenario: &Scenario<Shuttle>, draws: usize) -> Findings {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        // The first run sets a panic hook for the whole process, which would speak in other tests, too. It goes again.
        shuttle::check_random(nothing, 1);
        drop(std::panic::take_hook());
    });
    let findings = Arc::new(Mutex::new(Findings::default()));
    let (own, scenario) = (Arc::clone(&findings), scenario.clone());
    let scheduler = shuttle::scheduler::RandomScheduler::new_from_seed(SEED, draws);
    let runner = shuttle::Runner::new(scheduler, shuttle::Config::new());
    runner.run(move || scenario.run(&own, [nothing, nothing]));
    std::mem::take(&mut *findings.lock().unwrap_or_else(PoisonError::into_inner))
}

const SEED: u64 = 0x2021_0312;

/// What the reference must show: nothing.
fn clean(name: &str, findings: &Findings, orders: &str, began: Instant) -> Option<String> {
    if exhaustive() {
        let seconds = began.elapsed().as_secs_f64();
        println!("| {name} | {orders} | {} | {seconds:.1} s |", findings.executions);
    }
    let mut text = String::new();
    for (fault, trace) in &findings.faults {
        text += &format!("\n  {fault:?}");
        trace.iter().for_each(|(who, event)| text += &format!("\n    {who}: {event:?}"));
    }
    findings.audits.iter().for_each(|fault| text += &format!("\n  {fault}"));
    (!text.is_empty()).then(|| format!("{name}:{text}"))
}

#[test]
fn the_reference_keeps_its_invariants_in_every_order() {
    let mut broken = Vec::new();
    let mut seen: HashSet<Discriminant<Event>> = HashSet::new();
    for scenario in pairs() {
        let began = Instant::now();
        let bound = if exhaustive() { scenario.limit } else { Some(PREEMPTIONS) };
        let findings = explore(&scenario, bound);
        let orders = bound.map_or("all".to_owned(), |bound| format!("up to {bound} preemptions"));
        seen.extend(&findings.seen);
        broken.extend(clean(scenario.name, &findings, &orders, began));
    }
    // What the invariants speak of does happen, the retry included: otherwise nothing would be checked.
    let head = 0;
    for event in [
        Event::Retrying,
        Event::Dissolved { head },
        Event::TakenOff { pfn: 0 },
        Event::HandlerLeft { kind: MessageType::Huge },
        Event::Freed { pfn: 0, order: 0 },
        Event::MutexReleasing,
        Event::HugetlbReleasing,
    ] {
        assert!(seen.contains(&discriminant(&event)), "{event:?} never happens");
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_reference_keeps_its_invariants_in_orders_drawn_by_chance() {
    let draws = DRAWS[usize::from(exhaustive())];
    let broken: Vec<String> = crowds()
        .iter()
        .filter_map(|scenario| {
            let began = Instant::now();
            clean(scenario.name, &draw(scenario, draws), "drawn", began)
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_reference_keeps_its_invariants_under_real_threads() {
    let mut broken = Vec::new();
    for scenario in crowds::<Real>().into_iter().chain(pairs()) {
        let began = Instant::now();
        let findings = Mutex::new(Findings::default());
        (0..RUNS).for_each(|_| scenario.run(&findings, [nothing, nothing]));
        let findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        broken.extend(clean(scenario.name, &findings, "as they come", began));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
