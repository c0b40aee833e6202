//! What the engine says of a body, in the terms of the slow semantics.

use super::world::{Balances, Fault, Reached, Value};
use lockbalance::diagnostic::{Decision, Verdict};
use lockbalance::driver::judge::judge;
use lockbalance::engine::{DisjunctLimit, explore};
use lockbalance::ir::{BlockId, Body, Location};
use lockbalance::lock::analysis::LockAnalysis;
use lockbalance::lock::certificate::{Certificate, Refusal, check};
use lockbalance::lock::event::{EventKind, ExitKind};
use lockbalance::lock::meaning::Meanings;
use lockbalance::lock::state::LockKey;
use lockbalance::lock::summary::Summary;
use lockbalance::lock::terms::{Term, TermId};
use lockbalance::profile::{Profile, load};
use lockbalance::rules::context::Excerpt;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

/// The API of the random programs.
pub fn profile() -> &'static Profile {
    static PROFILE: OnceLock<Profile> = OnceLock::new();
    let text = r#"
        no_return = ["die", { call = "must", when = "false" }]
        transparent = ["likely"]
        [[family]]
        name = "lock"
        acquire = ["take(0)"]
        try_acquire = [{ call = "try_take(0)", held_if = "nonzero" }, { call = "take_intr(0)", held_if = "zero-else-negative" }]
        release = ["give(0)"]
        [[family]]
        name = "count"
        nests = true
        acquire = ["enter()"]
        release = ["leave()"]
    "#;
    PROFILE.get_or_init(|| load::parse(text, "test").expect("the profile of the oracle is well-formed"))
}

/// One exit of the engine's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exit {
    pub block: BlockId,
    pub kind: ExitKind,
    /// The kind may rest on what was read from shared memory: then it is a presumption, used to weigh exits and never to prove.
    pub presumed: bool,
    /// Locks out of balance.
    pub balances: Balances,
}

/// Exits and events of one body, explored on its own.
pub struct Explored {
    pub exits: BTreeSet<Exit>,
    pub events: Vec<(Location, String, EventKind)>,
    pub cut: bool,
    /// What the checker says of the states: locks that are balanced in them, or why they prove nothing.
    pub certified: Option<Result<Vec<String>, Refusal>>,
}

/// Explores `body`, which calls nothing but the profile's functions and unknown ones.
pub fn explored(body: &Body, limit: DisjunctLimit) -> Explored {
    let none = |_: &str| None;
    let mut analysis = LockAnalysis::new(body, Meanings::plain(profile(), &none), false);
    let results = explore(&body.cfg, &mut analysis, limit);
    let name = |key: LockKey| name_of(&analysis, key.address);
    let exits = analysis.exits.iter().map(|exit| {
        let locks = exit.state.locks.iter();
        let balances =
            locks.map(|(key, lock)| (name(key), lock.balance())).filter(|(_, n)| *n != 0).collect();
        let memory = |value: TermId| {
            let mut reads = false;
            analysis
                .terms
                .walk(value, &mut |_, term| reads |= matches!(term, Term::Load(_) | Term::Fresh(_)));
            reads
        };
        Exit { block: exit.block, kind: exit.kind, presumed: exit.value.is_some_and(memory), balances }
    });
    let events = analysis.events.iter().map(|event| (event.at, name(event.key), event.kind.clone()));
    let (exits, events) = (exits.collect(), events.collect());
    let checked = Certificate::of(&analysis, &results).map(|certificate| check(&mut analysis, &certificate));
    let named = |keys: Vec<LockKey>| keys.iter().map(|key| name_of(&analysis, key.address)).collect();
    let certified = checked.map(|checked| checked.map(named));
    Explored { exits, events, cut: !results.cut.is_empty(), certified }
}

/// A lock as the slow semantics names it.
fn name_of(analysis: &LockAnalysis<'_>, address: TermId) -> String {
    match analysis.terms.get(address) {
        Term::Int(0) => "count".to_owned(),
        Term::Global(name) => name.to_string(),
        Term::Input(id) => format!("*{}", analysis.body().local(*id).name),
        Term::Field(base, name) => format!("{}.{name}", name_of(analysis, *base)),
        other => panic!("the programs name their locks directly, not as {other:?}"),
    }
}

/// Whether an exit of this kind may give `value` back.
fn admits(kind: ExitKind, value: Option<&Value>) -> bool {
    let sign = match value {
        None => return kind == ExitKind::Void,
        Some(Value::Number(n)) => n.signum(),
        Some(Value::Object(_)) => 1,
    };
    match kind {
        ExitKind::Zero => sign == 0,
        ExitKind::Error => sign < 0,
        ExitKind::Positive => sign > 0,
        ExitKind::NotNegative => sign >= 0,
        ExitKind::Nonzero => sign != 0,
        ExitKind::Other => true,
        _ => false,
    }
}

impl Exit {
    /// Whether it stands for a concrete exit.
    fn contains(&self, (block, value, balances): &(BlockId, Option<Value>, Balances)) -> bool {
        let out_of_balance = balances.iter().filter(|(_, n)| **n != 0);
        self.block == *block
            && (self.presumed || admits(self.kind, value.as_ref()))
            && out_of_balance.eq(self.balances.iter())
    }
}

/// Whether the engine saw a fault coming: an event of its kind, there, about that lock.
fn foresees(events: &[(Location, String, EventKind)], at: Location, lock: &str, fault: Fault) -> bool {
    let fits = |kind: &EventKind| match fault {
        Fault::DoubleAcquire => matches!(kind, EventKind::DoubleAcquire { .. }),
        Fault::ReleaseFree => {
            matches!(kind, EventKind::DoubleRelease { .. } | EventKind::ReleaseAfterFailure)
        }
        Fault::Unnoticed => matches!(kind, EventKind::ResultIgnored),
    };
    events.iter().any(|(place, name, kind)| *place == at && name == lock && fits(kind))
}

/// What can happen and the engine does not contain, said in a sentence.
pub fn missing(engine: &Explored, reached: &Reached) -> Option<String> {
    if engine.cut {
        return None;
    }
    let exit = reached.exits.iter().find(|exit| !engine.exits.iter().any(|e| e.contains(exit)));
    if let Some((block, value, balances)) = exit {
        return Some(format!(
            "leaves bb{} with {value:?} and {balances:?}, which none contains of {:?}",
            block.0, engine.exits
        ));
    }
    let fault = reached.faults.iter().find(|(at, lock, fault)| !foresees(&engine.events, *at, lock, *fault));
    fault.map(|(at, lock, fault)| {
        format!("{fault:?} of {lock} at bb{}[{}], which no event foresees", at.block.0, at.statement)
    })
}

/// Exits of the engine's that cannot happen.
pub fn spurious(engine: &Explored, reached: &Reached) -> usize {
    engine.exits.iter().filter(|e| !reached.exits.iter().any(|exit| e.contains(exit))).count()
}

/// The verdicts on `bodies`, which stand in `text` one after the other, callees first.
pub fn verdicts(bodies: &[Body], text: &str) -> Vec<Verdict> {
    let mut summaries: HashMap<String, Summary> = HashMap::new();
    let mut verdicts = Vec::new();
    for body in bodies {
        let look_up = |name: &str| summaries.get(name);
        let meanings = Meanings::plain(profile(), &look_up);
        let judged = judge(body, meanings, Excerpt { text: text.as_bytes(), base: 0 }, None, true);
        verdicts.extend(judged.outcome.verdicts);
        summaries.insert(body.name.to_string(), judged.summary);
    }
    verdicts
}

/// A verdict "balanced" on a lock that concretely is not, said in a sentence: neither when the first use of the lock tells whether
/// the caller holds it, nor when the caller holds it anyway. `run` runs the function, given the lock that is held.
pub fn wrong(verdicts: &[Verdict], function: &str, run: &dyn Fn(Option<&str>) -> Reached) -> Option<String> {
    let mine = verdicts.iter().filter(|verdict| verdict.function == function);
    let balanced = mine.filter(|verdict| matches!(verdict.decision, Decision::Balanced { .. }));
    let mut locks = balanced.map(|verdict| match verdict.lock.as_str() {
        "&@a" | "&a" => "a",
        "&@b" | "&b" => "b",
        "&(*p).lock" | "&p->lock" => "*p.lock",
        "count" => "count",
        other => panic!("a lock of another name: {other}"),
    });
    locks.find_map(|lock| contradicts(lock, run))
}

/// What shows that the lock is not balanced.
pub fn contradicts(lock: &str, run: &dyn Fn(Option<&str>) -> Reached) -> Option<String> {
    let what = unbalanced(&run(None), lock)?;
    unbalanced(&run(Some(lock)), lock)?;
    Some(format!("{lock} is claimed balanced, but: {what}"))
}

/// A fault or an exit that shows the lock out of balance.
fn unbalanced(reached: &Reached, lock: &str) -> Option<String> {
    let fault = reached.faults.iter().find(|(_, name, _)| name == lock);
    let exit = reached.exits.iter().find(|(_, _, balances)| balances.get(lock).is_some_and(|n| *n != 0));
    fault.map(|fault| format!("{fault:?}")).or(exit.map(|exit| format!("{exit:?}")))
}
