//! `check`: from arguments to findings on standard output and a summary on standard error.

use super::args::{CheckArgs, Format, When};
use super::config::{Configured, configure};
use super::fail::Failure;
use super::files::{self, Disk};
use crate::diagnostic::Confidence;
use crate::driver::{self, Outcome};
use crate::report::{self, RenderContext};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufWriter, IsTerminal, Write};
use std::time::Duration;

/// Runs `check`; answers the exit code.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let configured = configure(args)?;
    let (request, walk_errors, overlay) = files::request(args, &configured.exclude)?;
    let disk = Disk { overlay, max_file_size: configured.settings.max_file_size };
    let progress = progress_bar(args, request.files.len());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .stack_size(super::STACK)
        .build()
        .map_err(|error| Failure::usage(format!("threads cannot be started: {error}")))?;
    let tick = || progress.inc(1);
    let mut outcome = pool.install(|| driver::run(request, &disk, &configured.settings, &tick));
    progress.finish_and_clear();
    outcome.ledger.unreadable += walk_errors.len();
    outcome.errors.extend(walk_errors);
    for error in &outcome.errors {
        eprintln!("warning: {error}");
    }
    if let Some(path) = &args.verdicts {
        let name = path.to_string_lossy();
        write_file(path, |out| report::verdicts::render(&outcome, out))
            .map_err(|error| Failure::input(&name, &files::plain(&error)))?;
    }
    let context = RenderContext {
        texts: &disk,
        color: use_color(args.color),
        unicode: std::io::stdout().is_terminal(),
    };
    let reporter = match args.output_format {
        Format::Full => report::full::render,
        Format::Concise => report::concise::render,
        Format::Json => report::json::render,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    if let Err(error) = reporter(&outcome, &context, &mut out).and_then(|()| out.flush()) {
        // Nobody listens any more: that is no error.
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            return Err(Failure::input("standard output", &files::plain(&error)));
        }
    }
    summarise(args, &configured, &outcome);
    Ok(exit_code(args, &configured, &outcome))
}

fn write_file(
    path: &std::path::Path,
    render: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    render(&mut out)?;
    out.flush()
}

fn exit_code(args: &CheckArgs, configured: &Configured, outcome: &Outcome) -> u8 {
    if outcome.ledger.files > 0 && outcome.ledger.unreadable == outcome.ledger.files {
        return 2;
    }
    let failing = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity >= configured.fail_on);
    let incomplete = outcome.ledger.unreadable + outcome.ledger.not_decided > 0;
    u8::from(!args.exit_zero && (failing || args.fail_on_incomplete && incomplete))
}

fn progress_bar(args: &CheckArgs, files: usize) -> ProgressBar {
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

fn use_color(when: When) -> bool {
    let set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty() && value != "0");
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR") => false,
        When::Auto if set("CLICOLOR_FORCE") => true,
        When::Auto => match std::env::var("CARGO_TERM_COLOR").as_deref() {
            Ok("always") => true,
            Ok("never") => false,
            _ => std::io::stdout().is_terminal(),
        },
    }
}

fn summarise(args: &CheckArgs, configured: &Configured, outcome: &Outcome) {
    let ledger = &outcome.ledger;
    if args.statistics {
        eprintln!("not decided, by reason:");
        for (reason, count) in &ledger.reasons {
            eprintln!("  {:>7}  {reason}", grouped(*count));
        }
        eprintln!("not understood between two lock operations: {} functions", grouped(ledger.opaque_between));
        for (cause, count) in &ledger.opaque_causes {
            eprintln!("  {:>7}  {cause}", grouped(*count));
        }
        eprintln!("files that could not be read: {}", grouped(ledger.unreadable));
    }
    if args.quiet {
        return;
    }
    let confidence = match configured.settings.confidence {
        Confidence::Low => String::new(),
        other => {
            format!("; {} findings below confidence {}", grouped(ledger.below_confidence), other.as_str())
        }
    };
    eprintln!(
        "checked {} files, {} functions ({} with locks: {} balanced, {} with findings, {} not decided); {} findings shown{confidence}",
        grouped(ledger.files),
        grouped(ledger.functions),
        grouped(ledger.with_locks),
        grouped(ledger.balanced),
        grouped(ledger.with_findings),
        grouped(ledger.not_decided),
        grouped(ledger.shown),
    );
}

/// `27,272`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
