//! The tool eats its own food: the source of the package is checked by itself, and is silent.

use super::support::{lockbalance, root};

#[test]
fn our_own_source_is_silent() {
    let ran = lockbalance(&["check", "--isolated", "-f", "concise", "src", "tests", "benches"], root());
    assert_eq!(ran.stdout, "", "{}", ran.stderr);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Silence that comes of not having looked would be no praise.
    assert!(!ran.stderr.contains("not read"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("(0 with locks"), "{}", ran.stderr);
}
