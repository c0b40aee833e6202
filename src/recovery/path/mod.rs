//! The path of a failure, from the report of a bad page to the return code.
//!
//! ```text
//! memory_failure ── ordinary page ──┐
//!       └────────── hugetlb ────────┴─▶ dispatch ─▶ handlers
//! soft_offline, unpoison: the two other operations under mf_mutex
//! ```

pub mod dispatch;
pub mod handlers;
pub mod hugetlb;
pub mod memory_failure;
pub mod soft_offline;
pub mod unpoison;
