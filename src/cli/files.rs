//! Which files are read, and their text from the disk or standard input.

use super::args::CheckArgs;
use super::fail::Failure;
use crate::driver::Request;
use crate::frontend;
use crate::source::{TextError, TextProvider};
use ignore::overrides::{Override, OverrideBuilder};
use rustc_hash::FxHashSet;
use std::io::Read;
use std::path::Path;

/// Text from the disk; one name may be given its text from elsewhere.
pub struct Disk {
    /// Text that stands in for a file.
    pub overlay: Option<(String, Vec<u8>)>,
    /// Larger files are refused.
    pub max_file_size: usize,
}

impl TextProvider for Disk {
    fn read(&self, path: &str) -> Result<Vec<u8>, TextError> {
        if let Some((_, text)) = self.overlay.as_ref().filter(|(name, _)| name == path) {
            return Ok(text.clone());
        }
        let error = |reason: String| TextError { path: path.to_owned(), reason };
        let metadata = std::fs::metadata(path).map_err(|e| error(plain(&e)))?;
        if !metadata.is_file() {
            return Err(error("not a regular file".to_owned()));
        }
        if metadata.len() > self.max_file_size as u64 {
            return Err(error(format!("larger than {} bytes (see --max-file-size)", self.max_file_size)));
        }
        std::fs::read(path).map_err(|e| error(plain(&e)))
    }
}

/// Names of entries that mark the top of a project.
const PROJECT_MARKS: [&str; 9] = [
    ".git",
    ".hg",
    ".lockbalance.toml",
    "lockbalance.toml",
    "COPYING",
    "COPYRIGHT",
    "LICENSE",
    "LICENSE.txt",
    "configure",
];

/// A name and the text that stands in for that file.
type Overlay = Option<(String, Vec<u8>)>;

/// What is to be looked at, what could not be walked, and the text that stands in for a file.
pub fn request(args: &CheckArgs, exclude: &[String]) -> Result<(Request, Vec<TextError>, Overlay), Failure> {
    let overlay = match &args.stdin_filename {
        Some(name) => Some((shown(name), standard_input()?)),
        None => None,
    };
    let (given, mut errors) = match &overlay {
        Some((name, _)) => (vec![name.clone()], Vec::new()),
        None => collect(args, exclude)?,
    };
    let Some(root) = &args.root else {
        let closed = overlay.is_none() && args.files_from.is_none() && is_project(args);
        return Ok((Request { files: given, given: FxHashSet::default(), closed }, errors, overlay));
    };
    let root = root.to_string_lossy().into_owned();
    if !metadata(&root)?.is_dir() {
        return Err(Failure::usage(format!("--root {root} is not a directory")));
    }
    let mut files = given.clone();
    walk(&root, args, &overrides(exclude)?, &mut files, &mut errors);
    files.sort_unstable();
    files.dedup();
    Ok((Request { files, given: given.into_iter().collect(), closed: true }, errors, overlay))
}

/// Whether the only path given is the top of a project.
fn is_project(args: &CheckArgs) -> bool {
    let here = Path::new(".");
    let only = match args.paths.as_slice() {
        [] => here,
        [only] => only.as_path(),
        _ => return false,
    };
    PROJECT_MARKS.iter().any(|mark| only.join(mark).exists())
}

fn overrides(exclude: &[String]) -> Result<Override, Failure> {
    let mut overrides = OverrideBuilder::new(".");
    for glob in exclude {
        overrides
            .add(&format!("!{glob}"))
            .map_err(|error| Failure::usage(format!("`{glob}` is not a glob: {error}")))?;
    }
    overrides.build().map_err(|error| Failure::usage(error.to_string()))
}

/// The files to check, sorted, each once; and what could not be walked.
///
/// What is named on the command line is read whatever it is called; what is found below a directory, or listed in a file (often all
/// that a commit touches), only when it is in a language that is understood and not excluded.
fn collect(args: &CheckArgs, exclude: &[String]) -> Result<(Vec<String>, Vec<TextError>), Failure> {
    let overrides = overrides(exclude)?;
    let mut roots: Vec<String> = args.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let listed = args.files_from.as_deref().map(listed).transpose()?;
    if roots.is_empty() && listed.is_none() {
        roots.push(".".to_owned());
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for root in &roots {
        if metadata(root)?.is_dir() {
            walk(root, args, &overrides, &mut found, &mut errors);
        } else {
            found.push(shown(root));
        }
    }
    for name in listed.iter().flatten() {
        if metadata(name)?.is_dir() {
            walk(name, args, &overrides, &mut found, &mut errors);
        } else if frontend::for_path(name).is_some() && !overrides.matched(name, false).is_ignore() {
            found.push(shown(name));
        }
    }
    found.sort_unstable();
    found.dedup();
    // A list may well be empty: a commit that touches no such file. A directory without any is a mistake.
    if found.is_empty() && listed.is_none() {
        return Err(Failure::usage(format!("no C or Rust file below {}", roots.join(", "))));
    }
    Ok((found, errors))
}

fn metadata(path: &str) -> Result<std::fs::Metadata, Failure> {
    std::fs::metadata(path).map_err(|error| Failure::input(path, &plain(&error)))
}

fn walk(
    root: &str,
    args: &CheckArgs,
    overrides: &Override,
    found: &mut Vec<String>,
    errors: &mut Vec<TextError>,
) {
    let mut builder = ignore::WalkBuilder::new(root);
    builder.standard_filters(!args.no_ignore).hidden(true).follow_links(false).overrides(overrides.clone());
    let top = std::path::PathBuf::from(root);
    builder.filter_entry(move |entry| entry.path() == top || !is_not_ours(entry.path()));
    for entry in builder.build() {
        match entry {
            Ok(entry) => {
                let path = entry.path().to_string_lossy();
                let file = entry.file_type().is_some_and(|kind| kind.is_file());
                if file && frontend::for_path(&path).is_some() {
                    found.push(shown(&path));
                }
            }
            Err(error) => errors.push(TextError { path: root.to_owned(), reason: error.to_string() }),
        }
    }
}

/// Whether a folder below the one named holds what cargo built or copied there.
fn is_not_ours(folder: &Path) -> bool {
    let built = folder.join("CACHEDIR.TAG").is_file();
    built || folder.join(".cargo-checksum.json").is_file()
}

/// Paths listed in a file, one a line.
fn listed(list: &Path) -> Result<Vec<String>, Failure> {
    let name = list.to_string_lossy();
    let mut text = String::new();
    if name == "-" {
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| Failure::input("standard input", &plain(&e)))?;
    } else {
        text = std::fs::read_to_string(list).map_err(|e| Failure::input(&name, &plain(&e)))?;
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

/// Standard input as bytes.
fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).map_err(|e| Failure::input("standard input", &plain(&e)))?;
    Ok(text)
}

/// The path without a leading `./`.
fn shown(path: &str) -> String {
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

/// An error of the system in lower case, without its number.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}
