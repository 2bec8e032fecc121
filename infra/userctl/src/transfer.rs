//! Users in files: import from an export or from another service, and export.
//!
//! - [`row`]: a user as a line of a file.
//! - [`read`]: lines of files, one by one.
//! - [`fastapi`], [`cognito`]: files of other services.
//! - [`moment`]: times in the formats of people and services.
//! - [`import`], [`export`]: the two directions; `formula`: text that a spreadsheet would execute.
//! - [`backup`]: the users table, item by item; [`archive`]: the file of a backup.

pub mod archive;
pub mod backup;
pub mod cognito;
pub mod export;
pub mod fastapi;
mod formula;
pub mod import;
pub mod moment;
pub(crate) mod progress;
pub mod read;
mod reject;
pub mod row;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use folder::create_private;

/// The format of users in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines: an object in each line.
    Jsonl,
    /// CSV with a header (RFC 4180).
    Csv,
}

impl Format {
    /// The format that a file's extension names, or JSON Lines if it names none.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let csv = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if csv { Self::Csv } else { Self::Jsonl }
    }
}

/// Whether a file name stands for standard output or input.
#[must_use]
pub fn is_standard(file: &Path) -> bool {
    file == Path::new("-")
}

/// A file that gets its name only when it is complete; or standard output.
pub(crate) struct Target {
    writer: Box<dyn Write>,
    rename: Option<(PathBuf, PathBuf)>,
}

impl Target {
    pub(crate) fn create(file: &Path) -> io::Result<Self> {
        if is_standard(file) {
            return Ok(Self { writer: Box::new(BufWriter::new(io::stdout())), rename: None });
        }
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let writer = Box::new(BufWriter::new(create_private(&part)?));
        Ok(Self { writer, rename: Some((part, file.to_owned())) })
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.rename.map_or(Ok(()), |(part, whole)| std::fs::rename(part, whole))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
