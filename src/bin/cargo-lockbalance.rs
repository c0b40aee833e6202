//! `cargo lockbalance`: cargo passes the subcommand's own name as the first argument; drop it.

fn main() -> std::process::ExitCode {
    let mut args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if args.get(1).is_some_and(|a| a == "lockbalance") {
        args.remove(1);
    }
    lockbalance::cli::main(args)
}
