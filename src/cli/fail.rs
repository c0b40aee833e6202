//! Errors that end a run with exit code 2, rendered with a caret where they are about a place in the user's own file.

use crate::profile::load::ProfileError;
use miette::{LabeledSpan, MietteDiagnostic, NamedSource, Report};

/// Why a run could not be done.
#[derive(Debug)]
pub struct Failure {
    message: String,
    help: Option<String>,
    place: Option<(String, String, std::ops::Range<usize>)>,
}

impl Failure {
    /// Something typed wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Failure { message: message.into(), help: None, place: None }
    }

    /// A word typed that is none of the words known.
    pub fn typed(error: ProfileError) -> Self {
        let failure = Failure::usage(error.message);
        match error.suggestion {
            Some(name) => failure.with_help(format!("did you mean `{name}`?")),
            None => failure.with_help("`lockbalance rules` lists the rules"),
        }
    }

    /// A file that cannot be read or written.
    pub fn input(path: &str, reason: &str) -> Self {
        Failure::usage(format!("{path}: {reason}"))
    }

    /// With a hint.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A fault in the configuration text of `file`.
    pub fn configuration(file: &str, text: &str, error: ProfileError) -> Self {
        let help = error.suggestion.map(|name| format!("did you mean `{name}`?"));
        let place = error.span.map(|span| (file.to_owned(), text.to_owned(), span));
        let message = match (&help, error.message.split_once(", expected one of")) {
            // The one that was meant says more than all that there are.
            (Some(_), Some((message, _))) => message.to_owned(),
            _ => error.message,
        };
        let message = if place.is_some() { message } else { format!("{file}: {message}") };
        Failure { message, help, place }
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        eprintln!("error: {}", self.message);
        if let Some((file, text, span)) = &self.place {
            eprint!("{}", snippet(file, text, span));
        }
        if let Some(help) = &self.help {
            eprintln!("  help: {help}");
        }
    }
}

/// The place in `text` with a caret under it.
fn snippet(file: &str, text: &str, span: &std::ops::Range<usize>) -> String {
    let span = span.start.min(text.len())..span.end.min(text.len());
    let diagnostic = MietteDiagnostic::new("").with_label(LabeledSpan::at(span, "here"));
    let report = Report::new(diagnostic).with_source_code(NamedSource::new(file, text.to_owned()));
    let handler = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
    let mut drawn = String::new();
    // Writing to a string does not fail.
    let _ = handler.render_report(&mut drawn, report.as_ref());
    let frame = drawn.lines().skip_while(|line| !line.trim_start().starts_with(','));
    frame.flat_map(|line| [line.trim_end(), "\n"]).collect()
}
