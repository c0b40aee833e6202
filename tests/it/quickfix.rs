//! `-f concise` is read by vim's quickfix with the format that gcc's output has.

use super::support::{lockbalance, root};
use std::process::Command;

/// Lines `file:line:column:type:text` of the quickfix list that vim makes of `output`; `None` without vim.
fn quickfix(output: &str) -> Option<Vec<String>> {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (errors, list) = (scratch.path().join("errors"), scratch.path().join("list"));
    std::fs::write(&errors, output).expect("the output is written");
    let script = format!(
        "set errorformat=%f:%l:%c:\\ %trror:\\ %m,%f:%l:%c:\\ %tarning:\\ %m,%f:%l:%c:\\ %tote:\\ %m\n\
         cgetfile {}\n\
         call writefile(map(getqflist(), \
         'bufname(v:val.bufnr).\":\".v:val.lnum.\":\".v:val.col.\":\".v:val.type.\":\".v:val.text'), '{}')\nqa!\n",
        errors.display(),
        list.display()
    );
    let commands = scratch.path().join("script.vim");
    std::fs::write(&commands, script).expect("the script is written");
    let mut vim = Command::new("vim");
    vim.args(["-es", "-u", "NONE", "-i", "NONE", "-N", "-S"]).arg(&commands).current_dir(root());
    let status = match vim.status() {
        Ok(status) => status,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("vim cannot be started: {error}"),
    };
    let list = std::fs::read_to_string(&list);
    Some(
        list.unwrap_or_else(|error| panic!("no list ({status}): {error}"))
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn vim_jumps_to_every_step() {
    let ran = lockbalance(&["-f", "concise", "fixtures/rules/query-release"], root());
    let expected: Vec<String> = ran.stdout.lines().map(as_listed).collect();
    assert!(expected.len() > 20);
    match quickfix(&ran.stdout) {
        None => eprintln!("skipped: there is no vim"),
        Some(list) => assert_eq!(list, expected),
    }
}

/// `file:line:col: error: text` as vim lists it.
fn as_listed(line: &str) -> String {
    let (place, rest) = line.split_once(": ").expect("a place");
    let (severity, text) = rest.split_once(": ").expect("a severity");
    format!("{place}:{}:{text}", &severity[..1])
}
