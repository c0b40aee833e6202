//! Lowering: one folder of `fixtures/lower` per construct, its `input.c` against the dump in `expected.ir`, and its `input.rs` against
//! `expected.rs.ir`. What both languages have lowers alike, but for what a value is called and when it ends; where the first line of a
//! Rust file says `// edition: 2024`, it is read as that.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the dumps anew; read them before they are committed.

use lockbalance::driver::environment::{Shared, with};
use lockbalance::frontend::Frontend;
use lockbalance::frontend::{c, rust};
use lockbalance::interproc::declarations::SharedDeclarations;
use lockbalance::ir::dump::dump;
use lockbalance::profile::load::builtin;
use lockbalance::source::FileId;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// As much as the command line gives its workers: nesting is bounded, but deep.
const STACK: usize = 64 << 20;

/// Runs `work` on a thread with the workers' stack.
pub fn on_a_worker<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).stack_size(STACK).build();
    pool.expect("threads start").install(work)
}

/// A folder of the fixtures.
pub fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The entries of a folder, sorted.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = read.map(|entry| entry.expect("an entry").path()).collect();
    found.sort();
    found
}

/// All functions of `text` lowered and dumped, with what was not understood behind each.
fn lowered(text: &[u8], frontend: &Frontend, profile: &str) -> String {
    let file = FileId(0);
    let profile = builtin(profile).expect("a built-in profile");
    let mut index = (frontend.index)(file, text);
    assert_eq!(index.unreadable, None);
    if text.starts_with(b"// edition: 2024") {
        index.edition = 2024;
    }
    let declarations = SharedDeclarations::default();
    let shared = Shared { macros: &|_| None, declarations: &declarations, path: "" };
    let mut out = String::new();
    for function in &index.functions {
        let body = with(frontend, &index, &shared, profile, |environment| {
            (frontend.lower)(file, function.span.of(text), function, environment)
        });
        out.push_str(&dump(&body));
        let mut causes: Vec<&str> = body.degradations.iter().map(|degradation| degradation.cause).collect();
        causes.dedup();
        if !causes.is_empty() {
            let _ = writeln!(out, "degraded: {}", causes.join(", "));
        }
        out.push('\n');
    }
    out
}

#[test]
fn constructs_lower_as_expected() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for folder in entries(&fixtures("lower")) {
        let languages = [
            ("input.c", &c::FRONTEND, "linux", "expected.ir"),
            ("input.rs", &rust::FRONTEND, "rust", "expected.rs.ir"),
        ];
        let mut inputs = 0;
        for (input, frontend, profile, expected) in languages {
            let Ok(input) = std::fs::read(folder.join(input)) else { continue };
            inputs += 1;
            let got = on_a_worker(|| lowered(&input, frontend, profile));
            let path = folder.join(expected);
            if update {
                std::fs::write(&path, &got).expect("the dump is written");
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            if expected != got {
                wrong.push(format!("{}:\n{}", path.display(), first_difference(&expected, &got)));
            }
        }
        assert!(inputs > 0, "{} holds no input", folder.display());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn first_difference(expected: &str, got: &str) -> String {
    let lines = |text: &str| text.lines().map(str::to_owned).chain(["<end>".to_owned()]).collect::<Vec<_>>();
    let (expected, got) = (lines(expected), lines(got));
    let at = expected.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let line = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
    format!("  line {}\n  expected {}\n  got      {}", at + 1, line(&expected), line(&got))
}
