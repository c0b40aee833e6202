//! What one pass finds.

use super::*;

fn functions(text: &str) -> Vec<String> {
    index(FileId(0), text.as_bytes()).functions.iter().map(|f| f.name.to_string()).collect()
}

#[test]
fn finds_functions_in_all_their_shapes() {
    assert_eq!(
        functions("int f(void) { return g(); }\nstruct s { int a; };\nint x = 3;\nstatic int *g(int a) {}"),
        ["f", "g"]
    );
    assert_eq!(functions("SYSCALL_DEFINE3(foo, int, a, int, b, int, c)\n{ }"), ["foo"]);
    assert_eq!(functions("static void __init f(void) __acquires(x)\n{ }"), ["f"]);
    assert_eq!(functions("API(int) f(int x)\n{ }"), ["f"]);
    assert_eq!(functions("int f(a, b)\nint a;\nchar *b;\n{ return a; }"), ["f"]);
    assert_eq!(functions("extern \"C\" {\nint f(void) { }\n}"), ["f"]);
    assert_eq!(functions("struct ops o = { .f = g, };\nvoid h(void) { }"), ["h"]);
    assert_eq!(functions("__printf(1, 2) void __f(const char *s, ...) { }"), ["__f"]);
}

#[test]
fn a_head_that_exists_twice_has_one_end() {
    let text =
        "#ifdef A\nint f(int a) {\n#else\nint f(void) {\n#endif\n return 0;\n}\nint g(void) { return 1; }";
    assert_eq!(functions(text), ["f", "g"]);
}

#[test]
fn reads_macros_and_annotations() {
    let text = "#define A(x, ...) do { \\\n f(x); /* c */ } while (0)\n#define B 3\nvoid f(struct s *p) __releases(&p->l) { }\n";
    let index = index(FileId(0), text.as_bytes());
    let a = &index.macros["A"];
    assert_eq!(a.parameters.as_ref().map(Vec::len), Some(2));
    assert_eq!(a.body.split_whitespace().collect::<Vec<_>>().join(" "), "do { f(x); } while (0)");
    assert_eq!(index.macros["B"].body, "3");
    let annotation = &index.functions[0].annotations[0];
    assert_eq!((annotation.name.as_str(), annotation.args[0].as_str()), ("__releases", "&p->l"));
}
