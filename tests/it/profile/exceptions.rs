//! Rows for which a generated function does not do what it should, each with its reason. An entry that is no longer needed fails.

/// The exceptions of a built-in profile: `family/call/case`; `family/call`, or `family/*`, where the family has no counterpart.
pub fn of(profile: &str) -> &'static [(&'static str, &'static str)] {
    match profile {
        "linux" => LINUX,
        _ => &[],
    }
}

const LINUX: &[(&str, &str)] = &[
    ("dma_resv/i915_gem_object_lock/reversed", "cannot fail where the caller owns the lock"),
    ("fault/*", "taken as a mapping's lock or as an area's, by the caller of the handler"),
    ("file-pos/*", "taken only where the file is shared: a bit of the result says so"),
    ("inode-dirs/lock_rename_child", "the parents are found through the child"),
    ("lockdep/*", "asks and asserts for locks of every family"),
    ("seqcount/*", "a reader takes nothing"),
    ("seqlock/*", "a reader takes the lock only in its second round"),
    ("six/six_lock_tryupgrade/balanced", "the engine takes an upgrade to succeed, whatever its result"),
    ("spinlock/locked_inode_to_wb_and_lock_list/balanced", "gives this lock back and takes one of `wb`"),
    ("vma/vma_start_write", "given back together with the write lock of the whole mapping"),
    ("wb/*", "given back as a spinlock, under the name of another variable"),
    ("xfs-ilock/xfs_ilock_demote/flavour", "flags say how it is held: one release fits all"),
];
