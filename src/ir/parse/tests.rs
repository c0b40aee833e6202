use super::*;
use crate::ir::dump::dump;

fn read(text: &str) -> Result<Body, String> {
    parse(text, FileId(0)).map_err(|error| error.to_string())
}

#[test]
fn every_construct_is_read_back_as_it_was_written() {
    let text = r##"#[__must_hold("&x->lock")]
static fn f(p: struct foo *, return#1, _2) -> integer {
    let i#3: int
    let i#4: "void (*)(int, long)"
    static count: int
    temp _6
    degraded "syntax error"
bb0:
    _6 = trylock(&(*p).lock) as ["&p->lock"]
    i#3 = -3
    (*p).a[(i#3 + 1)] = -(3)
    "return"(i#4, "", null)
    opaque "syntax error"
    ((*p).ops)(unknown)
    switch i#3 [1: bb1, 2 ... $MANY: bb3, _: bb2]
bb1:
    branch #if "A && \"B\"" ? bb3 : bb2
bb2:
    choice [bb3, bb4]
bb3:
    declare i#4
    branch !(@table.x & $"sizeof(int)") ? bb0 : bb4
bb4:
    return return#1
}
"##;
    let body = read(text).unwrap();
    assert_eq!(dump(&body), text);
    assert_eq!((body.locals.len(), body.parameters, body.degradations.len()), (7, 3, 1));
    assert_eq!(body.locals[1].name, "return");
    assert_eq!(body.locals[6].name, "");
}

#[test]
fn spans_point_into_the_text() {
    let text = "fn f() -> void {\nbb0:\n    g(1)   // what for?\n    return\n}\n";
    let body = read(text).unwrap();
    let block = body.cfg.block(body.cfg.entry());
    let of = |span: Span| std::str::from_utf8(span.of(text.as_bytes())).unwrap().to_owned();
    assert_eq!(of(block.statements[0].span), "g(1)");
    assert_eq!(of(block.terminator.span), "return");
    assert_eq!(of(body.header), "fn f()");
    assert_eq!(of(body.span), text.trim_end());
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let wrong = |body: &str| read(&format!("fn f(p) -> void {{\n{body}}}\n")).unwrap_err();
    assert_eq!(
        wrong("bb0:\n    x = 1\n    return\n"),
        "line 3: expected a place that starts with a local of this body, `@global` or `(*`, found `x = 1`"
    );
    assert_eq!(wrong("bb0:\n    goto bb7\n"), "line 3: expected a block of this body, found `bb7`");
    assert_eq!(wrong("bb0:\n    return (p 1)\n"), "line 3: expected an operator or `)`, found `1)`");
    assert_eq!(wrong("bb0:\n    return\nbb0:\n    return\n"), "line 4: expected a new block, found `bb0:`");
    assert_eq!(wrong("bb0:\n    opaque \"x\n"), "line 3: expected a closing quote, found `\"x`");
    assert_eq!(wrong("let p\n"), "line 2: expected the name of a new local, found `p`");
    assert_eq!(
        read("fn f() -> nothing {").unwrap_err(),
        "line 1: expected void, bool, integer, pointer or other, found `nothing {`"
    );
    assert_eq!(
        read("fn f() -> void {\nbb0:\n").unwrap_err(),
        "line 2: expected a place, found the end of the text"
    );
    assert_eq!(
        wrong("bb0:\n    return 99999999999999999999\n"),
        "line 3: expected a number of 64 bits, found `99999999999999999999`"
    );
}

#[test]
fn a_text_may_hold_several_bodies() {
    let text = "fn f() -> void {\nbb0:\n    return\n}\nfn g(x) -> other {\nbb0:\n    return x\n}\n";
    let bodies = parse_all(text, FileId(0)).unwrap();
    assert_eq!(bodies.iter().map(dump).collect::<String>(), text);
    assert!(parse(text, FileId(0)).is_err());
}
