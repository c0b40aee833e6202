//! Lowering: one folder of `fixtures/lower` per construct, its `input.c` against the dump in `expected.ir`.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the dumps anew; read them before they are committed.

use lockbalance::frontend::c::environment::FileEnvironment;
use lockbalance::frontend::c::{FRONTEND, lower};
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
fn lowered(text: &[u8]) -> String {
    let file = FileId(0);
    let profile = builtin("linux").expect("the kernel's profile");
    let index = (FRONTEND.index)(file, text);
    let environment = FileEnvironment::new(&index, &|_| None, &profile.block_macros, &profile.attributes);
    let mut out = String::new();
    for function in &index.functions {
        let body = lower::lower(file, function.span.of(text), function, &environment);
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
        let input = std::fs::read(folder.join("input.c")).expect("an input");
        let got = on_a_worker(|| lowered(&input));
        let path = folder.join("expected.ir");
        if update {
            std::fs::write(&path, &got).expect("the dump is written");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if expected != got {
            wrong.push(format!("{}:\n{}", path.display(), first_difference(&expected, &got)));
        }
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
