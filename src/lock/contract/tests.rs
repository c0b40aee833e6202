//! What contracts read as, and what is refused.

use super::*;

fn names(names: &[&str]) -> Vec<Name> {
    names.iter().map(|name| Name::new(*name)).collect()
}

fn field(base: Path, name: &str) -> Path {
    Path::Field(Box::new(base), Name::new(name))
}

fn load(path: Path) -> Path {
    Path::Load(Box::new(path))
}

/// The addresses that `lock` may mean in `f(dev, page)`.
fn paths(lock: &str) -> Vec<Path> {
    let clause = Clause::parse(Promise::Holds, lock).expect("a lock");
    clause.lock.paths(&names(&["dev", "page"]))
}

#[test]
fn a_lock_is_written_in_terms_of_the_function() {
    let dev = Path::Argument(0);
    assert_eq!(paths("&dev->lock"), [field(dev.clone(), "lock")]);
    assert_eq!(paths("dev->lock"), [field(dev.clone(), "lock"), load(field(dev.clone(), "lock"))]);
    assert_eq!(paths("arg0.lock")[0], field(dev.clone(), "lock"), "as Rust writes it");
    assert_eq!(paths("page(arg1)"), [Path::Argument(1)]);
    assert_eq!(paths("page"), [Path::Argument(1)], "a parameter, not a family");
    assert_eq!(paths("&dev->bus->lock"), [field(load(field(dev.clone(), "bus")), "lock")]);
    assert_eq!(paths("&dev->bus.lock"), [field(field(dev.clone(), "bus"), "lock")]);
    assert_eq!(paths("*page"), [Path::Argument(1), load(Path::Argument(1))]);
    assert_eq!(paths("&mf_mutex"), [Path::Global(Name::new("mf_mutex"))]);
    let global = Path::Global(Name::new("mf_mutex"));
    assert_eq!(paths("mf_mutex"), [global.clone(), load(global)]);
    assert_eq!(paths("rcu()"), [Path::Int(0)]);
    assert_eq!(paths("ret->lock")[0], field(Path::Result, "lock"));
    assert_eq!(paths("&(*page)->lock"), [field(load(Path::Argument(1)), "lock")]);
    let slots = field(dev, "locks");
    assert_eq!(paths("&dev->locks[2]"), [Path::Index(Box::new(slots), Box::new(Path::Int(2)))]);
}

#[test]
fn clauses_stand_one_after_the_other() {
    let contract = Contract::parse("holds(&dev->lock)  releases(p), acquires(std mutex(q), on = 0, shared)")
        .expect("a contract");
    let said: Vec<(Promise, &str)> =
        contract.clauses.iter().map(|clause| (clause.promise, clause.lock.spelled.as_str())).collect();
    assert_eq!(
        said,
        [(Promise::Holds, "&dev->lock"), (Promise::Releases, "p"), (Promise::Acquires, "std mutex(q)")]
    );
    let last = &contract.clauses[2];
    assert_eq!(last.lock.family.as_deref(), Some("std mutex"));
    assert_eq!(last.on.as_ref().map(|on| (on.signs, on.value)), Some((Signs::ZERO, Some(0))));
    assert_eq!(last.sharing, Sharing::Shared);
}

#[test]
fn a_condition_says_at_which_results_the_lock_changes() {
    let contract = Contract::parse("acquires(p, on = 0) releases(q, on = negative)").expect("a contract");
    let terms = contract.bind(&Profile::default(), &names(&["p", "q"]));
    let at = |term: usize, signs, value| terms[term].balance_at(signs, value);
    assert_eq!(at(0, Signs::ZERO, Some(0)), Some(1));
    assert_eq!(at(0, Signs::ZERO, None), Some(1));
    assert_eq!(at(0, Signs::NEGATIVE, None), Some(0));
    assert_eq!(at(0, Signs::NOT_POSITIVE, None), None, "the result does not tell");
    assert_eq!(at(1, Signs::NEGATIVE, Some(-5)), Some(-1));
    assert_eq!(at(1, Signs::ZERO, None), Some(0));
}

/// What is wrong, and the text that it points at.
fn refused(text: &str) -> (String, &str) {
    let error = Contract::parse(text).expect_err("refused");
    (error.message, &text[error.span.expect("a place")])
}

#[test]
fn what_is_written_otherwise_is_refused_with_its_place() {
    let wrong = [
        ("release(p)", "unknown promise `release`, expected one of holds, releases, acquires", "release"),
        ("releases p", "`releases` needs its lock in parentheses: `releases(p->lock)`", "p"),
        ("releases(p", "`)` is missing", ""),
        ("releases(page(arg1)", "`)` is missing", ""),
        ("releases(p->)", "a member's name is missing", ")"),
        ("acquires(p, when = 0)", "unknown condition `when`, expected one of on, shared, exclusive", "when"),
        ("acquires(p, on 0)", "`on` needs a result: `on = 0`", "0"),
        ("holds(p) releases(p)", "`holds` and `releases` of `p` exclude each other", "releases(p)"),
        ("holds(p) holds(p)", "`holds` is said twice of `p`", "holds(p)"),
    ];
    for (text, message, place) in wrong {
        assert_eq!(refused(text), (message.to_owned(), place), "{text}");
    }
    assert_eq!(refused("releases(7)").1, "7");
    assert_eq!(refused("acquires(p, on = zer)").1, "zer");
    assert!(refused("releases(p) acquires(p)").0.contains("`holds` is what is meant"));
    assert!(
        Contract::parse("releases(p, on = 0) acquires(p, on = negative)").is_ok(),
        "told apart by the result"
    );
    assert_eq!(Contract::parse("release(p)").expect_err("refused").suggestion.as_deref(), Some("releases"));
}

#[test]
fn no_text_makes_the_reader_panic() {
    for text in [
        "",
        "(",
        ")",
        "holds",
        "holds(",
        "holds()",
        "holds(&)",
        "holds(*",
        "holds(a[",
        "holds(ä->ö)",
        "holds(p,)",
        "holds(p,on=",
        "holds(:: )",
    ] {
        let _ = Contract::parse(text);
    }
}

#[test]
fn a_family_that_nobody_knows_is_refused() {
    let profile = crate::profile::load::builtin("linux").expect("built in");
    let known = Contract::parse("releases(page(arg1)) holds(folio(arg0))").expect("a contract");
    assert_eq!(known.check_families(profile), Ok(()));
    let terms = known.bind(profile, &[]);
    assert_eq!(terms[0].families, terms[1].families, "a page's lock is its folio's");
    let unknown = Contract::parse("holds(folios(arg0))").expect("a contract");
    let error = unknown.check_families(profile).expect_err("no such family");
    assert_eq!(error.suggestion.as_deref(), Some("folio"));
}
