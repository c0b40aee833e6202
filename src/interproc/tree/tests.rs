//! Which definitions are meant, and what stands in which slot.

use super::*;
use crate::ir::file_index::FunctionDefinition;
use crate::source::Span;

fn file(functions: &[(&str, Linkage, &[&str])]) -> FileIndex {
    let span = Span::new(FileId(0), 0, 0);
    let functions = functions.iter().map(|(name, linkage, calls)| FunctionDefinition {
        name: Name::new(*name),
        span,
        body: span,
        header: span,
        linkage: *linkage,
        irregular_header: false,
        annotations: Vec::new(),
        calls: calls.iter().map(|call| Name::new(*call)).collect(),
    });
    FileIndex { functions: functions.collect(), ..FileIndex::default() }
}

fn tree(files: &[(&str, FileIndex)]) -> TreeIndex {
    let mut tree = TreeIndex::default();
    for (at, (path, index)) in files.iter().enumerate() {
        tree.add(FileId(at as u32), path, index, References::default(), &|_, _| {});
    }
    tree.finish(&vec![0; files.len()], &|_, _, _, _| true, &|_, _| None);
    tree
}

fn meant(tree: &TreeIndex, file: u32, name: &str) -> Vec<u32> {
    let id = tree.name_id(name).expect("a name of the tree");
    tree.resolve(FileId(file), id).iter().map(|id| tree.definition(*id).file.0).collect()
}

#[test]
fn the_nearest_definition_is_meant() {
    let external = |name| file(&[(name, Linkage::External, &[])]);
    let tree = tree(&[
        ("one/a.c", file(&[("caller", Linkage::External, &["f", "g"])])),
        ("one/b.c", external("f")),
        ("copy/one/b.c", external("f")),
        ("many/x/g.c", external("g")),
        ("many/y/g.c", external("g")),
        ("many/y/h.c", file(&[("other", Linkage::External, &["g"])])),
    ]);
    assert_eq!(meant(&tree, 0, "f"), [1]);
    assert_eq!(meant(&tree, 0, "g"), [3, 4]);
    assert_eq!(meant(&tree, 5, "g"), [4]);
}

#[test]
fn slots_by_position_become_members_and_tables_are_known_by_them() {
    let mut tree = TreeIndex::default();
    let index = file(&[("f", Linkage::Internal, &[])]);
    let slots = ["row[3]", "->action", "ops.nested.action"].map(|slot| (Name::new("f"), Name::new(slot)));
    let references = References { slots: slots.to_vec(), ..References::default() };
    tree.add(FileId(0), "a.c", &index, references, &|_, _| {});
    let member_at = |_, slot: &str| (slot == "row[3]").then(|| Name::new("row.action"));
    tree.finish(&[0], &|_, _, _, _| true, &member_at);
    let slots: Vec<&str> = tree.slots_of(FunctionId(0)).iter().map(|slot| slot.0.as_str()).collect();
    assert_eq!(slots, ["->action", "ops.nested.action", "row.action"]);
    assert_eq!(tree.tables_with("action"), ["ops.nested", "row"]);
    assert!(tree.tables_with("nested").is_empty());
}

#[test]
fn a_static_function_is_meant_by_its_own_file_and_from_headers_by_all() {
    let tree = tree(&[
        ("a.c", file(&[("f", Linkage::Internal, &[]), ("caller", Linkage::External, &["f"])])),
        ("b.c", file(&[("caller2", Linkage::External, &["f", "g"])])),
        ("c.h", file(&[("g", Linkage::Internal, &[])])),
    ]);
    assert_eq!(meant(&tree, 0, "f"), [0]);
    assert_eq!(meant(&tree, 1, "f"), [0u32; 0]);
    assert_eq!(meant(&tree, 1, "g"), [2]);
    assert_eq!(tree.callers(FunctionId(0)), [FunctionId(1)]);
}
