//! What standard output can show, as the environment tells it: colour, line-drawing characters, a progress bar.

use super::args::{CheckArgs, When};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// The value of a variable of the environment, when there is one that is not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether findings are coloured. `NO_COLOR` outranks `CLICOLOR_FORCE`, which outranks `CARGO_TERM_COLOR`.
pub fn color(when: When) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if variable("NO_COLOR").is_some() => false,
        When::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        When::Auto => match variable("CARGO_TERM_COLOR").as_deref() {
            Some("always") => true,
            Some("never") => false,
            _ => is_capable(),
        },
    }
}

/// Whether line-drawing characters arrive as such: on a terminal with a UTF-8 locale.
pub fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    is_capable() && (locale.contains("utf-8") || locale.contains("utf8"))
}

fn is_capable() -> bool {
    std::io::stdout().is_terminal() && variable("TERM").is_none_or(|term| term != "dumb")
}

/// A bar on standard error, once the run takes long enough for one to be missed.
pub fn progress_bar(args: &CheckArgs, files: usize) -> ProgressBar {
    if args.quiet || files < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} files, {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
