//! Rows for which a generated function does not do what it should, each with its reason. An entry that is no longer needed fails.

/// The exceptions of a built-in profile: `family/call/case`; `family/call`, or `family/*`, where the family has no counterpart.
pub fn of(profile: &str) -> &'static [(&'static str, &'static str)] {
    match profile {
        "linux" => LINUX,
        _ => &[],
    }
}

const LINUX: &[(&str, &str)] = &[
    ("fault/*", "taken as a mapping's lock or as an area's, by the caller of the handler"),
    ("file-pos/*", "taken only where the file is shared: a bit of the result says so"),
    ("inode-dirs/lock_rename_child", "the parents are found through the child"),
    ("lockdep/*", "asks and asserts for locks of every family"),
    ("seqcount/*", "a reader takes nothing"),
    ("seqlock/*", "a reader takes the lock only in its second round"),
    ("spinlock/locked_inode_to_wb_and_lock_list/balanced", "takes one lock and gives another back"),
    ("vma/vma_start_write", "given back together with the write lock of the whole mapping"),
    ("xfs-ilock/xfs_ilock_demote/flavour", "flags say how it is held: one release fits all"),
];
