//! What the annotations of a body declare, made into obligations where they can be understood.
//!
//! ```text
//! words of annotations, comments ─ read ─▶ Terms ─ explored once ─▶ the body's own lock that is meant ─▶ Obligation, Want
//!                                                    └─ none, or exits told apart by what they return ─▶ left alone, as before
//! ```
//!
//! A comment that is written for this tool is taken at its word. Annotations are often looser than that: their argument may be the name of a
//! type, or of a lock as the author calls it; "acquires" may mean "when it succeeds". So an annotation obliges a body only when the body deals
//! with the very lock that it names, and only at those ways of ending of which others of the same kind keep it.

use super::analysis::LockAnalysis;
use super::assume;
use super::contract::{Access, Clause, Contract, Promise, Root, Term};
use super::event::{ExitClass, ExitKind};
use super::meaning::Meanings;
use super::obligations::{DeclaredBy, Obligation};
use super::path::Path;
use super::state::{LockKey, Signs};
use super::summary::Want;
use crate::engine::{DisjunctLimit, explore};
use crate::ir::{Annotation, Body, CONTRACT_COMMENT, Callee, Name, ReturnKind, StatementKind};
use crate::profile::{Profile, ProfileError, Sharing, WordMeaning};
use crate::source::Span;
use std::collections::BTreeSet;

/// What a body declares.
#[derive(Debug, Default)]
pub struct Declared {
    /// What it must keep.
    pub obligations: Vec<Obligation>,
    /// What its callers must, or must not, hold.
    pub wants: Vec<Want>,
    /// Annotations, by index, that are fully expressed by the obligations.
    pub understood: Vec<usize>,
    /// All words that declare anything, as written.
    pub words: Vec<(Span, String)>,
    /// Comments that cannot be read.
    pub faults: Vec<(Span, ProfileError)>,
}

/// One promise that an annotation makes.
#[derive(Clone)]
struct Said {
    annotation: usize,
    term: Term,
    by_comment: bool,
    /// Two words together: given back and taken again, if they are meant so.
    joined: bool,
    word: Name,
}

/// What `body` declares; `meanings` are those of a body without a contract.
pub fn declared<'a>(body: &'a Body, meanings: Meanings<'a>) -> Declared {
    let mut declared = Declared::default();
    let parameters: Vec<Name> = body.parameter_ids().map(|id| body.local(id).name.clone()).collect();
    let mut said: Vec<Said> = Vec::new();
    let mut unread: BTreeSet<usize> = BTreeSet::new();
    for (at, annotation) in body.annotations.iter().enumerate() {
        if annotation.name == CONTRACT_COMMENT
            || meanings.profile.contract_words.contains_key(&annotation.name)
        {
            let args = annotation.args.join(", ");
            let text = match (annotation.name == CONTRACT_COMMENT, args.is_empty()) {
                (true, _) => args,
                (false, true) => annotation.name.to_string(),
                (false, false) => format!("{}({args})", annotation.name),
            };
            declared.words.push((annotation.span, text));
        }
        let of_one = said_by(annotation, meanings.profile, &parameters, &mut declared);
        match of_one {
            Some(terms) => said.extend(terms.into_iter().map(|(term, word)| Said {
                annotation: at,
                term,
                by_comment: annotation.name == CONTRACT_COMMENT,
                joined: false,
                word,
            })),
            None => drop(unread.insert(at)),
        }
    }
    // One word may stand on the definition and on its prototype.
    let mut known: Vec<(Name, Term)> = Vec::new();
    said.retain(|said| {
        let this = (said.word.clone(), said.term.clone());
        let new = !known.contains(&this);
        known.push(this);
        new
    });
    // `__acquire(x);`: the balance that the annotation speaks of is kept by words, not by the lock.
    let by_words = body.cfg.blocks().flat_map(|block| &body.cfg.block(block).statements).any(|statement| {
        matches!(&statement.kind, StatementKind::Call { callee: Callee::Named(name), .. }
            if meanings.profile.contract_words.contains_key(name))
    });
    said.retain(|said| {
        let taken = said.by_comment || !by_words;
        if !taken {
            unread.insert(said.annotation);
        }
        taken
    });
    if said.is_empty() {
        return declared;
    }
    // What the arguments were tells ways of ending apart, too.
    let mut analysis = LockAnalysis::new(body, meanings, true);
    let results = explore(&body.cfg, &mut analysis, DisjunctLimit::default());
    let mut groups: Vec<(Option<LockKey>, Vec<Said>)> = Vec::new();
    for said in said {
        let key = meant(&mut analysis, &said.term);
        let same = |group: &&mut (Option<LockKey>, Vec<Said>)| match key {
            Some(_) => group.0 == key,
            None => group.0.is_none() && group.1[0].term.paths == said.term.paths,
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.1.push(said),
            None => groups.push((key, vec![said])),
        }
    }
    for (key, group) in groups {
        let indices = || group.iter().map(|said| said.annotation);
        let Some(whole) = merged(&group) else {
            unread.extend(indices());
            continue;
        };
        declared.wants.extend(wants(&analysis, key, &whole));
        let kept = key.filter(|_| results.cut.is_empty()).and_then(|key| obligations(&analysis, key, whole));
        match kept {
            Some(obligations) => declared.obligations.extend(obligations),
            None => unread.extend(indices()),
        }
        declared.understood.extend(indices());
    }
    declared.understood.sort_unstable();
    declared.understood.dedup();
    declared.understood.retain(|at| !unread.contains(at));
    declared
}

/// What one annotation says; nothing when it speaks of no lock, `None` when of one in a way that is not understood.
fn said_by(
    annotation: &Annotation,
    profile: &Profile,
    parameters: &[Name],
    declared: &mut Declared,
) -> Option<Vec<(Term, Name)>> {
    if annotation.name == CONTRACT_COMMENT {
        let text = annotation.args.first().map_or("", Name::as_str);
        let read = Contract::parse(text).and_then(|contract| {
            contract.check_families(profile)?;
            Ok(contract)
        });
        return match read {
            Ok(contract) => {
                let terms = contract.bind(profile, parameters).into_iter();
                Some(terms.map(|term| (term.clone(), Name::new(term.to_string()))).collect())
            }
            Err(error) => {
                declared.faults.push((annotation.span, error));
                None
            }
        };
    }
    let Some(&(meaning, sharing)) = profile.contract_words.get(&annotation.name) else {
        return Some(Vec::new());
    };
    let promise = match meaning {
        WordMeaning::Acquires | WordMeaning::TryAcquires => Promise::Acquires,
        WordMeaning::Releases => Promise::Releases,
        WordMeaning::Holds => Promise::Holds,
        WordMeaning::Excludes => {
            for arg in &annotation.args {
                if let Some(term) = term(Promise::Acquires, arg, "", sharing, profile, parameters) {
                    let word = Name::new(format!("{}({arg})", annotation.name));
                    let Term { families, paths, .. } = term;
                    declared.wants.push(Want { families, paths, held: false, word });
                }
            }
            return None;
        }
        WordMeaning::Untold => return None,
    };
    let (on, locks) = match (meaning, annotation.args.as_slice()) {
        (WordMeaning::TryAcquires, [result, locks @ ..]) if !locks.is_empty() => {
            (if result == "1" { ", on = nonzero".to_owned() } else { format!(", on = {result}") }, locks)
        }
        (_, locks) => (String::new(), locks),
    };
    let terms: Vec<(Term, Name)> = locks
        .iter()
        .map(|lock| {
            let word = Name::new(format!("{}({})", annotation.name, annotation.args.join(", ")));
            Some((term(promise, lock, &on, sharing, profile, parameters)?, word))
        })
        .collect::<Option<_>>()?;
    (!terms.is_empty()).then_some(terms)
}

/// The promise of one lock as an annotation spells it.
fn term(
    promise: Promise,
    lock: &str,
    on: &str,
    sharing: Sharing,
    profile: &Profile,
    parameters: &[Name],
) -> Option<Term> {
    let mut clause = Clause::parse(promise, &format!("{lock}{on}")).ok()?;
    // `lock_of(x)`: a call, whose value nobody here knows.
    if clause.lock.family.is_some() {
        return None;
    }
    if sharing != Sharing::Any {
        clause.sharing = sharing;
    }
    // `RCU`: a lock of which the program has one is called by its kind.
    let global = match &clause.lock.access {
        Some(Access::Root(Root::Named(name))) if !parameters.contains(name) => {
            profile.families_called(&name.to_ascii_lowercase())
        }
        _ => Vec::new(),
    };
    let mut term = Contract { clauses: vec![clause] }.bind(profile, parameters).pop()?;
    if !global.is_empty() {
        term.families = global;
        term.paths.insert(0, Path::Int(0));
    }
    Some(term)
}

/// The lock of the body that is meant.
fn meant(analysis: &mut LockAnalysis<'_>, term: &Term) -> Option<LockKey> {
    let keys = analysis.keys();
    term.paths.iter().find_map(|path| {
        let address = analysis.on_entry(path)?;
        let fits = |key: &&LockKey| {
            key.address == address
                && analysis.profile().family(key.family).reported
                && (term.families.is_empty() || term.families.contains(&key.family))
        };
        keys.iter().find(fits).copied()
    })
}

/// All that is said of one lock: one promise, or several for different results. `None` when it cannot all be.
fn merged(group: &[Said]) -> Option<Vec<Said>> {
    let mut whole: Vec<Said> = Vec::new();
    for said in group {
        match whole.iter_mut().find(|other| other.term.on == said.term.on) {
            None => whole.push(said.clone()),
            Some(other) if other.term.promise == said.term.promise => {}
            Some(other) => {
                other.term.promise = match (other.term.promise, said.term.promise) {
                    // Given back and taken again.
                    (Promise::Releases, Promise::Acquires) | (Promise::Acquires, Promise::Releases) => {
                        Promise::Holds
                    }
                    // Held on entry, as is plain.
                    (Promise::Releases, Promise::Holds) | (Promise::Holds, Promise::Releases) => {
                        Promise::Releases
                    }
                    _ => return None,
                };
                other.joined = other.term.promise == Promise::Holds;
                other.word = Name::new(format!("{} {}", other.word, said.word));
            }
        }
    }
    Some(whole)
}

/// What the promises want of callers.
fn wants(analysis: &LockAnalysis<'_>, key: Option<LockKey>, whole: &[Said]) -> Vec<Want> {
    // A body that takes it first contradicts what it says.
    if key.is_some_and(|key| analysis.taken.contains(&key)) {
        return Vec::new();
    }
    let held = whole.iter().filter(|said| said.term.promise.is_held_on_entry());
    held.take(1)
        .map(|said| Want {
            families: key.map_or_else(|| said.term.families.clone(), |key| vec![key.family]),
            paths: said.term.paths.clone(),
            held: true,
            word: said.word.clone(),
        })
        .collect()
}

/// The promises as obligations; `None` when annotations are not to be taken at their word here.
fn obligations(analysis: &LockAnalysis<'_>, key: LockKey, whole: Vec<Said>) -> Option<Vec<Obligation>> {
    let path = analysis.path(key.address, None)?;
    let strict = whole.iter().all(|said| said.by_comment || said.term.on.is_some());
    let loose = match (&whole[..], strict) {
        (_, true) => Vec::new(),
        ([said], false) => loose_kinds(analysis, key, said.term.promise, said.joined)?,
        (_, false) => return None,
    };
    let obliged = |said: Said| {
        let term = Term { families: vec![key.family], paths: vec![path.clone()], ..said.term };
        let by = match said.by_comment {
            true => DeclaredBy::Comment,
            false => DeclaredBy::Annotation { word: said.word, loose: loose.clone() },
        };
        Obligation { term, by }
    };
    Some(whole.into_iter().map(obliged).collect())
}

/// Kinds of exits at which an unconditional annotation is not meant: those at which it is never kept, told apart by what they return from
/// those at which it is. `None` when it can only be meant in a way that nobody can tell.
fn loose_kinds(
    analysis: &LockAnalysis<'_>,
    key: LockKey,
    promise: Promise,
    joined: bool,
) -> Option<Vec<ExitKind>> {
    let due = promise.balance();
    let left = |at: usize| analysis.exits[at].state.locks.get(key).map_or(0, |lock| lock.balance());
    let root = analysis.terms.root(key.address);
    let is_there = |at: usize| {
        let state = &analysis.exits[at].state;
        assume::signs(&analysis.terms, state, root, true) != Signs::ZERO
    };
    let sure = (0..analysis.exits.len()).filter(|&at| !analysis.exits[at].state.doubtful);
    // `if (lock) spin_lock(lock);`
    if !matches!(analysis.terms.get(root), super::terms::Term::Int(_)) && !sure.clone().all(is_there) {
        return None;
    }
    let (right, wrong): (Vec<usize>, Vec<usize>) = sure.partition(|&at| left(at) == due);
    if wrong.is_empty() {
        return Some(Vec::new());
    }
    if joined {
        // `__acquires(x) __releases(x)` may mean "either".
        return None;
    }
    if right.is_empty() {
        return Some(Vec::new());
    }
    let kinds =
        |exits: &[usize]| -> BTreeSet<ExitKind> { exits.iter().map(|&at| analysis.exits[at].kind).collect() };
    let (right_kinds, wrong_kinds) = (kinds(&right), kinds(&wrong));
    let rivals: Vec<usize> =
        wrong.iter().copied().filter(|&at| right_kinds.contains(&analysis.exits[at].kind)).collect();
    if !rivals.is_empty() && told_by_stores(analysis, &right, &rivals) {
        return None;
    }
    if analysis.told_by_arguments(key, &right, &wrong) || analysis.told_by_arguments(key, &wrong, &right) {
        return None;
    }
    let only = |kinds: &BTreeSet<ExitKind>, class| kinds.iter().all(|kind| kind.class() == class);
    // Held when it fails and not when it succeeds. A truth value says neither.
    let upside_down = promise == Promise::Acquires
        && analysis.body().returns != ReturnKind::Bool
        && only(&right_kinds, ExitClass::Failure)
        && wrong_kinds.iter().any(|kind| kind.class() == ExitClass::Success);
    if upside_down {
        return Some(wrong_kinds.into_iter().filter(|kind| kind.class() != ExitClass::Success).collect());
    }
    let loose: Vec<ExitKind> = wrong_kinds.difference(&right_kinds).copied().collect();
    (loose.len() < wrong_kinds.len()).then_some(loose)
}

/// Whether what is left behind the arguments tells the two apart: `*locked = false; return task;`
fn told_by_stores(analysis: &LockAnalysis<'_>, right: &[usize], wrong: &[usize]) -> bool {
    let stores = |at: &usize| analysis.stores(&analysis.exits[*at]);
    right.iter().all(|one| {
        let mine = stores(one);
        wrong.iter().all(|other| {
            let theirs = stores(other);
            mine.iter().any(|store| {
                let number = |path: &Path| matches!(path, Path::Int(_));
                theirs.iter().any(|other| {
                    other.address == store.address
                        && other.value != store.value
                        && number(&other.value)
                        && number(&store.value)
                })
            })
        })
    })
}
