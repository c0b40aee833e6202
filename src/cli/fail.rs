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
        let message = if place.is_some() { error.message } else { format!("{file}: {}", error.message) };
        Failure { message, help, place }
    }

    /// Prints it to standard error.
    pub fn print(&self) {
        let mut diagnostic = MietteDiagnostic::new(self.message.clone());
        diagnostic.help = self.help.clone();
        match &self.place {
            Some((file, text, span)) => {
                let span = span.start.min(text.len())..span.end.min(text.len());
                let label = LabeledSpan::at(span, "here");
                diagnostic.labels = Some(vec![label]);
                let report = Report::new(diagnostic).with_source_code(NamedSource::new(file, text.clone()));
                eprintln!("error: {}", self.message);
                eprint!("{}", rendered(report));
            }
            None => {
                eprintln!("error: {}", self.message);
                if let Some(help) = &self.help {
                    eprintln!("  help: {help}");
                }
            }
        }
    }
}

fn rendered(report: Report) -> String {
    let mut out = String::new();
    let theme = miette::GraphicalTheme::none();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_width(100);
    // Writing to a string does not fail.
    let _ = handler.render_report(&mut out, report.as_ref());
    out
}
