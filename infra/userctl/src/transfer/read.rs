//! Reads files line by line, so that a file of any length takes the memory of one line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::StringRecord;
use serde_json::error::Category;
use template::Fault;
use user_core::error::Refusal;
use user_web::json::TWICE;

use super::formula::bare;
use super::row::Row;
use super::{Format, is_standard};

/// The length of the longest line, in bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// A row with its position.
pub struct Line {
    /// The number of its line, from 1 on.
    pub number: u64,
    /// The row, or why the line is none.
    pub row: Result<Row, Refusal>,
}

/// The rows of a file, in its order; an error ends the iteration.
pub type Lines = Box<dyn Iterator<Item = Result<Line, Fault>>>;

/// An open file, and how much of it was read.
pub struct Opened {
    /// The content.
    pub reader: Box<dyn BufRead>,
    /// How many bytes were read.
    pub position: Arc<AtomicU64>,
    /// How many bytes there are, if that is known.
    pub length: Option<u64>,
}

/// Opens a file, or standard input for `-`.
///
/// # Errors
/// If it cannot be opened.
pub fn open(file: &Path) -> Result<Opened, Fault> {
    let position = Arc::new(AtomicU64::new(0));
    let (source, length): (Box<dyn Read>, _) = if is_standard(file) {
        (Box::new(io::stdin()), None)
    } else {
        let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let length = opened.metadata().ok().map(|about| about.len());
        (Box::new(opened), length)
    };
    let counted = Counted { source, position: position.clone() };
    Ok(Opened { reader: Box::new(BufReader::with_capacity(1 << 16, counted)), position, length })
}

struct Counted {
    source: Box<dyn Read>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.position.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}

/// The rows of an export.
#[must_use]
pub fn rows(reader: Box<dyn BufRead>, format: Format) -> Lines {
    match format {
        Format::Jsonl => Box::new(TextLines::new(reader).filter_map(|line| match line {
            Ok((_, text)) if text.trim().is_empty() => None,
            Ok((number, text)) => Some(Ok(Line { number, row: json_row(&text) })),
            Err(error) => Some(Err(error)),
        })),
        Format::Csv => Box::new(CsvRows { records: csv::Reader::from_reader(reader), header: None }),
    }
}

/// The rows of a CSV file, by the names in its header.
struct CsvRows {
    records: csv::Reader<Box<dyn BufRead>>,
    header: Option<StringRecord>,
}

impl CsvRows {
    fn read(&mut self) -> Result<Option<Line>, csv::Error> {
        let header = match self.header.take() {
            Some(header) => header,
            None => self.records.headers()?.clone(),
        };
        let mut record = StringRecord::new();
        let more = self.records.read_record(&mut record);
        let row = more.and_then(|more| more.then(|| record.deserialize::<Row>(Some(&header))).transpose());
        self.header = Some(header);
        let number = record.position().map_or(0, csv::Position::line);
        Ok(row?.map(|row| Line { number, row: Ok(row.with_texts(bare)) }))
    }
}

impl Iterator for CsvRows {
    type Item = Result<Line, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.read() {
            Ok(line) => line.map(Ok),
            Err(error) => Some(csv_refusal(error)),
        }
    }
}

fn json_row(text: &str) -> Result<Row, Refusal> {
    serde_json::from_str(text).map_err(|error| unreadable(&error))
}

/// Why a line is no row. serde's text may repeat a value, which may be a hash, so only names of fields are shown.
pub(super) fn unreadable(error: &serde_json::Error) -> Refusal {
    let words = error.to_string();
    let known = ["unknown field", "duplicate field", TWICE].iter().any(|known| words.starts_with(known));
    let detail = match error.classify() {
        Category::Data if known => words,
        Category::Data => format!("a value is not of its field's kind, at column {}", error.column()),
        _ => format!("the line is no JSON object, at column {}", error.column()),
    };
    Refusal::new("unreadable", detail)
}

/// Why a record is no row, or an error that ends the reading, such as an unknown column.
pub(super) fn csv_refusal(error: csv::Error) -> Result<Line, Fault> {
    let number = error.position().map_or(0, csv::Position::line);
    let detail = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.kind() {
            csv::DeserializeErrorKind::Message(words) if words.starts_with("unknown field") => {
                return Err(words.clone().into());
            }
            _ => "a value is not of its column's kind",
        },
        csv::ErrorKind::Utf8 { .. } => "the line is no UTF-8",
        csv::ErrorKind::UnequalLengths { .. } => "the line has not as many fields as the header",
        _ => return Err(error.into()),
    };
    Ok(Line { number, row: Err(Refusal::new("unreadable", detail)) })
}

/// Lines of text with their numbers.
pub(super) struct TextLines {
    reader: Box<dyn BufRead>,
    number: u64,
}

impl TextLines {
    pub(super) fn new(reader: Box<dyn BufRead>) -> Self {
        Self { reader, number: 0 }
    }
}

impl Iterator for TextLines {
    type Item = Result<(u64, String), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        self.number += 1;
        let number = self.number;
        match self.reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Err(error) => Some(Err(error.into())),
            Ok(0) => None,
            Ok(_) if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE_BYTES => {
                Some(Err(format!("line {number} has more than {MAX_LINE_BYTES} bytes").into()))
            }
            Ok(_) => {
                let text = String::from_utf8(line).map_err(|_| format!("line {number} is no UTF-8").into());
                Some(text.map(|text| (number, text.trim_end_matches(['\n', '\r']).to_owned())))
            }
        }
    }
}
