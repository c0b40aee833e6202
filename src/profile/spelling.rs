//! How a call and the place of its lock are spelled: `my_lock(0->lock)`.

use super::error::ProfileError;
use super::{LockPath, LockRoot};
use crate::ir::Name;
use std::ops::Range;
use toml::Spanned;

/// Reads `name(path)`.
///
/// # Errors
/// When it is spelled otherwise.
pub fn call(text: &Spanned<String>) -> Result<(Name, LockPath), ProfileError> {
    let spelled = text.get_ref();
    let error = || ProfileError {
        message: format!(
            "`{spelled}` is not a call: write the name and, in parentheses, where the lock is: `my_lock(0)`"
        ),
        span: Some(text.span()),
        suggestion: None,
    };
    let (name, rest) = spelled.split_once('(').ok_or_else(error)?;
    let inside = rest.strip_suffix(')').ok_or_else(error)?;
    let fine = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':' || b == b'.');
    if !fine {
        return Err(error());
    }
    Ok((Name::new(name), path(inside, text.span())?))
}

/// Reads `0`, `0->lock`, `*2`, `0+1`, `ret->lock`, `?`, or nothing; `arg0` may be said for `0`.
///
/// # Errors
/// When it is spelled otherwise.
pub fn path(text: &str, span: Range<usize>) -> Result<LockPath, ProfileError> {
    let error = || ProfileError {
        message: format!(
            "`{text}` does not say where the lock is: use an argument's index (`0`, `0->lock`, `*2`, `0+1`), `ret`, or nothing for a global lock"
        ),
        span: Some(span.clone()),
        suggestion: None,
    };
    let argument = |text: &str| text.strip_prefix("arg").unwrap_or(text).parse::<u8>().map_err(|_| error());
    let mut steps = text.split("->").map(str::trim);
    let root = match steps.next().unwrap_or_default() {
        "" => LockRoot::Global,
        "?" => LockRoot::Unknown,
        "ret" => LockRoot::Result,
        pointer if pointer.starts_with('*') => LockRoot::ThroughArgument(argument(&pointer[1..])?),
        pair if pair.contains('+') => {
            let (a, b) = pair.split_once('+').ok_or_else(error)?;
            LockRoot::Pair(argument(a.trim())?, argument(b.trim())?)
        }
        index => LockRoot::Argument(argument(index)?),
    };
    let members: Vec<Name> = steps.map(Name::new).collect();
    if members.iter().any(|member| member.is_empty()) {
        return Err(error());
    }
    Ok(LockPath { root, members })
}
