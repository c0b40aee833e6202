//! The laws that joining and narrowing of facts must keep, over all facts of a small world.

use lockbalance::lock::state::{Fact, Signs};
use lockbalance::lock::terms::TermId;

/// All facts whose parts fit together: what is sure contains what is presumed, and a proved fact presumes nothing more.
fn facts() -> Vec<Fact> {
    let mut all = Vec::new();
    for signs in 1..8 {
        for sure in (1..8).filter(|sure| signs & !sure == 0) {
            for equals in [None, Some(TermId(1)), Some(TermId(2))] {
                for differs in [None, Some(TermId(3)), Some(TermId(4))] {
                    let mut fact = Fact::presumed(Signs(signs), Signs(sure));
                    fact.equals = equals;
                    differs.into_iter().for_each(|value| fact.differs.insert(value));
                    all.push(fact);
                    fact.firm = false;
                    all.push(fact);
                }
            }
        }
    }
    all
}

/// Whether whatever `less` allows `more` allows too.
fn covers(more: &Fact, less: &Fact) -> bool {
    less.signs.within(more.signs)
        && less.sure.within(more.sure)
        && (more.equals.is_none() || more.equals == less.equals)
        && more.differs.iter().all(|value| less.differs.contains(value))
        && (less.firm || !more.firm)
}

#[test]
fn a_join_is_the_least_upper_bound() {
    let facts = facts();
    for a in &facts {
        assert_eq!(a.either(a), *a, "joined with itself");
        for b in &facts {
            let join = a.either(b);
            assert_eq!(join, b.either(a), "{a:?} and {b:?}: whichever comes first");
            assert!(covers(&join, a) && covers(&join, b), "{a:?} and {b:?} lie below {join:?}");
        }
    }
    // Every seventh of them is enough for triples, and keeps each value of each part.
    let some: Vec<&Fact> = facts.iter().step_by(7).collect();
    for a in &some {
        for b in &some {
            for c in &some {
                assert_eq!(
                    a.either(b).either(c),
                    a.either(&b.either(c)),
                    "{a:?}, {b:?} and {c:?} in any order"
                );
                if covers(c, a) && covers(c, b) {
                    assert!(covers(c, &a.either(b)), "{c:?} lies above {a:?} and {b:?}, so above their join");
                }
            }
        }
    }
}

#[test]
fn what_is_narrowed_says_no_less() {
    for fact in facts() {
        for allowed in 1..8 {
            let mut narrow = fact;
            let presumption_stands = narrow.narrow(Signs(allowed));
            assert!(narrow.sure.within(fact.sure.and(Signs(allowed))), "{fact:?} narrowed to {allowed}");
            assert_eq!(presumption_stands, fact.signs.and(Signs(allowed)) != Signs::NONE);
            if presumption_stands {
                assert_eq!(narrow.signs, fact.signs.and(Signs(allowed)));
            }
            let mut again = narrow;
            again.narrow(Signs(allowed));
            assert_eq!(again.sure, narrow.sure, "twice is as good as once");
        }
    }
}

#[test]
fn doubt_only_loses_proof() {
    for fact in facts() {
        let mut doubted = fact;
        doubted.doubt();
        assert_eq!((doubted.signs, doubted.equals), (fact.signs, fact.equals));
        assert!(!doubted.firm && doubted.proved().is_any());
        assert!(covers(&doubted, &fact), "{doubted:?} lies above {fact:?}");
    }
}

#[test]
fn signs_are_sets() {
    for a in (0..8).map(Signs) {
        assert_eq!(a.complement().complement(), a);
        assert_eq!(a.negated().negated(), a);
        assert_eq!(a.or(a.complement()), Signs::ANY);
        for b in (0..8).map(Signs) {
            assert_eq!(a.and(b).complement(), a.complement().or(b.complement()));
            assert_eq!(a.within(b), a.or(b) == b);
            assert_eq!(a.or(b).negated(), a.negated().or(b.negated()));
        }
    }
}
