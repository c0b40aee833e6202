//! Programs on which the engine was once wrong, and ones that chance seldom writes, as text.

use super::{Counts, check_bodies};
use lockbalance::ir::parse::parse_all;
use lockbalance::source::FileId;

/// `body` with the variables that it uses.
fn function(body: &str) -> String {
    format!(
        "fn f(m: int, n: int, p: struct dev *) -> integer {{\n    let x: int\n    let y: int\n    let z: int\nbb0:\n{body}}}\n"
    )
}

#[track_caller]
fn contained(text: &str) {
    let bodies = parse_all(text, FileId(0)).unwrap_or_else(|error| panic!("{error}\n{text}"));
    if let Some(complaint) = check_bodies(&bodies, text, &mut Counts::default()) {
        panic!("{complaint}\n{text}");
    }
}

/// Two calls of one place in different rounds: `y` is the last value but one, `z` the one before it.
fn three_rounds(test: &str) -> String {
    function(&format!(
        "    x = 0
    y = 0
    z = 0
    goto bb1
bb1:
    branch either ? bb2 : bb3
bb2:
    z = y
    y = x
    x = work(m)
    goto bb1
bb3:
    branch z ? bb4 : bb6
bb4:
    branch {test} ? bb5 : bb6
bb5:
    take(&@a)
    goto bb6
bb6:
    return 0
"
    ))
}

#[test]
fn older_values_of_one_place_are_not_one_value() {
    for test in ["!y", "(y != z)", "(y < z)", "!(y == z)", "(y > z)", "!(y >= z)", "((y - z) > 0)"] {
        contained(&three_rounds(test));
    }
}

#[test]
fn what_is_known_of_one_old_value_is_not_known_of_all() {
    contained(&function(
        "    x = 0
    y = 0
    z = 0
    n = 0
    goto bb1
bb1:
    branch either ? bb2 : bb3
bb2:
    branch y ? bb7 : bb8
bb7:
    n = z
    z = y
    y = x
    x = work(m)
    goto bb1
bb8:
    n = z
    z = y
    y = x
    x = work(m)
    goto bb1
bb3:
    branch (n > 0) ? bb4 : bb6
bb4:
    branch (z < 0) ? bb5 : bb6
bb5:
    take(&@a)
    goto bb6
bb6:
    return 0
",
    ));
}

#[test]
fn what_was_presumed_does_not_become_proved_by_a_join() {
    contained(&function(
        "    branch (z < 0) ? bb1 : bb3
bb1:
    take(&@b)
    goto bb3
bb3:
    y = -1
    goto bb4
bb4:
    branch either ? bb5 : bb6
bb5:
    fill(&y)
    goto bb4
bb6:
    branch !y ? bb7 : bb8
bb7:
    return !(*p).need
bb8:
    return 0
",
    ));
}

#[test]
fn what_was_presumed_does_not_become_proved_by_a_test() {
    for condition in ["(@flag != 2)", "(@flag <= 0)", "(@flag >= 0)", "(@flag == @state)"] {
        contained(&function(&format!(
            "    @flag = 0
    work(m)
    branch {condition} ? bb1 : bb9
bb1:
    branch @flag ? bb2 : bb9
bb2:
    take(&@a)
    goto bb9
bb9:
    return 0
"
        )));
    }
}

#[test]
fn memory_that_was_written_may_be_written_by_others() {
    contained(&function(
        "    @state = m
    goto bb1
bb1:
    branch !@state ? bb2 : bb3
bb2:
    give(&(*p).lock)
    goto bb1
bb3:
    return 0
",
    ));
}

#[test]
fn to_wait_for_a_lock_that_the_caller_holds_is_a_fault_of_the_call() {
    let helper = "    z = take_intr(&(*p).lock)
    branch z ? bb1 : bb2
bb1:
    return -1
bb2:
    give(&(*p).lock)
    return 0
";
    let caller = "    take(&(*p).lock)
    x = helper(1, 0, p)
    give(&(*p).lock)
    return 0
";
    contained(&(function(helper).replace("fn f(", "static fn helper(") + &function(caller)));
}
