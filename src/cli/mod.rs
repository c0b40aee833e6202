//! The door: all input, output, environment and clock of the crate.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

mod args;
pub mod config;
mod fail;
mod files;
mod run;
mod show;
mod slots;
mod summary;
mod terminal;
mod why;

use args::{Cli, Command, LocksCommand};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Stack of a worker: lowering and parsing recurse with the nesting of the text, which is bounded but deep.
const STACK: usize = 64 << 20;

/// Runs the tool on `args` (the first is the program's name) and gives its exit code: 0 nothing to report, 1 findings,
/// 2 usage, configuration, input or output, 101 an internal panic.
pub fn main(args: Vec<OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("error: internal fault: {info}");
        eprintln!("  help: please report this with the file that caused it");
    }));
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe is no error.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let work = std::thread::Builder::new().stack_size(STACK).spawn(move || dispatch(cli));
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(code))) => ExitCode::from(code),
        Ok(Ok(Err(failure))) => {
            failure.print();
            ExitCode::from(2)
        }
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("error: no thread can be started: {error}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli) -> Result<u8, fail::Failure> {
    match cli.command {
        None => run::check(&cli.check),
        Some(Command::Check(args)) => run::check(&args),
        Some(Command::Explain { rule }) => show::explain(&rule),
        Some(Command::Rules) => show::rules(),
        Some(Command::Locks(args)) => match &args.command {
            Some(LocksCommand::Why(args)) => why::why(args),
            None => show::locks(&args),
        },
        Some(Command::Cfg(args)) => show::cfg(&args),
    }
}
