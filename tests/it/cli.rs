//! The command line: each folder of `fixtures/cli` is a case.
//!
//! ```text
//! cmd                 lines `tree NAME` (a folder of fixtures/cli to copy instead of the case's own tree/), `mkdir DIR`,
//!                     `symlink LINK TARGET`, `stdin FILE`, `env NAME=VALUE`, `cat FILE` (what the run wrote there), `cd DIR`,
//!                     and one `$ lockbalance …`: words between white space, no shell
//! stdout stderr code  what must come out: no file means nothing, and 0
//! ```
//!
//! A case runs in a scratch copy of its tree, so that nothing above it (a configuration, a `.gitignore`) is seen.

use super::support::{command, expect, folders, none, read, root, run, shown};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

#[derive(Default)]
struct Case {
    tree: Option<PathBuf>,
    directories: Vec<String>,
    symlinks: Vec<(String, String)>,
    input: Option<String>,
    environment: Vec<(String, String)>,
    start: String,
    shown: Option<String>,
    words: Vec<String>,
}

impl Case {
    fn read(folder: &Path) -> Case {
        let mut case =
            Case { tree: Some(folder.join("tree")).filter(|tree| tree.is_dir()), ..Case::default() };
        for line in read(&folder.join("cmd")).lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["tree", name] => case.tree = Some(root().join("fixtures/cli").join(name)),
                ["mkdir", name] => case.directories.push((*name).to_owned()),
                ["symlink", link, target] => case.symlinks.push(((*link).to_owned(), (*target).to_owned())),
                ["stdin", name] => case.input = Some((*name).to_owned()),
                ["cat", name] => case.shown = Some((*name).to_owned()),
                ["cd", name] => case.start = (*name).to_owned(),
                ["env", pair] => {
                    let (name, value) = pair.split_once('=').expect("NAME=VALUE");
                    case.environment.push((name.to_owned(), value.to_owned()));
                }
                ["$", words @ ..] => case.words = words.iter().map(|word| (*word).to_owned()).collect(),
                [] => {}
                _ => panic!("{}: `{line}` is not understood", shown(folder)),
            }
        }
        assert!(!case.words.is_empty(), "{}: no command", shown(folder));
        case
    }

    fn prepare(&self, scratch: &Path) {
        if let Some(tree) = &self.tree {
            copy(tree, scratch);
        }
        for name in &self.directories {
            std::fs::create_dir_all(scratch.join(name)).expect("a folder is made");
        }
        for (link, target) in &self.symlinks {
            std::os::unix::fs::symlink(target, scratch.join(link)).expect("a link is made");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap_or_else(|error| panic!("{error}"));
        let place = to.join(entry.path().strip_prefix(from).expect("a path below"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(place).expect("a folder is copied");
        } else {
            std::fs::copy(entry.path(), place).expect("a file is copied");
        }
    }
}

fn faults(folder: &Path) -> Vec<String> {
    let case = Case::read(folder);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    case.prepare(scratch.path());
    let directory = scratch.path().join(&case.start);
    let input =
        case.input.iter().flat_map(|name| std::fs::read(scratch.path().join(name)).expect("the input"));
    let mut command = command(&case.words[0], &directory);
    command.args(&case.words[1..]).envs(case.environment.iter().cloned());
    let mut ran = run(command, &input.collect::<Vec<u8>>());
    if let Some(name) = &case.shown {
        ran.stdout.push_str(&read(&directory.join(name)));
    }
    let here = scratch.path().canonicalize().expect("the scratch folder");
    let settled = |text: &str| text.replace(&*here.to_string_lossy(), "[scratch]");
    let code = match ran.code {
        Some(0) => String::new(),
        code => format!("{}\n", code.map_or("a signal".to_owned(), |code| code.to_string())),
    };
    let results = [
        expect(&folder.join("stdout"), &settled(&ran.stdout)),
        expect(&folder.join("stderr"), &settled(&ran.stderr)),
        expect(&folder.join("code"), &code),
    ];
    results.into_iter().filter_map(Result::err).collect()
}

#[test]
fn cases_print_what_is_expected() {
    let cases: Vec<PathBuf> = folders(&root().join("fixtures/cli"))
        .into_iter()
        .filter(|folder| folder.join("cmd").exists())
        .collect();
    assert!(!cases.is_empty());
    none(cases.iter().flat_map(|folder| faults(folder)).collect());
}
