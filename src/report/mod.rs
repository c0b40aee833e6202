//! Reporters: one file each. All of them show the same findings with the same steps.

pub mod concise;
pub mod fingerprint;
pub mod full;
pub mod json;
pub mod verdicts;
mod window;

use crate::source::TextProvider;

/// What a reporter may ask beside the outcome.
pub struct RenderContext<'a> {
    /// Source text, loaded again for files with findings.
    pub texts: &'a dyn TextProvider,
    /// Colour.
    pub color: bool,
    /// Line-drawing characters.
    pub unicode: bool,
}
