//! What a name says against what its row says: an oracle that does not come from the row itself.

use super::builtin_of_c;
use lockbalance::profile::{CallEffect, Context, Effect, Profile, ResultTest, Sharing};

/// Calls that are named against the rule.
const OWN_WAY: &[(&str, &[&str])] = &[
    (
        "the result is zero, or an error number",
        &[
            "down_trylock",
            "dm_bm_read_try_lock",
            "hwspin_trylock",
            "hwspin_trylock_in_atomic",
            "hwspin_trylock_irq",
            "hwspin_trylock_irqsave",
            "hwspin_trylock_raw",
            "pthread_mutex_trylock",
            "pthread_spin_trylock",
            "mtx_trylock",
        ],
    ),
    ("the result is a bit number, or negative", &["ftrace_test_recursion_trylock"]),
    (
        "data is read, not locked for reading",
        &["end_buffer_read_sync", "folio_end_read", "xfs_buf_read", "xfs_buf_read_map"],
    ),
    (
        "every writer of a filesystem shares it; a freeze excludes them",
        &[
            "file_end_write",
            "file_start_write",
            "file_start_write_trylock",
            "kiocb_end_write",
            "kiocb_start_write",
            "mnt_drop_write",
            "mnt_drop_write_file",
            "mnt_get_write_access",
            "mnt_get_write_access_file",
            "mnt_put_write_access",
            "mnt_put_write_access_file",
            "mnt_want_write",
            "mnt_want_write_file",
            "sb_end_write",
            "sb_start_write",
            "sb_start_write_trylock",
        ],
    ),
    (
        "a reader that excludes the writer by its lock",
        &[
            "read_seqlock_excl",
            "read_seqlock_excl_bh",
            "read_seqlock_excl_irq",
            "read_seqlock_excl_irqsave",
            "read_sequnlock_excl",
            "read_sequnlock_excl_bh",
            "read_sequnlock_excl_irq",
            "read_sequnlock_excl_irqrestore",
        ],
    ),
    (
        "the word is about the line, not about the processor",
        &["gpiochip_lock_as_irq", "gpiochip_unlock_as_irq"],
    ),
    ("bottom halves are off already", &["local_lock_nested_bh", "local_unlock_nested_bh"]),
    ("the family is about bottom halves", &["rcu_read_lock_bh", "rcu_read_unlock_bh"]),
];

fn words(name: &str) -> Vec<&str> {
    name.split('_').filter(|word| !word.is_empty()).collect()
}

/// What the name promises and the row denies.
fn contradiction(name: &str, effect: &CallEffect) -> Option<&'static str> {
    // Guard classes have made-up names.
    if name.starts_with("class_") {
        return None;
    }
    let words = words(name);
    let says = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let changes = matches!(effect.effect, Effect::Acquire | Effect::TryAcquire(_) | Effect::Release);
    if !changes {
        return None;
    }
    if let Effect::TryAcquire(test) = effect.effect {
        let refuses = says(&["interruptible", "killable", "intr", "timeout", "timedlock", "clocklock"]);
        if says(&["trylock", "try"]) && !matches!(test, ResultTest::Nonzero | ResultTest::Positive) {
            return Some("an attempt succeeds with nonzero");
        }
        if refuses && !matches!(test, ResultTest::Zero | ResultTest::ZeroElseNegative) {
            return Some("what can be interrupted succeeds with zero");
        }
    } else if says(&["trylock", "interruptible", "killable"]) && effect.effect == Effect::Acquire {
        return Some("an attempt is not sure to take the lock");
    }
    let context = match () {
        () if says(&["irqsave", "irqrestore"]) => Some(Context::IrqSave),
        () if words.last() == Some(&"irq") => Some(Context::Irq),
        () if words.last() == Some(&"bh") => Some(Context::Bh),
        () => None,
    };
    if context.is_some_and(|context| context != effect.mode.context) {
        return Some("the name says what happens to interrupts");
    }
    if says(&["read", "rdlock", "shared"]) && effect.mode.sharing == Sharing::Exclusive {
        return Some("a reader shares");
    }
    if says(&["write", "wrlock"]) && effect.mode.sharing == Sharing::Shared {
        return Some("a writer does not share");
    }
    let gives = says(&["unlock", "up", "release", "unfreeze", "unquiesce", "end"]);
    if gives && matches!(effect.effect, Effect::Acquire) && !says(&["lock"]) {
        return Some("the name gives back");
    }
    None
}

#[test]
fn names_and_rows_agree() {
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for (profile_name, profile) in builtin_of_c() {
        let mut names: Vec<_> = profile.calls.keys().collect();
        names.sort();
        for name in names {
            let denied = profile.effects(name).iter().find_map(|effect| contradiction(name, effect));
            let known = OWN_WAY.iter().any(|(_, own)| own.contains(&name.as_str()));
            match denied {
                Some(_) if known => used.push(name.to_string()),
                Some(why) => wrong.push(format!("{profile_name}/{name}: {why}")),
                None => {}
            }
        }
    }
    for name in OWN_WAY.iter().flat_map(|(_, own)| *own).filter(|name| !used.iter().any(|used| used == *name))
    {
        wrong.push(format!("{name} follows the rule"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_call_has_two_effects_on_one_lock() {
    let contradicts = |profile: &Profile, name: &str| {
        let effects = profile.effects(name);
        effects.iter().enumerate().any(|(at, effect)| {
            effects[..at].iter().any(|other| other.lock == effect.lock && other.family == effect.family)
        })
    };
    for (profile_name, profile) in builtin_of_c() {
        let wrong: Vec<_> = profile.calls.keys().filter(|name| contradicts(profile, name)).collect();
        assert!(wrong.is_empty(), "{profile_name}: {wrong:?}");
    }
}

#[test]
fn a_name_has_one_meaning() {
    for (profile_name, profile) in builtin_of_c() {
        let mut wrong = Vec::new();
        for name in profile.calls.keys() {
            let others = [
                profile.not_locks.contains(name),
                profile.no_return.contains_key(name),
                profile.transparent.contains(name),
                profile.aliases.contains_key(name),
                profile.block_macros.contains_key(name),
                profile.attributes.contains(name),
            ];
            if others.contains(&true) {
                wrong.push(name);
            }
        }
        assert!(wrong.is_empty(), "{profile_name}: {wrong:?}");
    }
}
