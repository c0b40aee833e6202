//! `check`: from arguments to findings on standard output and a summary on standard error.

use super::args::{CheckArgs, Format};
use super::config::{Configured, configure};
use super::fail::Failure;
use super::files::{self, Disk};
use super::{summary, terminal};
use crate::driver::{self, Outcome, Request};
use crate::report::{self, RenderContext};
use crate::source::TextError;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Runs `check`; answers the exit code.
pub fn check(args: &CheckArgs) -> Result<u8, Failure> {
    let configured = configure(args)?;
    let (request, unwalked, overlay) = files::request(args, &configured.exclude)?;
    let disk = Disk { overlay, max_file_size: configured.settings.max_file_size };
    let outcome = analyse(args, &configured, request, unwalked, &disk)?;
    for error in &outcome.errors {
        eprintln!("warning: {error}");
    }
    for slot in outcome.idle_slots.iter().filter(|_| !args.quiet) {
        eprintln!("warning: no function is put into `{slot}`: its contract is checked of none");
    }
    if let Some(path) = &args.verdicts {
        write_verdicts(path, &outcome)?;
    }
    print(args, &outcome, &disk)?;
    if args.statistics {
        eprint!("{}", summary::statistics(&outcome.ledger));
    }
    if !args.quiet {
        eprintln!("{}", summary::last_line(&outcome.ledger, configured.settings.confidence));
    }
    Ok(exit_code(args, &configured, &outcome))
}

/// The threads that are wanted.
pub fn pool(args: &CheckArgs) -> Result<rayon::ThreadPool, Failure> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.unwrap_or(0))
        .stack_size(super::STACK)
        .build()
        .map_err(|error| Failure::usage(format!("threads cannot be started: {error}")))
}

fn analyse(
    args: &CheckArgs,
    configured: &Configured,
    request: Request,
    unwalked: Vec<TextError>,
    disk: &Disk,
) -> Result<Outcome, Failure> {
    let progress = terminal::progress_bar(args, request.files.len());
    let pool = pool(args)?;
    let tick = || progress.inc(1);
    let mut outcome = pool.install(|| driver::run(request, disk, &configured.settings, &tick));
    progress.finish_and_clear();
    outcome.ledger.unreadable += unwalked.len();
    outcome.errors.extend(unwalked);
    Ok(outcome)
}

fn print(args: &CheckArgs, outcome: &Outcome, disk: &Disk) -> Result<(), Failure> {
    let context =
        RenderContext { texts: disk, color: terminal::color(args.color), unicode: terminal::unicode() };
    let reporter = match args.output_format {
        Format::Full => report::full::render,
        Format::Concise => report::concise::render,
        Format::Json => report::json::render,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    match reporter(outcome, &context, &mut out).and_then(|()| out.flush()) {
        // Nobody listens any more: that is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::input("standard output", &files::plain(&error)))
        }
        _ => Ok(()),
    }
}

fn write_verdicts(path: &Path, outcome: &Outcome) -> Result<(), Failure> {
    let write = || {
        let mut out = BufWriter::new(std::fs::File::create(path)?);
        report::verdicts::render(outcome, &mut out)?;
        out.flush()
    };
    write().map_err(|error| Failure::input(&path.to_string_lossy(), &files::plain(&error)))
}

fn exit_code(args: &CheckArgs, configured: &Configured, outcome: &Outcome) -> u8 {
    let ledger = &outcome.ledger;
    if ledger.files > 0 && outcome.errors.len() >= ledger.files && ledger.functions == 0 {
        return 2;
    }
    let failing = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity >= configured.fail_on);
    let unproved = args.require_proved && ledger.proved < ledger.under_contract;
    let incomplete = ledger.unreadable + ledger.not_decided > 0;
    u8::from(!args.exit_zero && (failing || unproved || args.fail_on_incomplete && incomplete))
}
