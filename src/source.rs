//! Files, places in them, and the door through which text comes in.
//!
//! Text is borrowed per file while it is analysed and asked for again to render a finding: the text of a
//! whole tree is larger than memory should be. What stays is the name of each file and, for files that
//! have findings, the table of its line starts.

use std::sync::OnceLock;

/// One file of a run: an index into its [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one file, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        Span { file, start: start as u32, end: end as u32 }
    }

    /// The text of the span, empty when it does not lie within `text`.
    pub fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A position for people: both counted from 1, the column in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// Line, from 1.
    pub line: u32,
    /// Byte column, from 1.
    pub col: u32,
}

/// Where each line of a text starts.
#[derive(Clone, Debug)]
pub struct LineTable {
    starts: Vec<u32>,
}

impl LineTable {
    /// Reads the line starts off `text`.
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text).map(|at| at as u32 + 1));
        LineTable { starts }
    }

    /// The line and column of byte `offset`.
    pub fn locate(&self, offset: u32) -> LineCol {
        let line = self.starts.partition_point(|&start| start <= offset);
        LineCol { line: line as u32, col: offset - self.starts[line - 1] + 1 }
    }
}

/// The files of a run, in the order in which they are reported.
#[derive(Debug, Default)]
pub struct SourceMap {
    files: Vec<(String, OnceLock<LineTable>)>,
}

impl SourceMap {
    /// A map of `paths`, as given: the caller has sorted them and removed duplicates.
    pub fn new(paths: impl IntoIterator<Item = String>) -> Self {
        SourceMap { files: paths.into_iter().map(|path| (path, OnceLock::new())).collect() }
    }

    /// The path of `file`, as it is shown.
    pub fn path(&self, file: FileId) -> &str {
        &self.files[file.0 as usize].0
    }

    /// All files, in order.
    pub fn files(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..self.files.len() as u32).map(FileId)
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Keeps the line starts of `file`, so that its spans can be located once its text is gone.
    pub fn remember_lines(&self, file: FileId, text: &[u8]) {
        self.files[file.0 as usize].1.get_or_init(|| LineTable::new(text));
    }

    /// Line and column of the start of `span`; line 0 when the file's lines were never remembered.
    pub fn locate(&self, span: Span) -> LineCol {
        self.locate_offset(span.file, span.start)
    }

    /// Line and column of the end of `span` (exclusive).
    pub fn locate_end(&self, span: Span) -> LineCol {
        self.locate_offset(span.file, span.end)
    }

    fn locate_offset(&self, file: FileId, offset: u32) -> LineCol {
        match self.files[file.0 as usize].1.get() {
            Some(table) => table.locate(offset),
            None => LineCol { line: 0, col: 0 },
        }
    }
}

/// Why a file's text could not be had; said in the report, never skipped in silence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct TextError {
    /// The file.
    pub path: String,
    /// What went wrong, in lower case and without a full stop.
    pub reason: String,
}

/// The door through which text comes in: the disk, a git tree, text typed into an editor.
/// Implemented in `cli`; everything below it is pure.
pub trait TextProvider: Sync {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be read, is not a file, or is larger than the run allows.
    fn read(&self, path: &str) -> Result<Vec<u8>, TextError>;
}

/// The door to what is kept between runs. Keys are content hashes; a value that cannot be read is as good as absent.
pub trait Store: Sync {
    /// The bytes kept under `key`.
    fn get(&self, key: &[u8; 32]) -> Option<Vec<u8>>;
    /// Keeps `value` under `key`; a store that cannot write says so once and goes on.
    fn put(&self, key: &[u8; 32], value: &[u8]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let table = LineTable::new(b"ab\n\ncd");
        assert_eq!(table.locate(0), LineCol { line: 1, col: 1 });
        assert_eq!(table.locate(2), LineCol { line: 1, col: 3 });
        assert_eq!(table.locate(3), LineCol { line: 2, col: 1 });
        assert_eq!(table.locate(5), LineCol { line: 3, col: 2 });
    }
}
