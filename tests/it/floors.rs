//! The floor table of `docs/architecture.md`, held against every path in the source: a module imports only from floors
//! below its own, and only what the table allows it.

use super::support::{files, none, read, root, shown};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One row of the table.
struct Floor {
    number: usize,
    allowed: BTreeSet<String>,
}

/// The rows of the table headed `| floor | module | may import | …`, by module.
fn table(page: &str) -> BTreeMap<String, Floor> {
    let rows = page.lines().skip_while(|line| !line.starts_with("| floor | module |")).skip(2);
    let mut floors = BTreeMap::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let number = cells[1].split(' ').next().and_then(|number| number.parse().ok());
        let number = number.unwrap_or_else(|| panic!("no floor number in `{row}`"));
        let floor = Floor { number, allowed: quoted(cells[3]).into_iter().collect() };
        for module in quoted(cells[2]) {
            let row = Floor { number, allowed: floor.allowed.clone() };
            assert!(floors.insert(module.clone(), row).is_none(), "`{module}` stands twice in the table");
        }
    }
    floors
}

/// The words between back quotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The top module that a file belongs to, and how many modules deep its own items stand below the crate.
fn module_of(path: &Path) -> (String, usize) {
    let below = path.strip_prefix(root().join("src")).expect("a file of src");
    let mut parts: Vec<String> =
        below.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.retain(|part| part != "mod");
    (parts[0].clone(), parts.len())
}

/// The source without comments, and without the contents of string literals.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut in_string = false;
        let mut rest = line.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' if in_string => drop(rest.next()),
                '"' => in_string = !in_string,
                '/' if !in_string && rest.peek() == Some(&'/') => break,
                _ if in_string => {}
                _ => out.push(c),
            }
        }
        out.push('\n');
    }
    out
}

/// The top modules that `text` names: `crate::a::…`, each of `crate::{a::…, b}`, and `super::…` that climbs to the crate.
fn imports(text: &str, depth: usize) -> BTreeSet<String> {
    let climb = "super::".repeat(depth);
    let code = code(text);
    let starts = |prefix: &str| -> Vec<usize> {
        let whole =
            |at: &usize| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        code.match_indices(prefix).map(|(at, _)| at).filter(whole).map(|at| at + prefix.len()).collect()
    };
    let places = starts("crate::").into_iter().chain(starts(&climb));
    places.flat_map(|at| first_segments(&code[at..])).collect()
}

/// The first segment of a path, or of each path in a braced group.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else { return identifier(path).into_iter().collect() };
    let mut depth = 0usize;
    let mut names = identifier(group).into_iter().collect::<Vec<_>>();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(identifier(&group[at + 1..])),
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Who imports whom, with the file that says so.
fn edges() -> BTreeMap<(String, String), String> {
    let mut edges = BTreeMap::new();
    for path in files(&root().join("src"), "rs") {
        let (module, depth) = module_of(&path);
        if ["lib", "main", "bin"].contains(&module.as_str()) {
            continue;
        }
        for name in imports(&read(&path), depth) {
            if name != module {
                edges.entry((module.clone(), name)).or_insert_with(|| shown(&path));
            }
        }
    }
    edges
}

#[test]
fn imports_point_downward() {
    let floors = table(&read(&root().join("docs/architecture.md")));
    let mut faults = Vec::new();
    for ((module, name), file) in edges() {
        let (Some(own), Some(other)) = (floors.get(&module), floors.get(&name)) else {
            faults.push(format!("{file}: `{module}` or `{name}` has no floor in docs/architecture.md"));
            continue;
        };
        if other.number >= own.number {
            faults.push(format!(
                "{file}: `{module}` (floor {}) imports `{name}` (floor {}): a module imports only from floors below its own",
                own.number, other.number
            ));
        } else if !own.allowed.contains(&name) {
            faults.push(format!(
                "{file}: `{module}` imports `{name}`, which its row in docs/architecture.md does not list"
            ));
        }
    }
    none(faults);
}

#[test]
fn the_table_lists_what_is_there() {
    let floors = table(&read(&root().join("docs/architecture.md")));
    let lib = read(&root().join("src/lib.rs"));
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(floors.keys().map(String::as_str).collect::<BTreeSet<_>>(), declared);
    let edges = edges();
    let mut idle = Vec::new();
    for (module, floor) in &floors {
        for name in &floor.allowed {
            if !edges.contains_key(&(module.clone(), name.clone())) {
                idle.push(format!("`{module}` may import `{name}` and does not"));
            }
        }
    }
    none(idle);
}

#[test]
fn modules_form_no_circle() {
    let mut left = edges();
    // Take away modules that import nothing that is left, again and again; what stays is a circle or leads to one.
    loop {
        let importing: BTreeSet<String> = left.keys().map(|(module, _)| module.clone()).collect();
        let before = left.len();
        left.retain(|(_, name), _| importing.contains(name));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "these imports form a circle: {:?}", left.keys().collect::<Vec<_>>());
}

#[test]
fn paths_are_read_off_the_source() {
    let text = "use crate::{ir::{Body, Name}, lock};\nfn f(x: crate::source::Span) { super::super::engine::go() }\n\
                // crate::comment\nlet s = \"crate::string\"; use super::near;";
    let found: Vec<String> = imports(text, 2).into_iter().collect();
    assert_eq!(found, ["engine", "ir", "lock", "source"]);
}
