//! The designs of `fixtures/hwpoison/rust`, as they stand there for the analysis, run by the checker: the same text is judged
//! twice. What the checker says of each, and the way to the founding fault, stand in `docs/recovery.md`.

use super::super::support::{expect, files, none, read, root};
use super::checkers::{FOR_EVER, PREEMPTIONS, explore};
use super::families::{Checked, Loom};
use super::ledger::{Fault, Trace};
use super::scenario::{Findings, Scenario};
use lockbalance::recovery::memory::huge::HugeState;
use lockbalance::recovery::memory::{Memory, User};
use lockbalance::recovery::raw::{RawPage, lock_page, pfn_to_page, recovery_lock, recovery_unlock};
use lockbalance::recovery::{Event, Family, MappingKind, MfFlags, Outcome, PageFlags, Pfn, Setup, Task};
use std::collections::BTreeSet;
use std::fmt::Write;

#[path = "../../../fixtures/hwpoison/rust/as_submitted.rs"]
mod as_submitted;
#[path = "../../../fixtures/hwpoison/rust/before_the_patch.rs"]
mod before_the_patch;
#[path = "../../../fixtures/hwpoison/rust/repair_1_return_value.rs"]
mod repair_1_return_value;
#[path = "../../../fixtures/hwpoison/rust/repair_2a_mf_unlocked_bit.rs"]
mod repair_2a_mf_unlocked_bit;
#[path = "../../../fixtures/hwpoison/rust/repair_2b_handlers_unlock.rs"]
mod repair_2b_handlers_unlock;
#[path = "../../../fixtures/hwpoison/rust/wrong_a_caller_asks_the_lock.rs"]
mod wrong_a_caller_asks_the_lock;
#[path = "../../../fixtures/hwpoison/rust/wrong_b_handler_locks_again.rs"]
mod wrong_b_handler_locks_again;
#[path = "../../../fixtures/hwpoison/rust/wrong_c_early_return_stays_locked.rs"]
mod wrong_c_early_return_stays_locked;
#[path = "../../../fixtures/hwpoison/rust/wrong_d_unlock_after_tail_call.rs"]
mod wrong_d_unlock_after_tail_call;
#[path = "../../../fixtures/hwpoison/rust/wrong_e_falls_into_unlock.rs"]
mod wrong_e_falls_into_unlock;
#[path = "../../../fixtures/hwpoison/rust/wrong_f_retry_stays_locked.rs"]
mod wrong_f_retry_stays_locked;
#[path = "../../../fixtures/hwpoison/rust/wrong_g_filter_exit_stays_locked.rs"]
mod wrong_g_filter_exit_stays_locked;

/// A design: what it does to a page, and, where it has the whole path, what its actions do.
struct Design<F: Family> {
    name: &'static str,
    /// On its first page, which is the head of a folio if there is one, and on its second.
    strikes: [fn(&Memory<F>); 2],
    act: Option<fn(&Memory<F>)>,
}

/// What a design with the huge page's half of the path does to a page.
fn half<F: Family>(memory: &Memory<F>, pfn: Pfn, recover: fn(RawPage<'_, F>, MfFlags) -> Outcome) {
    let page = pfn_to_page(memory, pfn).expect("the page");
    recovery_lock(memory);
    if page.probe_huge(MfFlags::NONE).state == HugeState::InUse {
        let _ = recover(page, MfFlags::NONE);
    }
    recovery_unlock(memory);
}

/// What a design with the whole path does to a page.
fn whole<F: Family>(memory: &Memory<F>, pfn: Pfn, recover: fn(&Memory<F>, Pfn, MfFlags) -> Outcome) {
    let _ = recover(memory, pfn, MfFlags::NONE);
}

/// What the actions of a design do to page 0 when they are called as their contract says.
fn action<F: Family>(memory: &Memory<F>, identify: fn(RawPage<'_, F>, PageFlags) -> Outcome) {
    let page = pfn_to_page(memory, 0).expect("the page");
    if page.try_get() {
        lock_page(page);
        let _ = identify(page, page.flags());
    }
}

macro_rules! half {
    ($design:ident) => {
        Design {
            name: stringify!($design),
            strikes: [
                |memory| half(memory, 0, $design::recover_huge_page),
                |memory| half(memory, 1, $design::recover_huge_page),
            ],
            act: None,
        }
    };
}

macro_rules! whole {
    ($design:ident) => {
        Design {
            name: stringify!($design),
            strikes: [
                |memory| whole(memory, 0, $design::recover),
                |memory| whole(memory, 1, $design::recover),
            ],
            act: Some(|memory| action(memory, $design::identify_state)),
        }
    };
}

fn designs<F: Family>() -> Vec<Design<F>> {
    vec![
        half!(as_submitted),
        half!(before_the_patch),
        half!(repair_1_return_value),
        half!(repair_2a_mf_unlocked_bit),
        whole!(repair_2b_handlers_unlock),
        whole!(wrong_a_caller_asks_the_lock),
        whole!(wrong_b_handler_locks_again),
        whole!(wrong_c_early_return_stays_locked),
        whole!(wrong_d_unlock_after_tail_call),
        whole!(wrong_e_falls_into_unlock),
        whole!(wrong_f_retry_stays_locked),
        whole!(wrong_g_filter_exit_stays_locked),
    ]
}

fn huge<F: Checked>(memory: &Memory<F>) {
    assert!(memory.fill_pool(1));
    let page = memory.take_huge().expect("a huge page");
    page.map(User::reader(3));
    page.put();
}

fn dirty<F: Checked>(memory: &Memory<F>) {
    let page = memory.file_folio(0, 0, 0).expect("a page");
    page.set(PageFlags::DIRTY);
    page.put();
}

fn large<F: Checked>(memory: &Memory<F>) {
    let page = memory.anonymous_folio(1).expect("a folio");
    page.map(User::reader(3));
    page.put();
}

fn touch<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).touch(memory.page(0).expect("the page"), || ());
}

fn reuse<F: Checked>(memory: &Memory<F>) {
    Task::new(memory).reuse(memory, || ());
}

fn two_pages() -> Setup {
    Setup::pages(2).mapping(MappingKind::FILE)
}

fn filtering() -> Setup {
    two_pages().filter(PageFlags::RESERVED, PageFlags::RESERVED)
}

/// What a design is put through.
fn trials<F: Checked>(design: &Design<F>) -> Vec<Scenario<F>> {
    let [strike, strike_second] = design.strikes;
    let meet = |setup: fn() -> Setup, prepare: fn(&Memory<F>), other: fn(&Memory<F>)| Scenario {
        name: design.name,
        setup,
        pages: 2,
        prepare,
        actors: vec![("the failure", strike), ("a page user", other)],
        limit: None,
    };
    let mut trials = vec![
        meet(two_pages, huge, touch),
        Scenario {
            actors: vec![("the failure", strike_second), ("a page user", reuse)],
            ..meet(two_pages, huge, reuse)
        },
        Scenario { actors: vec![("the failure", strike)], ..meet(filtering, huge, touch) },
    ];
    if let Some(act) = design.act {
        trials.push(meet(two_pages, dirty, touch));
        trials.push(Scenario { actors: vec![("the failure", strike)], ..meet(two_pages, large, touch) });
        trials.push(Scenario { actors: vec![("the action", act)], ..meet(two_pages, large, touch) });
    }
    trials
}

/// The worst that a design's trials show, in words; nothing if they show nothing.
fn verdict(findings: &[Findings]) -> Vec<&'static str> {
    let faults: BTreeSet<Fault> = findings.iter().flat_map(Findings::names).collect();
    let mut words: Vec<&str> = faults.into_iter().filter_map(said).collect();
    let audits = || findings.iter().flat_map(|findings| &findings.audits);
    if audits().any(|fault| fault.ends_with("stays locked")) {
        words.push("a page stays locked");
    }
    if audits().any(|fault| fault == FOR_EVER) {
        words.push(FOR_EVER);
    }
    words
}

/// A fault that is the design's own; the others follow from one of these.
fn said(fault: Fault) -> Option<&'static str> {
    match fault {
        Fault::UnlocksAnothers => Some("unlocks a page that another holds"),
        Fault::UnlocksWhatNobodyHolds => Some("unlocks a page that nobody holds"),
        Fault::WaitsForItself => Some("waits for itself"),
        Fault::LocksWhatTheAllocatorOwns => Some("locks a page that lies in the allocator"),
        Fault::BadPageState => Some("bad page state"),
        Fault::TwoInOneSection => Some("two in one section"),
        Fault::AllocatorConfused
        | Fault::MutexUnbalanced
        | Fault::HandlerContract
        | Fault::TouchesAfterHandler
        | Fault::DissolvesLocked
        | Fault::RetriesWrongly => None,
    }
}

/// An event in words, if the reader of a trace needs it.
fn words(event: Event) -> Option<String> {
    let text = match event {
        Event::MutexTaken => "takes `mf_mutex`".to_owned(),
        Event::MutexReleasing => "releases `mf_mutex`".to_owned(),
        Event::PageLocking { head } => format!("wants the lock of page {head}"),
        Event::PageLocked { head } => format!("**locks page {head}**"),
        Event::PageUnlocking { head } => format!("**unlocks page {head}**"),
        Event::PageAsked { head, locked: true } => format!("asks whether page {head} is locked: *yes*"),
        Event::PageAsked { head, locked: false } => format!("asks whether page {head} is locked: *no*"),
        Event::Referenced { head } => format!("takes a reference to page {head}"),
        Event::Dropped { head } => format!("drops a reference to page {head}"),
        Event::Dissolved { head } => format!("dissolves the huge page {head}"),
        Event::Freed { pfn, order } => format!("gives {} back to the allocator", block(pfn, order)),
        Event::Allocated { pfn, order } => format!("is handed {} by the allocator", block(pfn, order)),
        Event::TakenOff { pfn } => format!("takes page {pfn} off the allocator"),
        Event::Reported { pfn, kind, result } => format!("reports page {pfn}, {kind:?}: {result:?}"),
        Event::BadPage { pfn, flags } => format!("finds page {pfn} in a bad state: {flags:?}"),
        Event::Poisoned { pfn } => format!("marks page {pfn} as poisoned"),
        Event::Forgiven { pfn } => format!("takes the mark off page {pfn}"),
        Event::HugetlbTaken
        | Event::HugetlbReleasing
        | Event::HandlerEntered { .. }
        | Event::HandlerLeft { .. }
        | Event::Retrying => return None,
    };
    Some(text)
}

fn block(pfn: usize, order: u8) -> String {
    match order {
        0 => format!("page {pfn}"),
        _ => format!("pages {pfn} to {}", pfn + (1 << order) - 1),
    }
}

/// A trace as a numbered table, without the setting of the stage. Its last line is the fault.
fn table(trace: &Trace) -> String {
    let mut text = String::from("| step | the failure | a page user |\n| --- | --- | --- |\n");
    let acted = trace.iter().filter(|(who, _)| *who != "the stage");
    let told = acted.filter_map(|(who, event)| Some((*who, words(*event)?)));
    for (step, (who, words)) in (1..).zip(told) {
        let _ = match who {
            "the failure" => writeln!(text, "| {step} | {words} | |"),
            _ => writeln!(text, "| {step} | | {words} |"),
        };
    }
    text
}

/// The page with what stands between the marks of `name` replaced by `text`.
fn replaced(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = page.split_once(&begin).expect("the mark of the beginning");
    let (_, after) = rest.split_once(&end).expect("the mark of the end");
    format!("{before}{begin}\n{text}\n{end}{after}")
}

/// What must be so whatever the document says: valid repairs are silent, the others are not, and the two that ask the lock
/// take it from somebody else.
fn hold_against_the_story(name: &str, findings: &[Findings]) {
    let faults: Vec<Fault> = findings.iter().flat_map(Findings::names).collect();
    let audits: Vec<&String> = findings.iter().flat_map(|findings| &findings.audits).collect();
    let silent = faults.is_empty() && audits.is_empty();
    assert_eq!(name.starts_with("repair"), silent, "{name}: {faults:?} {audits:?}");
    if ["as_submitted", "wrong_a_caller_asks_the_lock"].contains(&name) {
        assert!(faults.contains(&Fault::UnlocksAnothers), "{name}: nobody's lock is taken away");
    }
}

#[test]
fn the_checker_judges_each_design_as_the_document_says() {
    let mut verdicts = String::from("| design | what the checker finds |\n| --- | --- |\n");
    let mut trace = String::new();
    for design in designs::<Loom>() {
        let findings: Vec<Findings> =
            trials(&design).iter().map(|trial| explore(trial, Some(PREEMPTIONS))).collect();
        hold_against_the_story(design.name, &findings);
        let found = verdict(&findings);
        let path = format!("../fixtures/hwpoison/rust/{}.rs", design.name);
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join("; ") };
        let _ = writeln!(verdicts, "| [{}]({path}) | {found} |", design.name);
        if design.name == "as_submitted" {
            trace = table(&findings[0].faults[&Fault::UnlocksAnothers]);
        }
    }
    let path = root().join("docs/recovery.md");
    let page = replaced(&replaced(&read(&path), "trace", &trace), "verdicts", &verdicts);
    none(expect(&path, &page).err().into_iter().collect());
}

/// The designs that the tree holds are the designs that are run.
#[test]
fn every_design_is_run() {
    let mut files = files(&root().join("fixtures/hwpoison/rust"), "rs");
    files.sort();
    let stems: Vec<String> =
        files.iter().map(|path| path.file_stem().expect("a name").to_string_lossy().into()).collect();
    assert_eq!(stems, designs::<Loom>().iter().map(|design| design.name).collect::<Vec<_>>());
}
