//! What was typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Proves that every path from a lock acquisition releases exactly once.
#[derive(Debug, Parser)]
#[command(name = "lockbalance", version, about, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; `check` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Without a subcommand: `check`.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check files and directories (the default).
    Check(Box<CheckArgs>),
    /// Explain a rule: LB001, missing-release, or all.
    Explain {
        /// Id, name, or `all`.
        rule: String,
    },
    /// List the rules.
    Rules,
    /// List the lock functions known, built-in and configured.
    Locks(LocksArgs),
    /// Show a function's control-flow graph with the locks held at each block.
    Cfg(CfgArgs),
}

/// Arguments of `check`.
#[derive(Debug, Default, Args)]
pub struct CheckArgs {
    /// Files and directories; the current directory when none is given.
    pub paths: Vec<PathBuf>,
    /// Read further paths from this file, one a line (`-`: standard input); those of other languages are passed over.
    #[arg(long, value_name = "FILE")]
    pub files_from: Option<PathBuf>,
    /// Leave out what matches this glob below directories and in lists (may be repeated).
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Read files that .gitignore hides, too.
    #[arg(long)]
    pub no_ignore: bool,
    /// Judge the files given with the knowledge of the whole tree below DIR.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Check the text on standard input as the file NAME (with --root: of that tree).
    #[arg(long, value_name = "NAME", conflicts_with_all = ["paths", "files_from"])]
    pub stdin_filename: Option<String>,
    /// Largest file that is read, in bytes; 64 MiB unless configured otherwise.
    #[arg(long, value_name = "BYTES")]
    pub max_file_size: Option<usize>,
    /// Format of the findings on standard output.
    #[arg(short = 'f', long, visible_alias = "message-format", value_enum, default_value_t = Format::Full)]
    pub output_format: Format,
    /// Write one JSON line per function and lock: balanced, finding or not-decided, and why.
    #[arg(long, value_name = "FILE")]
    pub verdicts: Option<PathBuf>,
    /// Report only these rules (ids, prefixes or names; may be repeated).
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Do not report these rules.
    #[arg(long, visible_alias = "allow", value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Report these rules as errors.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub deny: Vec<String>,
    /// Report these rules as warnings.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub warn: Vec<String>,
    /// Hide findings of which the tool is less sure.
    #[arg(long, value_enum)]
    pub confidence: Option<ConfidenceArg>,
    /// Show everything and fail on notes too.
    #[arg(long)]
    pub strict: bool,
    /// Lowest severity that makes the exit code 1.
    #[arg(long, value_enum)]
    pub fail_on: Option<SeverityArg>,
    /// Exit with 0 whatever was found.
    #[arg(long)]
    pub exit_zero: bool,
    /// Exit with 1 when something could not be decided or read, too.
    #[arg(long)]
    pub fail_on_incomplete: bool,
    /// Exit with 1 when a declared contract is not proved, and say why.
    #[arg(long)]
    pub require_proved: bool,
    /// Print the ledger: what was balanced, found, not decided and why.
    #[arg(long)]
    pub statistics: bool,
    /// Threads; as many as there are processors when not given.
    #[arg(short = 'j', long, value_name = "N")]
    pub jobs: Option<usize>,
    /// A configuration file, or one `key=value` (may be repeated).
    #[arg(long, value_name = "FILE|KEY=VALUE")]
    pub config: Vec<String>,
    /// Read no configuration file.
    #[arg(long)]
    pub isolated: bool,
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub color: When,
    /// No summary, no progress.
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

/// Arguments of `locks`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LocksArgs {
    /// What else to do than list.
    #[command(subcommand)]
    pub command: Option<LocksCommand>,
    /// Only names that contain this.
    pub name: Option<String>,
    /// A configuration file, or one `key=value`.
    #[arg(long, value_name = "FILE|KEY=VALUE")]
    pub config: Vec<String>,
}

/// What `locks` does beside listing.
#[derive(Debug, Subcommand)]
pub enum LocksCommand {
    /// Print what is believed of a function of the tree, where that comes from, and a path to each way out.
    Why(WhyArgs),
}

/// Arguments of `locks why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// FUNCTION, or FILE::FUNCTION; of several definitions all are shown.
    pub function: String,
    /// Files and directories to read; FILE when it is one, else the current directory, when none is given.
    pub paths: Vec<PathBuf>,
    /// Read the whole tree below DIR, too.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Leave out what matches this glob below directories (may be repeated).
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Threads; as many as there are processors when not given.
    #[arg(short = 'j', long, value_name = "N")]
    pub jobs: Option<usize>,
    /// A configuration file, or one `key=value` (may be repeated).
    #[arg(long, value_name = "FILE|KEY=VALUE")]
    pub config: Vec<String>,
    /// Read no configuration file.
    #[arg(long)]
    pub isolated: bool,
}

/// Arguments of `cfg`.
#[derive(Debug, Args)]
pub struct CfgArgs {
    /// FILE, FILE:LINE or FILE::FUNCTION.
    pub target: String,
    /// Form of the picture.
    #[arg(long, value_enum, default_value_t = Picture::Text)]
    pub format: Picture,
}

/// Forms of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// The intermediate representation.
    Text,
    /// Graphviz.
    Dot,
}

/// Formats of findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With source and numbered steps.
    #[default]
    Full,
    /// One gcc line a finding, notes for the steps.
    Concise,
    /// One JSON document.
    Json,
}

/// Confidence, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfidenceArg {
    /// Only what rests on facts of the text.
    High,
    /// And what rests on convention.
    Medium,
    /// And what rests on presumption; lists what was not decided.
    Low,
}

/// Severity, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeverityArg {
    /// Defects.
    Error,
    /// Worth mending.
    Warning,
    /// Worth knowing.
    Note,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
