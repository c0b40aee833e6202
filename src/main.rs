//! The `lockbalance` binary: everything happens in [`lockbalance::cli`].

fn main() -> std::process::ExitCode {
    lockbalance::cli::main(std::env::args_os().collect())
}
