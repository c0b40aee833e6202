//! The user's own families, by configuration: the real program in a scratch tree.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const FAMILY: &str = r#"
[[family]]
name = "box"
acquire = ["box_open(0)"]
try_acquire = [{ call = "box_try(0)", held_if = "nonzero" }]
release = ["box_close(0)"]
query = ["box_is_open(0)"]
"#;

const LEAK: &str = "\
int put(struct box *box)
{
	box_open(box);
	if (full(box))
		return -1;
	box_close(box);
	return 0;
}
";

/// A scratch tree that is the root of a repository, with these files.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a scratch directory");
    std::fs::create_dir(dir.path().join(".git")).expect("a root");
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    dir
}

/// Runs the program in `dir`; exit code, findings and what it says beside.
fn run(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_lockbalance"))
        .current_dir(dir)
        .args(["-f", "concise"])
        .args(args)
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The rules that fire, in the order of the text.
fn rules(stdout: &str) -> Vec<&str> {
    let ids = stdout.lines().filter_map(|line| line.strip_suffix(']')?.rsplit_once('[').map(|(_, id)| id));
    ids.filter(|id| id.starts_with("LB")).collect()
}

#[test]
fn every_effect_of_an_own_family_counts() {
    let text = "\
int twice(struct box *box)
{
	box_open(box);
	box_close(box);
	box_close(box);
	return 0;
}

int unchecked(struct box *box)
{
	box_try(box);
	box_close(box);
	return 0;
}

int asked(struct box *box)
{
	if (box_is_open(box))
		box_close(box);
	return 0;
}

int fine(struct box *box)
{
	if (!box_try(box))
		return -1;
	box_close(box);
	return 0;
}
";
    let dir = tree(&[(".lockbalance.toml", FAMILY), ("leak.c", LEAK), ("more.c", text)]);
    let (code, out, _) = run(dir.path(), &[]);
    assert_eq!((code, rules(&out)), (1, vec!["LB006", "LB002", "LB013", "LB010"]), "{out}");
    let (code, out, _) = run(dir.path(), &["--isolated"]);
    assert_eq!((code, rules(&out)), (0, vec![]), "{out}");
}

#[test]
fn the_nearest_configuration_is_taken() {
    let quiet = "select = [\"LB030\"]\n";
    let names = [".lockbalance.toml", "lockbalance.toml", ".cargo/lockbalance.toml"];
    for (at, name) in names.iter().enumerate() {
        let mut files = vec![("leak.c", LEAK), (*name, FAMILY)];
        files.extend(names[at + 1..].iter().map(|later| (*later, quiet)));
        let dir = tree(&files);
        assert_eq!(rules(&run(dir.path(), &["leak.c"]).1), ["LB006"], "{name}");
    }
    let dir = tree(&[(".lockbalance.toml", FAMILY), ("a/b/leak.c", LEAK), ("a/lockbalance.toml", quiet)]);
    assert_eq!(run(dir.path(), &["a/b/leak.c"]).0, 0, "nearer wins");
    std::fs::remove_file(dir.path().join("a/lockbalance.toml")).expect("removed");
    assert_eq!(run(dir.path(), &["a/b/leak.c"]).0, 1, "upward");
}

#[test]
fn discovery_stops_at_the_root_of_the_repository() {
    let dir = tree(&[(".lockbalance.toml", FAMILY), ("inner/.git/HEAD", ""), ("inner/leak.c", LEAK)]);
    assert_eq!(run(dir.path(), &["inner/leak.c"]).0, 0);
}

#[test]
fn a_file_and_keys_may_be_given() {
    let dir =
        tree(&[("own.toml", FAMILY), (".lockbalance.toml", "select = [\"LB030\"]\n"), ("leak.c", LEAK)]);
    assert_eq!(run(dir.path(), &["leak.c"]).0, 0);
    assert_eq!(run(dir.path(), &["--config", "own.toml", "leak.c"]).0, 1);
    let silent = ["--config", "own.toml", "--config", "ignore = [\"LB006\", \"LB001\"]", "leak.c"];
    assert_eq!(run(dir.path(), &silent).0, 0);
    let key = "family = [{ name = \"box\", acquire = [\"box_open(0)\"], release = [\"box_close(0)\"] }]";
    assert_eq!(run(dir.path(), &["--isolated", "--config", key, "leak.c"]).0, 1);
}

#[test]
fn profiles_are_selected_and_overruled() {
    let kernel = LEAK.replace("box_open", "mutex_lock").replace("box_close", "mutex_unlock");
    let dir = tree(&[("leak.c", &kernel)]);
    assert_eq!(run(dir.path(), &["--config", "profiles = [\"linux\"]", "leak.c"]).0, 1);
    assert_eq!(run(dir.path(), &["--config", "profiles = [\"c11\"]", "leak.c"]).0, 0);
    assert_eq!(
        run(dir.path(), &["--config", "not-locks = [\"mutex_lock\", \"mutex_unlock\"]", "leak.c"]).0,
        0
    );
    let included = format!("#include <pthread.h>\n{kernel}");
    std::fs::write(dir.path().join("leak.c"), included).expect("written");
    assert_eq!(run(dir.path(), &["leak.c"]).0, 0, "by what the file includes");
}

#[test]
fn faults_in_the_configuration_are_shown() {
    let dir = tree(&[
        (".lockbalance.toml", "[[family]]\nname = \"box\"\naquire = [\"box_open(0)\"]\n"),
        ("leak.c", LEAK),
    ]);
    let (code, out, err) = run(dir.path(), &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    for part in [".lockbalance.toml:3:1", "unknown key `aquire`", "^^^", "did you mean `acquire`?"] {
        assert!(err.contains(part), "{part}: {err}");
    }
    let (code, _, err) = run(dir.path(), &["--isolated", "--config", "profiles = [\"linx\"]"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `linux`?"), "{err}");
    let (code, _, err) = run(dir.path(), &["--isolated", "--config", "profile = [\"linux\"]"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `profiles`?"), "{err}");
}
