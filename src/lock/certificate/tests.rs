use super::check::Refusal;
use super::cover::covers;
use super::*;
use crate::engine::{Analysis, DisjunctLimit, Merge, explore};
use crate::ir::Body;
use crate::ir::parse::parse;
use crate::lock::meaning::Meanings;
use crate::lock::state::{Entry, Fact, LockState, Now, Signs, bind};
use crate::lock::terms::Term;
use crate::profile::{Context, LockMode, Profile, Sharing, load};
use crate::source::FileId;

const PROFILE: &str = r#"
    [[family]]
    name = "lock"
    acquire = ["take(0)"]
    try_acquire = [{ call = "try_take(0)", held_if = "nonzero" }]
    release = ["give(0)"]
"#;

/// Takes on one condition, works in a loop, gives back on the same condition.
const CONDITIONAL: &str = "fn f(p: struct dev *, need: int) -> integer {
    let n: int
    let ok: int
bb0:
    n = 0
    branch need ? bb1 : bb2
bb1:
    take(&(*p).lock)
    goto bb2
bb2:
    ok = work(n)
    n = ok
    branch ok ? bb2 : bb3
bb3:
    branch need ? bb4 : bb5
bb4:
    give(&(*p).lock)
    goto bb5
bb5:
    return n
}
";

/// Forgets to give back where an attempt was made twice.
const LEAKING: &str = "fn f(p: struct dev *) -> integer {
    let ok: int
bb0:
    ok = try_take(&(*p).lock)
    branch ok ? bb1 : bb3
bb1:
    branch either ? bb2 : bb3
bb2:
    give(&(*p).lock)
    goto bb3
bb3:
    return 0
}
";

/// Gives back twice on one path; its exits are even.
const TWICE: &str = "fn f(p: struct dev *) -> void {
bb0:
    take(&(*p).lock)
    give(&(*p).lock)
    branch either ? bb1 : bb2
bb1:
    give(&(*p).lock)
    goto bb2
bb2:
    return
}
";

/// A lock in each element of a list, hand over hand.
const WALK: &str = "fn f(p: struct dev *) -> void {
    let q: struct dev *
bb0:
    take(&(*p).lock)
    goto bb1
bb1:
    q = next(p)
    branch q ? bb2 : bb3
bb2:
    take(&(*q).lock)
    give(&(*p).lock)
    p = q
    goto bb1
bb3:
    give(&(*p).lock)
    return
}
";

fn profile() -> Profile {
    load::parse(PROFILE, "test").expect("a well-formed profile")
}

/// Explores `text` and hands the analysis, what was explored and its certificate to `then`.
fn with<R>(
    text: &str,
    limit: DisjunctLimit,
    then: impl FnOnce(&mut LockAnalysis<'_>, &Results<PathState>, &mut Certificate) -> R,
) -> R {
    let body: Body = parse(text, FileId(0)).unwrap_or_else(|error| panic!("{error}"));
    let profile = profile();
    let none = |_: &str| None;
    let mut analysis = LockAnalysis::new(&body, Meanings::plain(&profile, &none), false);
    let results = explore(&body.cfg, &mut analysis, limit);
    let keys = analysis.keys();
    let states = body.cfg.blocks().flat_map(|at| results.live(at).map(move |node| (at, node.state.clone())));
    let mut certificate = Certificate { states: states.collect(), claims: keys };
    then(&mut analysis, &results, &mut certificate)
}

fn joining(similar: usize, same_property: usize) -> DisjunctLimit {
    DisjunctLimit { similar, same_property, ..DisjunctLimit::default() }
}

#[test]
fn what_holds_is_accepted_however_much_was_joined() {
    for limit in [DisjunctLimit::default(), joining(0, 100), joining(0, 0)] {
        with(CONDITIONAL, limit, |analysis, results, certificate| {
            assert_eq!(check(analysis, certificate), Ok(certificate.claims.clone()));
            let certified = certify(analysis, results).expect("the search says so too");
            assert_eq!((certified.locks.len(), certified.hash.len()), (1, 16));
        });
        with(WALK, limit, |analysis, _, certificate| assert!(check(analysis, certificate).is_ok()));
    }
}

#[test]
fn what_does_not_hold_is_not_accepted() {
    for text in [LEAKING, TWICE] {
        with(text, DisjunctLimit::default(), |analysis, _, certificate| {
            assert_eq!(certificate.claims.len(), 1);
            assert_eq!(check(analysis, certificate), Ok(Vec::new()), "{text}");
        });
    }
}

#[test]
fn a_state_less_is_refused() {
    with(CONDITIONAL, DisjunctLimit::default(), |analysis, _, certificate| {
        for at in 0..certificate.states.len() {
            let mut tampered = certificate.clone();
            let (block, _) = tampered.states.remove(at);
            let refusal = check(analysis, &tampered).expect_err("a step leads nowhere");
            match refusal {
                Refusal::Entry => assert_eq!(block, analysis.body().cfg.entry()),
                Refusal::Step { to, .. } => assert_eq!(block, to),
                Refusal::Bound { .. } => panic!("no bound is near"),
            }
        }
    });
}

#[test]
fn another_lock_state_is_refused() {
    let others = [
        LockState { entry: Entry::Free, now: Now::Released },
        LockState { entry: Entry::Held, now: Now::Released },
        LockState { entry: Entry::Free, now: Now::Failed },
    ];
    with(CONDITIONAL, DisjunctLimit::default(), |analysis, _, certificate| {
        let mut tried = 0;
        for (at, key) in (0..certificate.states.len()).map(|at| (at, certificate.claims[0])) {
            for other in others {
                let mut tampered = certificate.clone();
                if tampered.states[at].1.locks.get(key).is_none_or(|lock| lock.now == other.now) {
                    continue;
                }
                tampered.states[at].1.locks.set(key, other);
                assert!(check(analysis, &tampered).is_err(), "{:?}", tampered.states[at]);
                tried += 1;
            }
            let mut tampered = certificate.clone();
            if tampered.states[at].1.locks.get(key).is_some_and(|lock| lock.is_held()) {
                tampered.states[at].1.locks.remove(key);
                assert!(check(analysis, &tampered).is_err(), "{:?}", tampered.states[at]);
            }
        }
        assert!(tried > 6, "only {tried}");
    });
}

#[test]
fn another_exit_takes_the_claim_away() {
    with(CONDITIONAL, DisjunctLimit::default(), |analysis, _, certificate| {
        let key = certificate.claims[0];
        let (exit, mut state) = certificate.states.last().cloned().expect("the last block returns");
        let mode = LockMode { sharing: Sharing::Exclusive, context: Context::Plain };
        let held = Now::Held { depth: 1, mode, saved: None };
        state.locks.set(key, LockState { entry: Entry::Free, now: held });
        certificate.states.push((exit, state));
        assert_eq!(check(analysis, certificate), Ok(Vec::new()));
    });
}

#[test]
fn a_fact_too_many_is_refused() {
    with(CONDITIONAL, DisjunctLimit::default(), |analysis, _, certificate| {
        let input = analysis.terms.intern(Term::Input(crate::ir::LocalId(1)));
        let mut changed = 0;
        for at in 0..certificate.states.len() {
            let mut tampered = certificate.clone();
            bind(&mut tampered.states[at].1.facts, input, Fact::signs(Signs::NEGATIVE));
            if tampered.states[at] != certificate.states[at] {
                assert!(check(analysis, &tampered).is_err(), "{:?}", tampered.states[at]);
                changed += 1;
            }
        }
        assert!(changed > 5, "only {changed}");
    });
}

#[test]
fn a_presumption_is_nothing_to_rely_on() {
    with(CONDITIONAL, DisjunctLimit::default(), |analysis, _, certificate| {
        let input = analysis.terms.intern(Term::Input(crate::ir::LocalId(1)));
        for (_, state) in &mut certificate.states {
            bind(&mut state.facts, input, Fact::presumed(Signs::POSITIVE, Signs::ANY));
        }
        assert_ne!(check(analysis, certificate), Ok(certificate.claims.clone()));
    });
}

#[test]
fn a_join_covers_both_of_its_sides() {
    let mut joins = 0;
    for text in [CONDITIONAL, LEAKING, TWICE, WALK] {
        with(text, joining(1_000, 1_000), |analysis, _, certificate| {
            for (block, old) in &certificate.states {
                for (_, new) in certificate.states.iter().filter(|(other, _)| other == block) {
                    let Some(joined) = analysis.merge(old, new, *block, Merge::SameProperty) else {
                        continue;
                    };
                    for side in [old, new] {
                        assert!(covers(analysis, *block, &joined, side).is_some(), "{joined:?}\n{side:?}");
                    }
                    joins += 1;
                }
            }
        });
    }
    assert!(joins > 20, "only {joins}");
}

#[test]
fn nothing_is_certified_of_what_was_cut_short() {
    with(CONDITIONAL, DisjunctLimit { block: 1, ..joining(100, 100) }, |analysis, results, _| {
        assert!(!results.cut.is_empty());
        assert!(certify(analysis, results).is_none());
    });
}
