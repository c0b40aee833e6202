//! The rules: one file each, and the one table that everything about them derives from.

pub mod context;

mod acquire_unchecked;
mod caller_breaks_contract;
mod configuration_imbalance;
pub mod contract_mismatch;
mod double_acquire;
mod double_release;
mod error_exit_held;
mod flag_tracked;
mod guard_across_await;
mod guard_dropped;
mod guard_leaked;
mod guard_manual_mix;
mod inconsistent_exit;
mod irq_enable;
mod loop_imbalance;
mod missing_release;
pub mod not_decided;
mod query_acquire;
mod query_release;
mod release_not_held;
mod saved_flags;
mod scrutinee_guard;
pub mod slot_contract;
mod uncorrelated_condition;
mod unwind_held;
mod variables;
mod wrong_flavour;

use crate::diagnostic::RuleMeta;
use context::RuleCx;

/// All rules, by id. `explain`, `docs/rules.md`, the fixture test and the rule tables of the reporters derive from it.
pub static RULES: &[&RuleMeta] = &[
    &missing_release::META,
    &double_release::META,
    &release_not_held::META,
    &double_acquire::META,
    &inconsistent_exit::META,
    &error_exit_held::META,
    &query_release::META,
    &flag_tracked::META,
    &query_acquire::META,
    &acquire_unchecked::META,
    &uncorrelated_condition::META,
    &contract_mismatch::META,
    &caller_breaks_contract::META,
    &slot_contract::META,
    &wrong_flavour::META,
    &saved_flags::META,
    &irq_enable::META,
    &guard_manual_mix::META,
    &guard_dropped::META,
    &guard_leaked::META,
    &unwind_held::META,
    &scrutinee_guard::META,
    &guard_across_await::META,
    &loop_imbalance::META,
    &configuration_imbalance::META,
    &not_decided::META,
];

/// The checks, in the order in which they may claim a defect: one defect has one id.
pub static CHECKS: &[fn(&mut RuleCx<'_, '_>)] = &[
    query_release::check,
    query_acquire::check,
    acquire_unchecked::check,
    wrong_flavour::check,
    saved_flags::check,
    irq_enable::check,
    scrutinee_guard::check,
    contract_mismatch::check,
    double_acquire::check,
    caller_breaks_contract::check,
    double_release::check,
    guard_manual_mix::check,
    guard_leaked::check,
    slot_contract::check,
    contract_mismatch::check_exits,
    configuration_imbalance::check,
    loop_imbalance::check,
    uncorrelated_condition::check,
    release_not_held::check,
    error_exit_held::check,
    missing_release::check,
    inconsistent_exit::check,
    flag_tracked::check,
    guard_dropped::check,
    guard_across_await::check,
    unwind_held::check,
];

/// The rule called `key`, by id (any case) or by name.
pub fn find(key: &str) -> Option<&'static RuleMeta> {
    RULES.iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(key) || rule.name == key)
}
