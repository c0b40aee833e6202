//! The rules: one file each, and the one table that everything about them derives from.

use crate::diagnostic::RuleMeta;

/// All rules, by id. `--explain`, `docs/rules.md`, the fixture test and the rule tables of the reporters derive from it.
pub static RULES: &[&RuleMeta] = &[];

/// The rule called `key`, by id (any case) or by name.
pub fn find(key: &str) -> Option<&'static RuleMeta> {
    RULES.iter().copied().find(|rule| rule.id.eq_ignore_ascii_case(key) || rule.name == key)
}
