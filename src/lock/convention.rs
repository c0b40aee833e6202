//! What names promise: "returns with the lock held" and "releases it" are often said by the name alone.

/// Words of a name that promise to return holding something.
const TAKES: [&str; 26] = [
    "acquire", "grab", "get", "begin", "start", "enter", "claim", "hold", "take", "down", "freeze", "pause",
    "suspend", "quiesce", "disable", "prepare", "reserve", "pin", "seq", "next", "first", "stop", "kmap",
    "excl", "mutex", "busy",
];

/// Words of a name that promise to release something.
const GIVES: [&str; 40] = [
    "unlock",
    "unlocked",
    "release",
    "drop",
    "put",
    "end",
    "stop",
    "exit",
    "leave",
    "finish",
    "complete",
    "done",
    "free",
    "up",
    "thaw",
    "resume",
    "unblock",
    "enable",
    "unprepare",
    "post",
    "close",
    "restore",
    "unmap",
    "cleanup",
    "abort",
    "cancel",
    "commit",
    "fini",
    "detach",
    "next",
    "seq",
    "continue",
    "unpin",
    "unreserve",
    "yield",
    "relax",
    "resched",
    "wait",
    "sleep",
    "unclaim",
];

/// Whether the name promises to return holding a lock.
pub fn promises_to_take(name: &str) -> bool {
    promises(name, &TAKES, "lock")
}

/// Whether the name says outright that the function deals in locks for its callers.
pub fn is_about_locking(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.split('_').any(|word| speaks_of(word, "lock") || ["acquire", "grab"].contains(&word))
}

/// Whether a constant's name says that a lock is held: `VM_FAULT_LOCKED`.
pub fn speaks_of_held(constant: &str) -> bool {
    constant.split('_').any(|word| word.eq_ignore_ascii_case("locked"))
}

/// Whether the name promises to release a lock of the caller's.
pub fn promises_to_release(name: &str) -> bool {
    promises(name, &GIVES, "unlock")
}

fn promises(name: &str, words: &[&str], inside: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.split('_').any(|word| words.contains(&word) || speaks_of(word, inside))
}

/// Whether a word of a name contains `lock` (or `unlock`) and means it: `block` and `clock` do not.
fn speaks_of(word: &str, inside: &str) -> bool {
    let innocent = ["block", "clock", "flock"].iter().any(|other| word.contains(other));
    word.contains(inside) && (!innocent || word.contains("unlock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_by_whole_words() {
        assert!(!is_about_locking("set_block_size"));
        assert!(is_about_locking("task_rq_lock"));
        assert!(promises_to_take("foo_lock_bar"));
        assert!(promises_to_take("seq_start"));
        assert!(!promises_to_take("foo_probe"));
        assert!(promises_to_release("foo_put"));
        assert!(!promises_to_release("output_data"));
    }
}
