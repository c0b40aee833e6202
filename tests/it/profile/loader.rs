//! What the loader refuses: text in, the place and the fault out.

use lockbalance::profile::load;

/// The fault as text: the line, a caret under the place, the message, what was perhaps meant.
fn refused(text: &str) -> String {
    let error = load::parse(text, "test").expect_err("refused");
    let mut out = String::new();
    if let Some(span) = &error.span {
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[span.start..].find('\n').map_or(text.len(), |at| span.start + at);
        let width = span.end.min(end).saturating_sub(span.start).max(1);
        out = format!("{}\n{}{}\n", &text[start..end], " ".repeat(span.start - start), "^".repeat(width));
    }
    out.push_str(&error.message);
    if let Some(suggestion) = error.suggestion {
        out.push_str(&format!("\ndid you mean `{suggestion}`?"));
    }
    out
}

fn family(rows: &str) -> String {
    format!("[[family]]\nname = \"box\"\n{rows}\n")
}

#[track_caller]
fn expect(text: &str, message: &str) {
    let got = refused(text);
    assert_eq!(got.trim_end(), message.trim_matches('\n'), "got:\n{got}");
}

#[test]
fn unknown_keys() {
    expect(
        &family("aquire = [\"box_open(0)\"]"),
        r#"
aquire = ["box_open(0)"]
^^^^^^
unknown key `aquire`
did you mean `acquire`?
"#,
    );
}

#[test]
fn wrong_types() {
    expect(
        &family("acquire = \"box_open(0)\""),
        r#"
acquire = "box_open(0)"
          ^^^^^^^^^^^^^
invalid type: string "box_open(0)", expected a sequence
"#,
    );
    expect(
        &family("acquire = [3]"),
        r#"
acquire = [3]
           ^
invalid type: integer `3`, expected a call like "my_lock(0)" or a table with `call`
"#,
    );
    expect(
        &family("acquire = [\"box_open(0)\"]\nnests = \"yes\""),
        r#"
nests = "yes"
        ^^^^^
invalid type: string "yes", expected a boolean
"#,
    );
}

#[test]
fn unknown_words() {
    expect(
        &family("acquire = [{ call = \"box_open(0)\", sharing = \"share\" }]"),
        r#"
acquire = [{ call = "box_open(0)", sharing = "share" }]
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
unknown sharing `share`, expected one of exclusive, shared, any
did you mean `shared`?
"#,
    );
    expect(
        &family("acquire = [{ call = \"box_open(0)\", context = \"irqsav\" }]"),
        r#"
acquire = [{ call = "box_open(0)", context = "irqsav" }]
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
unknown context `irqsav`, expected one of plain, irq, bh, irqsave, any
did you mean `irqsave`?
"#,
    );
    expect(
        &family("try_acquire = [{ call = \"box_try(0)\", held_if = \"non-zero\" }]"),
        r#"
try_acquire = [{ call = "box_try(0)", held_if = "non-zero" }]
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
unknown test `non-zero`, expected one of nonzero, zero, zero-else-negative, not-negative, negative, positive
did you mean `nonzero`?
"#,
    );
    expect(
        &family("acquire = [{ call = \"box_open(0)\", saved = \"flags\" }]"),
        r#"
acquire = [{ call = "box_open(0)", saved = "flags" }]
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
unknown place of saved state `"flags"`, expected one of an argument's index, "ret"
"#,
    );
    expect(
        &family("acquire = [\"box_open(0)\"]\nreleased_by = \"anybody\""),
        r#"
released_by = "anybody"
              ^^^^^^^^^
unknown variant `anybody`, expected one of `holder`, `callee`, `anyone`
did you mean `anyone`?
"#,
    );
    expect(
        &family("acquire = [{ call = \"box_open(0)\", shared = true }]"),
        r#"
acquire = [{ call = "box_open(0)", shared = true }]
                                   ^^^^^^
unknown key `shared`
did you mean `sharing`?
"#,
    );
}

#[test]
fn empty_families() {
    expect(
        &family(""),
        r#"
name = "box"
       ^^^^^
family `box` lists no call
"#,
    );
    expect(
        "[[family]]\nname = \"\"\nacquire = [\"box_open(0)\"]\n",
        r#"
name = ""
       ^^
a family needs a name
"#,
    );
    expect(
        "[[family]]\nacquire = [\"box_open(0)\"]\n",
        r#"
[[family]]
^^^^^^^^^^
missing field `name`
"#,
    );
}

#[test]
fn lock_paths() {
    expect(
        &family("acquire = [\"box_open\"]"),
        r#"
acquire = ["box_open"]
           ^^^^^^^^^^
`box_open` is not a call: write the name and, in parentheses, where the lock is: `my_lock(0)`
"#,
    );
    expect(
        &family("acquire = [\"box_open(lock)\"]"),
        r#"
acquire = ["box_open(lock)"]
           ^^^^^^^^^^^^^^^^
`lock` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock
"#,
    );
    expect(
        &family("acquire = [\"box_open(0->)\"]"),
        r#"
acquire = ["box_open(0->)"]
           ^^^^^^^^^^^^^^^
`0->` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock
"#,
    );
    expect(
        &family("acquire = [\"box_open(0+x)\"]"),
        r#"
acquire = ["box_open(0+x)"]
           ^^^^^^^^^^^^^^^
`0+x` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock
"#,
    );
    expect(
        &family("acquire = [\"box_open(300)\"]"),
        r#"
acquire = ["box_open(300)"]
           ^^^^^^^^^^^^^^^
`300` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock
"#,
    );
    expect(
        "[[alias]]\ncall = \"box_of(0)\"\nequals = \"first\"\n",
        r#"
equals = "first"
         ^^^^^^^
`first` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock
"#,
    );
}

#[test]
fn senses() {
    expect(
        &family("try_acquire = [\"box_try(0)\"]"),
        r#"
try_acquire = ["box_try(0)"]
               ^^^^^^^^^^^^
which result of `box_try` decides? say `held_if = "nonzero"` or `"zero"`
"#,
    );
    expect(
        &family("acquire = [{ call = \"box_open(0)\", held_if = \"zero\" }]"),
        r#"
acquire = [{ call = "box_open(0)", held_if = "zero" }]
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`held_if` means nothing for `box_open` here
"#,
    );
    expect(
        &family("release_if = [\"box_put(0)\"]"),
        r#"
release_if = ["box_put(0)"]
              ^^^^^^^^^^^^
which result of `box_put` decides? say `released_if = "nonzero"` or `"zero"`
"#,
    );
}

#[test]
fn contradictions() {
    expect(
        &family("acquire = [\"box_open(0)\"]\nrelease = [\"box_open(0)\"]"),
        r#"
release = ["box_open(0)"]
           ^^^^^^^^^^^^^
`box_open` is listed twice for one lock
"#,
    );
    let two_locks = family("acquire = [\"box_open(0)\", \"box_open(1)\"]");
    assert!(load::parse(&two_locks, "test").is_ok());
}
