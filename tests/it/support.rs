//! Text in, text out: checking a text without the disk, running the binary, comparing with what is expected.

use lockbalance::cli::config::default_profiles;
use lockbalance::diagnostic::Confidence;
use lockbalance::driver::{self, Outcome, Request, Settings};
use lockbalance::source::{TextError, TextProvider};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Size limit of the tests' own settings.
const MAX_FILE_SIZE: usize = 1 << 20;

/// The top of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One file whose text is at hand.
pub struct OneText<'t> {
    name: &'t str,
    text: &'t str,
}

impl TextProvider for OneText<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, TextError> {
        // Above a Rust file its edition is looked for.
        if path.ends_with("Cargo.toml") {
            return Err(TextError { path: path.to_owned(), reason: "there is none".to_owned() });
        }
        assert_eq!(path, self.name, "only {} may be read", self.name);
        Ok(self.text.as_bytes().to_vec())
    }
}

/// Checks `text` as the file `name` with the built-in profiles, chosen as for any file.
pub fn check(name: &str, text: &str, confidence: Confidence) -> Outcome {
    let settings = Settings {
        severities: Default::default(),
        confidence,
        profiles: default_profiles(),
        max_file_size: MAX_FILE_SIZE,
        verdicts: false,
        slots: Vec::new(),
        require_proved: false,
    };
    driver::run(Request::of([name]), &OneText { name, text }, &settings, &|| ())
}

/// The findings of `outcome`, one a line, for messages.
pub fn listed(outcome: &Outcome) -> String {
    let lines = outcome.diagnostics.iter().map(|diagnostic| {
        let line = outcome.sources.locate(diagnostic.primary.span).line;
        format!("  line {line}: {} {}: {}\n", diagnostic.rule.id, diagnostic.rule.name, diagnostic.message)
    });
    lines.collect()
}

/// What a run of the binary left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
}

/// A command for the binary `program` with an environment that no terminal and no user configuration colours.
pub fn command(program: &str, directory: &Path) -> Command {
    let path = match program {
        "lockbalance" => env!("CARGO_BIN_EXE_lockbalance"),
        "cargo-lockbalance" => env!("CARGO_BIN_EXE_cargo-lockbalance"),
        other => panic!("`{other}` is no binary of this package"),
    };
    let mut command = Command::new(path);
    command.current_dir(directory);
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CARGO_TERM_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// Runs `command` to its end with `input` on its standard input.
pub fn run(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    // A program that reads no input may close the pipe.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("the output can be read");
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

/// Runs `lockbalance` with `args` in `directory`.
pub fn lockbalance(args: &[&str], directory: &Path) -> Ran {
    let mut command = command("lockbalance", directory);
    command.args(args);
    run(command, b"")
}

/// Whether expected texts are to be rewritten.
fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

/// Compares `actual` with the file at `path` (no file: the empty text), or rewrites the file; answers what differs.
pub fn expect(path: &Path, actual: &str) -> Result<(), String> {
    let expected = if path.exists() { read(path) } else { String::new() };
    if expected == actual {
        return Ok(());
    }
    if !updating() {
        return Err(format!("{} differs:\n{}", shown(path), difference(&expected, actual)));
    }
    if actual.is_empty() {
        std::fs::remove_file(path).expect("the file can be removed");
    } else {
        std::fs::write(path, actual).expect("the file can be written");
    }
    Ok(())
}

/// The lines that differ, after the common start and before the common end.
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let marked = |sign: char, lines: &[&str]| -> String {
        lines[start..lines.len() - end].iter().map(|line| format!("{sign} {line}\n")).collect()
    };
    format!("@ line {}\n{}{}", start + 1, marked('-', &old), marked('+', &new))
}

/// The text of a file of the repository.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

/// The files below `directory` whose names end in `.extension`, sorted.
pub fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(directory).sort_by_file_name();
    walk.into_iter()
        .map(|entry| entry.unwrap_or_else(|error| panic!("{error}")).into_path())
        .filter(|path| path.is_file() && path.extension() == Some(OsStr::new(extension)))
        .collect()
}

/// The folders in `directory`, sorted.
pub fn folders(directory: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", shown(directory)));
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

/// A path as seen from the top of the repository.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

/// Fails with all faults at once.
#[track_caller]
pub fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "{} fault(s):\n\n{}", faults.len(), faults.join("\n"));
}
