//! The edges of the command line that no folder of files can hold: pipes, threads, permissions, monstrous input.

use super::support::{command, lockbalance, root, run};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

const LEAK: &str = "#include <linux/mutex.h>\n\nint start(struct dev *dev)\n{\n\tmutex_lock(&dev->lock);\n\
                    \tif (power_up(dev))\n\t\treturn -EIO;\n\tmutex_unlock(&dev->lock);\n\treturn 0;\n}\n";

fn scratch(files: &[(&str, &str)]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for (name, text) in files {
        std::fs::write(scratch.path().join(name), text).expect("a file is written");
    }
    scratch
}

#[test]
fn output_does_not_depend_on_the_number_of_threads() {
    for format in ["full", "concise", "json"] {
        let with = |jobs: &str| {
            let args = ["-f", format, "--confidence", "low", "--statistics", "-j", jobs, "fixtures/rules"];
            lockbalance(&args, root())
        };
        let one = with("1");
        assert!(one.stdout.len() > 1000, "{format} prints little: {one:?}");
        assert_eq!(one, with("2"), "{format}");
    }
}

#[test]
fn two_threads_write_the_same_verdicts_as_one() {
    let scratch = scratch(&[]);
    let with = |jobs: &str| {
        let file = scratch.path().join(jobs);
        let name = file.to_string_lossy().into_owned();
        lockbalance(&["-q", "-j", jobs, "--verdicts", &name, "fixtures/rules"], root());
        std::fs::read_to_string(file).expect("verdicts")
    };
    let one = with("1");
    assert!(one.lines().count() > 100);
    assert_eq!(one, with("2"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    for args in [&["-f", "json", "fixtures/rules"][..], &["explain", "all"], &["rules"], &["locks"]] {
        let mut command = command("lockbalance", root());
        let mut child =
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("error"), "{args:?}: {stderr}");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {:?}", output.status);
    }
}

#[test]
fn deep_nesting_is_survived() {
    let depth = 50_000;
    let blocks = format!("void f(struct dev *dev)\n{{\n{}{}\n}}\n", "{".repeat(depth), "}".repeat(depth));
    let brackets = format!("int g(int x)\n{{\n\treturn {}x{};\n}}\n", "(".repeat(depth), ")".repeat(depth));
    let mut branches = "void h(struct dev *dev)\n{\n\tmutex_lock(&dev->lock);\n".to_owned();
    for at in 0..2_000 {
        let _ = writeln!(branches, "if (dev->a{at}) {{");
    }
    branches += &"}".repeat(2_000);
    branches += "\n\tmutex_unlock(&dev->lock);\n}\n";
    let scratch = scratch(&[("blocks.c", &blocks), ("brackets.c", &brackets), ("branches.c", &branches)]);
    for name in ["blocks.c", "brackets.c", "branches.c"] {
        let ran = lockbalance(&[name], scratch.path());
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
    }
}

#[test]
fn open_brackets_without_end_are_survived() {
    let opened = format!("void f(void)\n{{\n{}", "if (x) {\n(".repeat(20_000));
    let scratch =
        scratch(&[("opened.c", &opened), ("quote.c", "void f(void) { char *s = \"\\\n"), ("leak.c", LEAK)]);
    let ran = lockbalance(&["-f", "concise", "."], scratch.path());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("leak.c:7:3: error: "), "{}", ran.stdout);
}

#[test]
fn bytes_that_are_no_text_are_survived() {
    let mut text = LEAK.as_bytes().to_vec();
    text.splice(0..0, *b"/* gr\xfc\xdfe \xff\xfe */ static const char zero[] = \"\0\";\n");
    let scratch = scratch(&[]);
    std::fs::write(scratch.path().join("latin.c"), &text).expect("a file is written");
    let ran = lockbalance(&["latin.c"], scratch.path());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.contains("[latin.c:8:3]"), "{}", ran.stdout);
}

#[test]
fn text_of_wide_units_is_named_and_passed_over() {
    let wide: Vec<u8> = LEAK.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&b"\xff\xfe"[..], &wide].concat();
    let scratch = scratch(&[("leak.c", LEAK)]);
    for (name, text) in [("marked.c", &marked), ("unmarked.c", &wide)] {
        std::fs::write(scratch.path().join(name), text).expect("a file is written");
    }
    let ran = lockbalance(&["-f", "concise", "."], scratch.path());
    assert!(ran.stderr.contains("warning: marked.c: UTF-16"), "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: unmarked.c: UTF-16"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("; 2 files not read\n"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1), "the readable file is judged all the same");
}

#[test]
fn a_file_without_permission_is_named_and_passed_over() {
    let scratch = scratch(&[("leak.c", LEAK), ("secret.c", LEAK)]);
    let secret = scratch.path().join("secret.c");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("permissions are set");
    if std::fs::read(&secret).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    let ran = lockbalance(&["-f", "concise", "."], scratch.path());
    assert!(ran.stderr.starts_with("warning: secret.c: permission denied\n"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("; 1 file not read\n"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
    assert_eq!(lockbalance(&["secret.c"], scratch.path()).code, Some(2));
}

#[test]
fn colour_is_obeyed_and_no_terminal_has_none() {
    let scratch = scratch(&[("leak.c", LEAK)]);
    let colored = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = command("lockbalance", scratch.path());
        command.args(args).arg("leak.c").envs(environment.iter().copied());
        run(command, b"").stdout.contains('\x1b')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(colored(&[], &[("CARGO_TERM_COLOR", "always")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&[], &[("CARGO_TERM_COLOR", "always"), ("NO_COLOR", "0")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn the_last_line_counts_what_is_printed() {
    let ran = lockbalance(&["-f", "concise", "fixtures/rules"], root());
    let printed = ran.stdout.lines().filter(|line| !line.contains(": note: ")).count();
    assert!(ran.stderr.contains(&format!("; {printed} findings shown")), "{printed}: {}", ran.stderr);
}

#[test]
fn a_missing_directory_is_named() {
    let ran = lockbalance(&["no/such/place"], Path::new("/"));
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (Some(2), "error: no/such/place: no such file or directory\n")
    );
}
