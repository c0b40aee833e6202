//! Macros of several definitions, of which the configuration chooses one: which of them is read.

use crate::frontend::c::lex::is_word_byte;
use crate::ir::Name;
use crate::ir::file_index::MacroDefinition;

/// Whether a macro does nothing but one call that speaks of locking, or gives a parameter back.
pub(super) fn is_plain(definition: &MacroDefinition) -> bool {
    let value = definition.body.trim_start_matches('(').trim_end_matches(')').trim();
    let gives = |given: &Vec<Name>| given.iter().any(|parameter| parameter == value);
    is_lock_call(definition) || definition.parameters.as_ref().is_some_and(gives)
}

/// Whether a macro with parameters stands for one call that speaks of locking: `#define my_lock(l) spin_lock(l)`.
fn is_lock_call(definition: &MacroDefinition) -> bool {
    let body = definition.body.trim_end_matches(';').trim();
    let callee = body.split('(').next().unwrap_or_default();
    let is_word = !callee.is_empty() && callee.bytes().all(is_word_byte);
    let one_call = is_word && body.ends_with(')') && closes_at_end(&body[callee.len()..]);
    definition.parameters.as_ref().is_some_and(|given| !given.is_empty())
        && one_call
        && ["lock", "mutex"].iter().any(|word| callee.contains(word))
}

/// Whether the bracket that `text` begins with is closed by its last byte.
fn closes_at_end(text: &str) -> bool {
    let mut depth = 0_i32;
    let closed = text.bytes().position(|byte| {
        depth += i32::from(byte == b'(') - i32::from(byte == b')');
        depth == 0
    });
    closed == Some(text.len() - 1)
}
