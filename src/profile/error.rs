//! Why a profile or configuration text is not accepted, and what was perhaps meant.

use std::ops::Range;

/// Why a profile text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProfileError {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where, in bytes of the text.
    pub span: Option<Range<usize>>,
    /// What was perhaps meant.
    pub suggestion: Option<String>,
}

impl ProfileError {
    /// A fault at a place.
    pub fn at(message: impl Into<String>, span: Range<usize>) -> Self {
        ProfileError { message: message.into(), span: Some(span), suggestion: None }
    }

    /// A word that is none of `known`.
    pub fn unknown(what: &str, given: &str, known: &[&str]) -> Self {
        ProfileError {
            message: format!("unknown {what} `{given}`, expected one of {}", known.join(", ")),
            span: None,
            suggestion: nearest(given, known.iter().copied()),
        }
    }

    /// The same fault, at this place.
    pub fn with_span(self, span: Range<usize>) -> Self {
        ProfileError { span: Some(span), ..self }
    }
}

/// A TOML error in our words.
pub fn from_toml(error: &toml::de::Error) -> ProfileError {
    let message = error.message().trim_end_matches('.');
    let unknown = message.strip_prefix("unknown field ").map(|rest| unknown_key(rest, error.span()));
    unknown.unwrap_or_else(|| ProfileError {
        message: message.to_owned(),
        span: error.span(),
        suggestion: message.strip_prefix("unknown variant ").and_then(|rest| {
            let mut quoted = quoted(rest);
            nearest(quoted.next()?, quoted)
        }),
    })
}

/// "`x`, expected one of `a`, `b`": the nearest, or all of them where none is near. Each key has a twin with hyphens.
fn unknown_key(rest: &str, span: Option<Range<usize>>) -> ProfileError {
    let mut quoted = quoted(rest);
    let given = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.filter(|key| !key.contains('-')).collect();
    let suggestion = nearest(given, known.iter().copied());
    let message = match suggestion {
        Some(_) => format!("unknown key `{given}`"),
        None => format!("unknown key `{given}`, expected one of {}", known.join(", ")),
    };
    ProfileError { message, span, suggestion }
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The one of `known` that looks most like `given`, if any does.
pub fn nearest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    let best =
        known.map(|name| (strsim::jaro_winkler(given, name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then(|| best.1.to_owned())
}
