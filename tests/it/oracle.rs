//! The oracle: a slow and obvious semantics beside the fast engine, on random programs.
//!
//! Whatever can happen must be contained in what the engine explores; what is claimed balanced must have no concrete path that is
//! not. How much more the engine thinks possible is counted and printed (`cargo test oracle -- --nocapture`). The programs of a
//! run are always the same ones; `LOCKBALANCE_ORACLE=20000` looks at more of them, `LOCKBALANCE_ORACLE_SEED=7` at others.

mod cases;
mod engine;
mod program;
mod text;
mod world;

use lockbalance::diagnostic::{Decision, Verdict};
use lockbalance::engine::DisjunctLimit;
use lockbalance::ir::Body;
use lockbalance::ir::dump::dump;
use lockbalance::ir::parse::parse_all;
use lockbalance::source::FileId;
use program::{Dice, Program, Style, lower, random, simpler};
use std::collections::HashMap;

/// Programs of one kind that are looked at in an ordinary run.
const PROGRAMS: usize = 300;

/// Random bodies are too small to come under pressure: limits that join as soon as two disjuncts meet.
const JOIN_SIMILAR: DisjunctLimit = DisjunctLimit { similar: 0, same_property: 100, ..WIDE };
const JOIN_ALL: DisjunctLimit = DisjunctLimit { similar: 0, same_property: 0, ..WIDE };
const WIDE: DisjunctLimit =
    DisjunctLimit { similar: 100, same_property: 100, block: 128, statement: 512, body: 12_000 };

fn number_from_environment(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Random functions, callees first, as text and as the bodies read from it.
struct Case {
    programs: Vec<Program>,
    text: String,
    bodies: Vec<Body>,
}

impl Case {
    fn new(programs: Vec<Program>) -> Self {
        let text: String = programs.iter().map(|program| dump(&lower(program))).collect();
        // Lowered programs do not tell how their arguments were spelled: as the text has them.
        let text = text.replace(" as []", "");
        let bodies = parse_all(&text, FileId(0)).expect("what dump writes can be read");
        Case { programs, text, bodies }
    }

    fn complaint(&self, counts: &mut Counts) -> Option<String> {
        check_bodies(&self.bodies, &self.text, counts)
    }

    /// The simplest case near this one that is complained about too.
    fn shrunk(mut self) -> (Self, String) {
        let mut complaint = self.complaint(&mut Counts::default()).expect("only what fails is shrunk");
        loop {
            let smaller = (0..self.programs.len())
                .flat_map(|at| simpler(&self.programs[at]).into_iter().map(move |program| (at, program)));
            let next = smaller.into_iter().find_map(|(at, program)| {
                let mut programs = self.programs.clone();
                programs[at] = program;
                let case = Case::new(programs);
                case.complaint(&mut Counts::default()).map(|complaint| (case, complaint))
            });
            match next {
                Some(smaller) => (self, complaint) = smaller,
                None => return (self, complaint),
            }
        }
    }
}

/// What is wrong with what the engine says of the last function of `text`.
fn check_bodies(bodies: &[Body], text: &str, counts: &mut Counts) -> Option<String> {
    let by_name: HashMap<String, Body> =
        bodies.iter().map(|body| (body.name.to_string(), body.clone())).collect();
    let body = bodies.last()?;
    let run = |held: Option<&str>| world::run(&by_name, &body.name, held);
    let reached = run(None);
    counts.cut += usize::from(reached.cut);
    if bodies.len() == 1 {
        let explored = engine::explored(body, DisjunctLimit::default());
        for (how, explored) in [
            ("as it comes", &explored),
            ("joining the similar", &engine::explored(body, JOIN_SIMILAR)),
            ("joining all it may", &engine::explored(body, JOIN_ALL)),
        ] {
            if let Some(complaint) = engine::missing(explored, &reached) {
                return Some(format!("{how}: {complaint}"));
            }
            match &explored.certified {
                Some(Ok(locks)) => {
                    let wrong = locks.iter().find_map(|lock| engine::contradicts(lock, &run));
                    if let Some(wrong) = wrong {
                        return Some(format!("{how}, certified: {wrong}"));
                    }
                    counts.certified += 1;
                }
                Some(Err(_)) => counts.refused += 1,
                None => {}
            }
        }
        // Behind a fault the engine goes on and the slow semantics does not.
        if reached.faults.is_empty() && !reached.cut {
            counts.exits += explored.exits.len();
            counts.spurious += engine::spurious(&explored, &reached);
        }
    }
    let verdicts = engine::verdicts(bodies, text);
    counts.count(&verdicts);
    // Callers of a function with a finding are judged as if it were mended.
    let mended = |v: &Verdict| v.function != body.name && matches!(v.decision, Decision::Finding { .. });
    if verdicts.iter().any(mended) {
        return None;
    }
    engine::wrong(&verdicts, &body.name, &run)
}

#[derive(Default)]
struct Counts {
    /// Cases whose concrete states were too many.
    cut: usize,
    exits: usize,
    spurious: usize,
    balanced: usize,
    findings: usize,
    undecided: usize,
    /// Of those: no finding, exits even, and the checker does not agree.
    uncertified: usize,
    /// Certificates that the checker accepted, and refused.
    certified: usize,
    refused: usize,
}

impl Counts {
    fn count(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            match verdict.decision {
                Decision::Balanced { .. } => self.balanced += 1,
                Decision::Finding { .. } => self.findings += 1,
                Decision::NotDecided { ref reason } => {
                    self.undecided += 1;
                    self.uncertified += usize::from(reason == "certificate not accepted");
                }
            }
        }
    }
}

/// Looks at many random cases of one kind; complains with the simplest one that fails.
fn look(what: &str, seed: u64, mut make: impl FnMut(&mut Dice) -> Vec<Program>) -> Counts {
    let programs = number_from_environment("LOCKBALANCE_ORACLE", PROGRAMS);
    let mut counts = Counts::default();
    for at in 0..programs as u64 {
        let run = number_from_environment("LOCKBALANCE_ORACLE_SEED", 0) as u64;
        let mut dice = Dice((run << 48) ^ (seed << 40) ^ at);
        let case = Case::new(make(&mut dice));
        if case.complaint(&mut counts).is_some() {
            let (case, complaint) = case.shrunk();
            panic!("{what}, program {at}: {complaint}\n{}", case.text);
        }
    }
    let Counts { cut, exits, spurious, balanced, findings, undecided, uncertified, .. } = counts;
    let Counts { certified, refused, .. } = counts;
    println!(
        "{what}: {programs} programs ({cut} not exhausted); {exits} exits, {spurious} of them cannot happen; \
         locks: {balanced} balanced, {findings} findings, {undecided} not decided, {uncertified} of them uncertified; \
         certificates: {certified} accepted, {refused} refused"
    );
    counts
}

/// Loose bounds: what joining loses, and what the checker cannot follow.
#[track_caller]
fn keeps_its_precision(counts: &Counts) {
    assert!(counts.spurious * 4 < counts.exits, "the engine has become much less precise");
    assert!(counts.refused * 20 < counts.certified, "the checker refuses much more than it did");
}

#[test]
fn locals_and_branches_are_contained() {
    let style = Style { loops: false, memory: false, callee: None };
    let counts = look("branches", 1, |dice| vec![random(dice, "f", style)]);
    assert!(counts.balanced > 0 && counts.findings > 0);
    keeps_its_precision(&counts);
}

#[test]
fn loops_are_contained() {
    let style = Style { loops: true, memory: false, callee: None };
    let counts = look("loops", 2, |dice| vec![random(dice, "f", style)]);
    keeps_its_precision(&counts);
}

#[test]
fn shared_memory_is_contained() {
    let style = Style { loops: true, memory: true, callee: None };
    let counts = look("memory", 3, |dice| vec![random(dice, "f", style)]);
    keeps_its_precision(&counts);
}

#[test]
fn summaries_are_contained() {
    let style = Style { loops: false, memory: true, callee: None };
    look("callees", 4, |dice| {
        let callee = random(dice, "helper", style);
        vec![callee, random(dice, "f", Style { callee: Some("helper"), ..style })]
    });
}
