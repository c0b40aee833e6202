//! Text that is no C, or not quite: never a panic, always counted, nothing claimed of what was not understood.

use super::hwpoison::Texts;
use super::lower::{entries, fixtures, on_a_worker};
use lockbalance::cli::config::default_profiles;
use lockbalance::diagnostic::{Confidence, Decision};
use lockbalance::driver::{Outcome, Request, Settings, run};
use lockbalance::frontend::c::FRONTEND;
use lockbalance::source::FileId;
use proptest::prelude::*;

fn check(text: &[u8]) -> Outcome {
    let settings = Settings {
        severities: Default::default(),
        confidence: Confidence::Low,
        profiles: default_profiles(),
        max_file_size: 8 << 20,
        verdicts: true,
        slots: Vec::new(),
        require_proved: false,
    };
    let texts = Texts(vec![("input.c".to_owned(), text.to_vec())]);
    on_a_worker(|| run(Request::of(["input.c"]), &texts, &settings, &|| {}))
}

/// Functions of which something is claimed to be balanced.
fn balanced(outcome: &Outcome) -> Vec<String> {
    let claims = outcome.verdicts.iter().filter(|v| matches!(v.decision, Decision::Balanced { .. }));
    claims.map(|verdict| verdict.function.to_string()).collect()
}

#[test]
fn garbage_is_counted_and_nothing_is_claimed_of_it() {
    for path in entries(&fixtures("broken/garbage")) {
        let outcome = check(&std::fs::read(&path).expect("text"));
        assert_eq!(balanced(&outcome), [""; 0], "{}", path.display());
        assert_eq!((outcome.ledger.with_locks, outcome.ledger.balanced), (1, 0), "{}", path.display());
    }
}

#[test]
fn what_only_looks_odd_is_understood() {
    for path in entries(&fixtures("broken/harmless")) {
        let outcome = check(&std::fs::read(&path).expect("text"));
        assert_eq!(balanced(&outcome), ["fine"], "{}", path.display());
        assert_eq!(outcome.ledger.not_decided, 0, "{}", path.display());
    }
}

#[test]
fn no_function_no_claim() {
    for name in ["only_macros.c", "utf16.c", "empty.c"] {
        let outcome = check(&std::fs::read(fixtures("broken").join(name)).expect("text"));
        assert_eq!(balanced(&outcome), [""; 0], "{name}");
    }
}

#[test]
fn a_file_cut_anywhere_claims_only_what_is_whole() {
    let text = std::fs::read(fixtures("broken/real.c")).expect("text");
    let index = (FRONTEND.index)(FileId(0), &text);
    for cut in (0..text.len()).step_by(97).chain([text.len()]) {
        let outcome = check(&text[..cut]);
        for name in balanced(&outcome) {
            let whole = index.functions.iter().find(|function| function.name == name);
            let end = whole.map_or(0, |function| function.span.end as usize);
            assert!(end > 0 && end <= cut, "`{name}` ends at {end}, the text at {cut}");
        }
    }
    assert_eq!(balanced(&check(&text)).len(), 4, "the whole file is understood");
}

#[test]
fn size_and_depth_do_no_harm() {
    let function = |inner: &str| {
        format!("int f(struct m *m)\n{{ mutex_lock(m); {inner} mutex_unlock(m); return 0; }}\n")
    };
    let wide = check(function(&"x++; ".repeat(200_000)).as_bytes());
    assert_eq!(balanced(&wide), ["f"], "a megabyte on one line");
    for (open, close) in
        [("(", ")"), ("{", "}"), ("if (x) ", ""), ("x = -", ""), ("a[", "]"), ("({", "})"), ("f(", ")")]
    {
        let inner = format!("{}x{};", open.repeat(20_000), close.repeat(20_000));
        assert_eq!(balanced(&check(function(&inner).as_bytes())), [""; 0], "20000 times `{open}`");
    }
    for open in ["(", "{", "[", "#if A\n", "/*", "\"", "a ? ", "case 1: ", "do ", "#define A(\n"] {
        check(function(&open.repeat(20_000)).as_bytes());
        check(open.repeat(20_000).as_bytes());
    }
}

/// The texts of the lowering fixtures: every construct there is.
fn corpus() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = entries(&fixtures("lower"))
        .iter()
        .filter_map(|folder| std::fs::read(folder.join("input.c")).ok())
        .filter(|text| text.len() < 4096)
        .collect();
    texts.push(std::fs::read(fixtures("broken/real.c")).expect("text"));
    texts
}

/// What happens to a text: cut, a range taken out, copied elsewhere, or overwritten.
#[derive(Clone, Debug)]
enum Harm {
    Cut(usize),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Put(usize, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = 0usize..4096;
    let length = 1usize..64;
    let byte = prop::sample::select(b"(){}[];:,#\"'\\/*&|?=\n \0\xff".to_vec());
    prop_oneof![
        at.clone().prop_map(Harm::Cut),
        (at.clone(), length.clone()).prop_map(|(at, length)| Harm::Remove(at, length)),
        (at.clone(), length, at.clone()).prop_map(|(at, length, to)| Harm::Copy(at, length, to)),
        (at, byte).prop_map(|(at, byte)| Harm::Put(at, byte)),
    ]
}

fn harmed(mut text: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        let within = |at: usize| at % (text.len() + 1);
        match *harm {
            Harm::Cut(at) => text.truncate(within(at).max(text.len() / 2)),
            Harm::Remove(at, length) => {
                let at = within(at);
                text.drain(at..(at + length).min(text.len()));
            }
            Harm::Copy(at, length, to) => {
                let (at, to) = (within(at), within(to));
                let copy = text[at..(at + length).min(text.len())].to_vec();
                text.splice(to..to, copy);
            }
            Harm::Put(at, byte) => {
                let at = within(at);
                text.insert(at, byte);
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn harmed_text_brings_nothing_down(
        text in prop::sample::select(corpus()),
        harms in prop::collection::vec(harm(), 1..6),
    ) {
        check(&harmed(text, &harms));
    }
}
