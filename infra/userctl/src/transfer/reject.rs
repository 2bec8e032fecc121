//! The file of rejected rows: for each a line of JSON with its line number and the reason, never with a hash.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use user_core::error::Refusal;

/// The rejected rows.
pub(super) struct Rejects {
    file: PathBuf,
    writer: BufWriter<File>,
    /// How many rows were rejected for each reason.
    pub(super) reasons: BTreeMap<&'static str, u64>,
}

impl Rejects {
    pub(super) fn create(file: &Path) -> io::Result<Self> {
        let writer = BufWriter::new(folder::create_private(file)?);
        Ok(Self { file: file.to_owned(), writer, reasons: BTreeMap::new() })
    }

    pub(super) fn add(&mut self, line: u64, (id, email): (&str, &str), refusal: &Refusal) -> io::Result<()> {
        *self.reasons.entry(refusal.code).or_default() += 1;
        let line = json!({ "line": line, "id": id, "email": email, "code": refusal.code, "detail": refusal.detail });
        writeln!(self.writer, "{line}")
    }

    /// Closes the file and returns how many rows it has for each reason.
    pub(super) fn finish(mut self) -> io::Result<BTreeMap<&'static str, u64>> {
        self.writer.flush()?;
        Ok(self.reasons.clone())
    }
}

/// An empty file is removed, also if the import ended with an error.
impl Drop for Rejects {
    fn drop(&mut self) {
        if self.reasons.is_empty() {
            let _ = std::fs::remove_file(&self.file);
        }
    }
}
