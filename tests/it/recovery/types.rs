//! The examples that must not compile fail for the reason that they give: each names its error code, which the stable
//! documentation tests do not compare. The garden is compiled alone for this, which shows that it stands alone, too.

use super::super::support::{none, read, root};
use std::path::Path;
use std::process::{Command, Output};

/// What rustc says of a brand in another's place; this error has no code.
const FOREIGN: &str = "lifetime may not live long enough";

fn rustc(scratch: &Path, arguments: &[&str]) -> Output {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let common = ["--edition", "2024", "--emit", "metadata", "--color", "never"];
    let mut command = Command::new(rustc);
    command.args(common).args(arguments).current_dir(scratch).output().expect("rustc runs")
}

/// The fenced examples of a module's documentation: the words behind the fence, and the text.
fn examples(source: &str) -> Vec<(String, String)> {
    let docs: Vec<&str> = source.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let docs = docs.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
    let blocks = docs.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.split_once('\n')).map(|(word, text)| (word.into(), text.into())).collect()
}

/// The errors that rustc finds in `text`: their codes, or the sentence where an error has none.
fn errors(scratch: &Path, text: &str) -> Vec<String> {
    let program = format!("fn main() {{\n{}\n}}\n", text.replace("lockbalance::recovery", "recovery"));
    std::fs::write(scratch.join("example.rs"), program).expect("the example is written");
    let ran = rustc(scratch, &["--extern", "recovery=librecovery.rmeta", "example.rs"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let named = said.lines().filter_map(|line| {
        let rest = line.strip_prefix("error")?;
        let code = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(code, _)| code);
        code.or(rest.strip_prefix(": "))
    });
    let mut named: Vec<String> = named.filter(|name| !name.contains("aborting")).map(str::to_owned).collect();
    named.dedup();
    assert_eq!(ran.status.success(), named.is_empty(), "{said}");
    named
}

#[test]
fn each_breach_of_the_rule_fails_to_compile_for_its_own_reason() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let garden = root().join("src/recovery/mod.rs");
    let garden = garden.to_str().expect("a path in UTF-8");
    let built = rustc(
        scratch.path(),
        &["--crate-type", "lib", "--crate-name", "recovery", "-o", "librecovery.rmeta", garden],
    );
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let examples = examples(&read(&root().join("src/recovery/memory/page_lock/locked.rs")));
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (words, text) in &examples {
        let found = errors(scratch.path(), text);
        let expected = match words.strip_prefix("compile_fail") {
            None => vec![],
            Some("") => vec![FOREIGN.to_owned()],
            Some(code) => vec![code.trim_start_matches(',').to_owned()],
        };
        if found != expected {
            wrong.push(format!("expected {expected:?}, rustc says {found:?}:\n{text}"));
        }
        seen.extend(expected);
    }
    none(wrong);
    // Forgetting, repeating, taking again in two ways, unlocking another page.
    assert_eq!(seen, ["E0308", "E0382", "E0599", "E0499", FOREIGN]);
}

/// I7, and the half of I2 that types do not say: `pagecache_dirty` leaves the unlock to the one that it calls last, every
/// other handler unlocks by itself, and none locks.
#[test]
fn who_unlocks_is_written_in_each_handler() {
    let source = read(&root().join("src/recovery/path/handlers.rs"));
    let bodies =
        source.split("\npub fn ").skip(1).map(|text| text.split_once('<').expect("a generic function"));
    let count = |body: &str, word: &str| body.matches(word).count();
    let mut names = Vec::new();
    for (name, body) in bodies {
        let unlocks = count(body, "locked.unlock()");
        let expected = match name {
            "pagecache_dirty" => 0,
            "huge_page" => 2,
            _ => 1,
        };
        assert_eq!((unlocks, count(body, "with_locked")), (expected, 0), "{name}");
        names.push(name);
    }
    let all = [
        "kernel",
        "unknown",
        "pagecache_clean",
        "pagecache_dirty",
        "swapcache_dirty",
        "swapcache_clean",
        "huge_page",
    ];
    assert_eq!(names, all);
}
