//! Every row of every built-in family, by functions made from the row: the balanced one is silent and decided, the broken one is
//! reported at the default confidence. A row with a wrong lock, mode, sense or effect fails here.
//!
//! Families that are known but not reported on are made to report: the rows are tested, not the policy.

use super::generate::{Call, Pair, Row, beside, condition, function, released_by, rows, taken_by};
use super::{builtin_of_c, check, findings, not_balanced};
use lockbalance::diagnostic::{Confidence, Diagnostic};
use lockbalance::driver::Outcome;
use lockbalance::profile::{CallEffect, Context, Effect, LockMode, LockRoot, Profile, ReleasedBy, Sharing};
use std::collections::BTreeMap;
use std::sync::Arc;

#[path = "exceptions.rs"]
mod exceptions;

/// What a generated function must lead to.
enum Expected {
    /// Silence, and every lock decided.
    Balanced,
    /// Silence.
    Silent,
    /// One of these rules, at the default confidence.
    Fires(&'static [&'static str]),
    /// One of these rules, at any confidence.
    Suspected(&'static [&'static str]),
}

struct Case {
    what: &'static str,
    lines: Vec<String>,
    expected: Expected,
}

const NO_COUNTERPART: &str = "no counterpart in the family";

const LEAK: Expected = Expected::Fires(&["LB001", "LB006"]);
const TWICE: Expected = Expected::Fires(&["LB002", "LB003"]);
/// Where the result is the locked object, the reversed test leaves nothing to release: it reads as a hand-over.
const NOTHING_LEFT: Expected = Expected::Suspected(&["LB001"]);
/// Where it hardly ever fails, the way on which it does is doubtful.
const UNLIKELY: Expected = Expected::Suspected(&["LB001", "LB006", "LB013"]);
const REVERSED: Expected = Expected::Fires(&["LB001", "LB002", "LB003", "LB006", "LB013"]);

fn case(what: &'static str, parts: &[&[String]], expected: Expected) -> Case {
    let mut lines = parts.concat();
    lines.push("return 0;".to_owned());
    Case { what, lines, expected }
}

fn line(text: impl Into<String>) -> Vec<String> {
    vec![text.into()]
}

fn statements(calls: &[Call]) -> Vec<String> {
    calls.iter().map(Call::statement).collect()
}

/// The lines that take the locks of a pair; `taken` turns the test of the result around.
fn take(pair: &Pair, taken: bool) -> Vec<String> {
    let mut lines = statements(&pair.acquire);
    if let Some(test) = pair.test {
        lines.push(format!("if ({})\n\t\treturn -EBUSY;", condition(test, pair.pointer, taken)));
    }
    lines
}

fn step() -> Vec<String> {
    line("step();")
}

fn leave() -> Vec<String> {
    line("if (broken())\n\t\treturn -EINVAL;")
}

/// The functions for one row; nothing when the family has no counterpart for it.
fn cases(row: &Row<'_>, all: &[Row<'_>]) -> Option<Vec<Case>> {
    if row.guard_class().is_some() {
        return guard_cases(row, all);
    }
    match row.effects[0].effect {
        Effect::Acquire | Effect::TryAcquire(_) => acquire_cases(row, all),
        Effect::Release => release_cases(row, all),
        Effect::GuardRelease | Effect::Leak => Some(Vec::new()),
        Effect::ReleaseIf(test) => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let (take, give) = (take(&pair, false), statements(&pair.release));
            let gone = |passes| line(format!("if ({})\n\t\treturn -EBUSY;", condition(test, false, passes)));
            let call = line(call.statement());
            Some(vec![
                case("balanced", &[&take, &call, &gone(true), &step(), &give], Expected::Balanced),
                case("reversed", &[&take, &call, &gone(false), &step(), &give], REVERSED),
            ])
        }
        Effect::Query(_) => query_cases(row, all),
        Effect::DropAndRetake => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let (take, give, call) = (take(&pair, false), statements(&pair.release), line(call.statement()));
            Some(vec![
                case("balanced", &[&take, &call, &give], Expected::Balanced),
                case("missing", &[&take, &call, &leave(), &give], LEAK),
            ])
        }
        Effect::Downgrade => {
            let shared = |mode| LockMode { sharing: Sharing::Shared, ..mode };
            let (pair, call) = surrounded(row, all, shared)?;
            let (wrong, _) = surrounded(row, all, |mode| mode)?;
            let (take, call) = (take(&pair, false), line(call.statement()));
            let (give, kept) = (statements(&pair.release), statements(&wrong.release));
            Some(vec![
                case("balanced", &[&take, &call, &give], Expected::Balanced),
                case("flavour", &[&take, &call, &kept], Expected::Fires(&["LB030"])),
            ])
        }
        Effect::Upgrade(test) => {
            let exclusive = |mode| LockMode { sharing: Sharing::Exclusive, ..mode };
            let (pair, call) = surrounded(row, all, exclusive)?;
            let (kept, _) = surrounded(row, all, |mode| mode)?;
            let back = condition(test, false, false);
            let failed = format!(
                "result = {};\n\tif ({back}) {{\n\t\t{}\n\t\treturn -EBUSY;\n\t}}",
                call.expression(),
                statements(&kept.release).join(" ")
            );
            let (take, give) = (take(&kept, false), statements(&pair.release));
            Some(vec![case("balanced", &[&take, &line(failed), &give], Expected::Balanced)])
        }
        Effect::MayRelease => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let (take, give, call) = (take(&pair, false), statements(&pair.release), line(call.statement()));
            Some(vec![case("balanced", &[&take, &call, &give], Expected::Balanced)])
        }
        Effect::Transfer => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            Some(vec![case("silent", &[&take(&pair, false), &line(call.statement())], Expected::Silent)])
        }
        Effect::Assert => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let (take, give) = (take(&pair, false), statements(&pair.release));
            Some(vec![case("balanced", &[&take, &line(call.statement()), &give], Expected::Balanced)])
        }
        Effect::AssertNot => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let (take, give, call) = (take(&pair, false), statements(&pair.release), line(call.statement()));
            Some(vec![
                case("balanced", &[&take, &give, &call], Expected::Balanced),
                case("held", &[&take, &call, &give], Expected::Fires(&["LB020"])),
            ])
        }
        Effect::Init | Effect::Destroy => {
            let (pair, call) = surrounded(row, all, |mode| mode)?;
            let whole = [take(&pair, false), statements(&pair.release)].concat();
            let call = line(call.statement());
            let made = row.effects[0].effect == Effect::Init;
            let parts = if made { [&call[..], &whole] } else { [&whole[..], &call] };
            Some(vec![case("balanced", &parts, Expected::Balanced)])
        }
    }
}

fn acquire_cases(row: &Row<'_>, all: &[Row<'_>]) -> Option<Vec<Case>> {
    let pair = released_by(row, all, |mode| mode)?;
    let give = statements(&pair.release);
    let mut cases = vec![
        case("balanced", &[&take(&pair, false), &step(), &give], Expected::Balanced),
        case("missing", &[&take(&pair, false), &leave(), &give], LEAK),
    ];
    if pair.test.is_some() {
        let member = pair.pointer && !row.effects[0].lock.members.is_empty();
        let expected = match (member, row.effects[0].rarely_fails) {
            (true, _) => NOTHING_LEFT,
            (_, true) => UNLIKELY,
            _ => REVERSED,
        };
        cases.push(case("reversed", &[&take(&pair, true), &step(), &give], expected));
    }
    Some(cases)
}

fn release_cases(row: &Row<'_>, all: &[Row<'_>]) -> Option<Vec<Case>> {
    let pair = taken_by(row, all)?;
    let (take, give) = (take(&pair, false), statements(&pair.release));
    Some(vec![
        case("balanced", &[&take, &step(), &give], Expected::Balanced),
        case("doubled", &[&take, &step(), &give, &step(), &give], TWICE),
    ])
}

fn query_cases(row: &Row<'_>, all: &[Row<'_>]) -> Option<Vec<Case>> {
    let (pair, call) = surrounded(row, all, |mode| mode)?;
    let (take, give) = (take(&pair, false), statements(&pair.release));
    let asked = line(format!("if ({})\n\t\tstep();", call.expression()));
    let released = line(format!("if ({})\n\t\t{}", call.expression(), give.join(" ")));
    // Whether interrupts are off is a question about oneself.
    let switches = |effect: &CallEffect| {
        effect.family == row.effects[0].family
            && effect.effect == Effect::Release
            && effect.mode.context != Context::Plain
    };
    let own = row.effects[0].lock.root == LockRoot::Global
        && all.iter().any(|other| other.effects.iter().copied().any(switches));
    let queried = if own { Expected::Suspected(&["LB003"]) } else { Expected::Fires(&["LB010"]) };
    Some(vec![
        case("balanced", &[&take, &asked, &give], Expected::Balanced),
        case("queried", &[&released], queried),
    ])
}

fn guard_cases(row: &Row<'_>, all: &[Row<'_>]) -> Option<Vec<Case>> {
    let class = row.guard_class()?;
    let pair = released_by(row, all, |mode| mode)?;
    let arguments = pair.acquire[0].arguments();
    let more = if arguments.is_empty() { String::new() } else { format!(", {arguments}") };
    let give = statements(&pair.release);
    if row.test().is_some() {
        let scoped = line(format!("scoped_cond_guard({class}, return -EBUSY{more}) {{\n\t\tstep();\n\t}}"));
        return Some(vec![
            case("balanced", &[&scoped], Expected::Balanced),
            case("doubled", &[&scoped, &give], TWICE),
        ]);
    }
    let guard = line(format!("guard({class})({arguments});"));
    let scoped = line(format!("scoped_guard({class}{more}) {{\n\t\tstep();\n\t}}"));
    Some(vec![
        case("balanced", &[&guard, &leave(), &step()], Expected::Balanced),
        case("scoped", &[&scoped, &leave()], Expected::Balanced),
        case("doubled", &[&scoped, &give], TWICE),
    ])
}

/// A pair around `row` that speaks of the same lock. The taking call fits the row's mode; `given` says in which mode the lock
/// is afterwards.
fn surrounded(row: &Row<'_>, all: &[Row<'_>], given: impl Fn(LockMode) -> LockMode) -> Option<(Pair, Call)> {
    let takes = |taker: &&Row<'_>| {
        let sharing = taker.effects[0].mode.sharing;
        taker.acquires()
            && match row.effects[0].effect {
                Effect::Downgrade => sharing != Sharing::Shared,
                Effect::Upgrade(_) => sharing == Sharing::Shared,
                _ => true,
            }
    };
    let mut takers: Vec<&Row<'_>> = all.iter().filter(takes).collect();
    takers.sort_by_key(|taker| {
        (!taker.is_told(), taker.effects[0].mode != row.effects[0].mode, taker.test().is_some())
    });
    takers.into_iter().find_map(|taker| {
        let pair = released_by(taker, all, &given)?;
        let (call, taking) = beside(row, taker)?;
        (pair.acquire[0].expression() == taking.expression()).then_some((pair, call))
    })
}

/// What is wrong with the outcome of a case, if anything is.
fn verdict(case: &Case, told: bool, function: &str, outcome: &Outcome) -> Option<String> {
    let found = findings(outcome, function);
    match case.expected {
        Expected::Balanced if told => not_balanced(outcome, function),
        Expected::Balanced | Expected::Silent => {
            found.first().map(|finding| format!("{}: {}", finding.rule.id, finding.message))
        }
        // A lock that cannot be named is not reported on.
        Expected::Fires(_) | Expected::Suspected(_) if !told => None,
        Expected::Fires(rules) => none_of(rules, &found, Confidence::Medium),
        Expected::Suspected(rules) => none_of(rules, &found, Confidence::Low),
    }
}

fn none_of(rules: &[&str], found: &[&Diagnostic], least: Confidence) -> Option<String> {
    let fires = found.iter().any(|finding| rules.contains(&finding.rule.id) && finding.confidence >= least);
    let got: Vec<_> = found.iter().map(|finding| (finding.rule.id, finding.confidence)).collect();
    (!fires).then(|| format!("none of {rules:?}, but {got:?}"))
}

/// The profile with every family reported on, and released by its holder only.
fn strict(profile: &Profile) -> Arc<Profile> {
    let mut profile = profile.clone();
    for family in &mut profile.families {
        family.reported = true;
        family.released_by = ReleasedBy::Holder;
    }
    Arc::new(profile)
}

/// Failures by case, `family/call/what`; `family/call` when there is no counterpart.
fn failures(profile: &Profile) -> BTreeMap<String, String> {
    let checked = strict(profile);
    let mut failures = BTreeMap::new();
    for (at, family) in profile.families.iter().enumerate() {
        let all = rows(profile, at as u16);
        let mut text = String::new();
        let mut pending = Vec::new();
        for row in &all {
            let place = format!("{}/{}", family.name, row.name);
            let Some(cases) = cases(row, &all) else {
                failures.insert(place, NO_COUNTERPART.to_owned());
                continue;
            };
            for case in cases {
                let name = format!("work_{}", pending.len());
                text.push_str(&function(&name, &case.lines));
                pending.push((name, format!("{place}/{}", case.what), row.is_told(), case));
            }
        }
        let outcome = check(&text, &checked);
        for (name, place, told, case) in pending {
            if let Some(problem) = verdict(&case, told, &name, &outcome) {
                let body = function(&name, &case.lines);
                failures.insert(place, format!("{problem}\n{body}"));
            }
        }
    }
    failures
}

/// Takes the failures of an exception away; whether there were any. `family/*` stands for all calls without a counterpart.
fn except(failures: &mut BTreeMap<String, String>, place: &str) -> bool {
    let Some(family) = place.strip_suffix('*') else { return failures.remove(place).is_some() };
    let before = failures.len();
    failures.retain(|failed, problem| !failed.starts_with(family) || problem != NO_COUNTERPART);
    failures.len() < before
}

#[test]
fn every_row_balances_and_its_faults_are_reported() {
    let mut wrong = Vec::new();
    for (name, profile) in builtin_of_c() {
        let excepted = exceptions::of(name);
        let mut failures = failures(profile);
        for (place, reason) in excepted {
            if !except(&mut failures, place) {
                wrong.push(format!("{name}/{place}: the exception is no longer needed: {reason}"));
            }
        }
        wrong.extend(failures.into_iter().map(|(place, problem)| format!("{name}/{place}: {problem}")));
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_wrong_row_fails() {
    let text = |release: &str, held_if: &str| {
        format!(
            "[[family]]\nname = \"box\"\ntry_acquire = [{{ call = \"box_try(0)\", held_if = \"{held_if}\" }}]\n\
             release = [{release}]\n"
        )
    };
    let failing = |text: &str| {
        let profile = lockbalance::profile::load::parse(text, "test").expect("accepted");
        failures(&profile).into_keys().collect::<Vec<_>>()
    };
    assert_eq!(failing(&text("\"box_close(0)\"", "nonzero")), Vec::<String>::new());
    assert_eq!(failing(&text("{ call = \"box_close(0)\", sharing = \"shared\" }", "zero")).len(), 2);
    assert_eq!(failing(&text("\"box_close(0+1)\"", "zero")).len(), 2);
}
