//! The steps of a run one by one, on generated text: `cargo bench`.

mod text;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use lockbalance::engine::{DisjunctLimit, explore};
use lockbalance::frontend::c::environment::FileEnvironment;
use lockbalance::frontend::c::lower::lower;
use lockbalance::frontend::c::mask::mask;
use lockbalance::frontend::c::scan::index;
use lockbalance::ir::Body;
use lockbalance::ir::file_index::FileIndex;
use lockbalance::lock::analysis::LockAnalysis;
use lockbalance::lock::meaning::Meanings;
use lockbalance::profile::Profile;
use lockbalance::profile::load::builtin;
use lockbalance::source::FileId;
use tree_sitter::Parser;

const FILE: FileId = FileId(0);
/// Functions of the text: as much as a long driver.
const FUNCTIONS: usize = 150;

fn main() {
    divan::main();
}

fn linux() -> &'static Profile {
    builtin("linux").expect("the profile is built in")
}

/// Runs `step` with an index of the text and the environment that it gives.
fn with_index<T>(text: &str, step: impl FnOnce(&FileIndex, &FileEnvironment<'_>) -> T) -> T {
    let index = index(FILE, text.as_bytes());
    let profile = linux();
    let none = |_: &str| None;
    let environment = FileEnvironment::new(&index, &none, &profile.block_macros, &profile.attributes);
    step(&index, &environment)
}

fn bodies(text: &str) -> Vec<Body> {
    with_index(text, |index, environment| {
        let locking = index.functions.iter().filter(|f| f.calls.iter().any(|call| call == "mutex_lock"));
        locking
            .map(|function| lower(FILE, function.span.of(text.as_bytes()), function, environment))
            .collect()
    })
}

/// One pass over the file: functions, macros, annotations.
#[divan::bench]
fn scan(bencher: Bencher<'_, '_>) {
    let text = text::generate(FUNCTIONS);
    bencher.counter(BytesCount::of_str(&text)).bench(|| index(FILE, black_box(text.as_bytes())));
}

/// Masking each function and parsing what that leaves.
#[divan::bench]
fn mask_and_parse(bencher: Bencher<'_, '_>) {
    let text = text::generate(FUNCTIONS);
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_c::LANGUAGE.into()).expect("the grammar is linked in");
    with_index(&text, |index, environment| {
        bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
            for function in &index.functions {
                let masked = mask(function.span.of(text.as_bytes()), environment);
                black_box(parser.parse(&masked.text, None));
            }
        });
    });
}

/// Functions with locks, from text to graph; masking and parsing included.
#[divan::bench]
fn lower_functions(bencher: Bencher<'_, '_>) {
    let text = text::generate(FUNCTIONS);
    bencher.counter(BytesCount::of_str(&text)).bench(|| bodies(black_box(&text)));
}

/// Exploring the graphs.
#[divan::bench]
fn analyse(bencher: Bencher<'_, '_>) {
    let bodies = bodies(&text::generate(FUNCTIONS));
    let none = |_: &str| None;
    bencher.counter(bodies.len()).bench_local(|| {
        for body in &bodies {
            let meanings = Meanings::plain(linux(), &none);
            let mut analysis = LockAnalysis::new(body, meanings, false);
            black_box(explore(&body.cfg, &mut analysis, DisjunctLimit::default()).nodes.len());
        }
    });
}
