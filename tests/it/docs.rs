//! What the documents say is true: the rule pages are those of the table, the README's examples run, its options exist.

use super::support::{expect, lockbalance, none, read, root};
use lockbalance::rules::RULES;
use std::fmt::Write;

fn rules_page() -> String {
    let mut page =
        "# Rules\n\nGenerated from the rules themselves (`lockbalance explain all` prints the same); a test \
                    keeps it true, and\n`UPDATE_EXPECT=1 cargo test` writes it anew.\n\n\
                    | id | name | what it finds | severity | CWE |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for rule in RULES {
        let cwe: Vec<String> = rule.cwe.iter().map(u16::to_string).collect();
        let (id, name, severity) = (rule.id, rule.name, rule.severity.as_str());
        let _ = writeln!(
            page,
            "| [{id}](#{}-{name}) | {name} | {} | {severity} | {} |",
            id.to_lowercase(),
            rule.summary,
            cwe.join(", ")
        );
    }
    for rule in RULES {
        let mut docs = rule.docs.trim().replace("## ", "### ");
        for language in ["c", "rust"] {
            for kind in ["bad", "good"] {
                docs = docs.replace(&format!("```{language} {kind}"), &format!("```{language}"));
            }
        }
        let _ = write!(page, "\n## {} {}\n\n{docs}\n", rule.id, rule.name);
    }
    page
}

#[test]
fn rule_pages_are_those_of_the_table() {
    none(expect(&root().join("docs/rules.md"), &rules_page()).err().into_iter().collect());
}

/// The fenced blocks of `page` in `language`.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// What a terminal shows of a console block's commands: each `$ lockbalance …` with what it prints.
fn session(block: &str) -> String {
    let mut shown = String::new();
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words.first(), Some(&"lockbalance"), "`{command}` is not run by this test");
        let ran = lockbalance(&words[1..], root());
        let _ = write!(shown, "$ {command}\n{}{}", ran.stdout, ran.stderr);
    }
    shown
}

#[test]
fn console_examples_of_the_readme_run() {
    let path = root().join("README.md");
    let mut page = read(&path);
    let blocks: Vec<String> = blocks(&page, "console").into_iter().map(str::to_owned).collect();
    assert!(!blocks.is_empty(), "the README shows nothing");
    for block in blocks {
        page = page.replace(&block, &session(&block));
    }
    none(expect(&path, &page).err().into_iter().collect());
}

#[test]
fn configuration_in_the_readme_is_accepted() {
    let page = read(&root().join("README.md"));
    let blocks = blocks(&page, "toml");
    assert!(!blocks.is_empty(), "the README shows no configuration");
    for block in blocks {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        std::fs::write(scratch.path().join("lockbalance.toml"), block).expect("the configuration is written");
        std::fs::write(scratch.path().join("a.c"), "void f(void) {}\n").expect("a file is written");
        let ran = lockbalance(&["-q", "."], scratch.path());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{block}");
    }
}

#[test]
fn options_in_the_readme_exist() {
    let mut known = String::new();
    for command in ["check", "explain", "rules", "locks", "cfg"] {
        known.push_str(&lockbalance(&[command, "--help"], root()).stdout);
    }
    let page = read(&root().join("README.md"));
    let own = page
        .lines()
        .filter(|line| !line.contains("cargo ") && !line.contains("git ") && !line.starts_with("| ---"));
    let words = own.flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')));
    let options = words.filter(|word| word.starts_with("--") && word.len() > 2 && !word.starts_with("---"));
    let unknown: Vec<&str> = options.filter(|option| !known.contains(*option)).collect();
    assert!(unknown.is_empty(), "the README names options that do not exist: {unknown:?}");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for name in ["README.md", "CHANGELOG.md", "docs/architecture.md"] {
        let path = root().join(name);
        for target in read(&path).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if target.contains("://") || file.is_empty() {
                continue;
            }
            let linked = path.parent().expect("a folder").join(file);
            assert!(linked.exists(), "{name} links to {target}, which is not there");
        }
    }
}
