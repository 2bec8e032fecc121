//! A backup as a file: the first line says when it was made, each further line is an item, and the last line shows that nothing is missing
//! or changed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use template::Fault;
use user_core::clock::Timestamp;

use super::moment;
use super::read::{TextLines, open};
use crate::records::backup::is_item;

/// The format version of backups that this release writes, and the latest that it reads.
const FORM: u32 = 1;

/// After how many items other tasks get a turn, such as the one that waits for an interrupt.
const TURN: u64 = 1_000;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    backup: u32,
    made_at: String,
    release: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Tail {
    end: End,
}

/// See [`Tail`]. The digest is of all bytes before the line.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct End {
    items: u64,
    sha256: String,
}

/// The digest of the bytes that were written or read so far.
struct Digest {
    context: Context,
    items: u64,
}

impl Digest {
    fn new() -> Self {
        Self { context: Context::new(&SHA256), items: 0 }
    }

    fn line(&mut self, text: &str) {
        self.context.update(text.as_bytes());
        self.context.update(b"\n");
    }

    fn end(&self) -> End {
        let digest = self.context.clone().finish();
        let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        End { items: self.items, sha256 }
    }
}

/// Writes a backup.
pub(super) struct Writer<W: Write> {
    target: W,
    digest: Digest,
}

impl<W: Write> Writer<W> {
    /// Begins a backup whose items are read at `now` or later.
    pub(super) fn begin(target: W, now: Timestamp) -> io::Result<Self> {
        let head = Head { backup: FORM, made_at: now.to_string(), release: env!("CARGO_PKG_VERSION").to_owned() };
        let mut writer = Self { target, digest: Digest::new() };
        writer.line(&serde_json::to_string(&head)?)?;
        Ok(writer)
    }

    pub(super) fn item(&mut self, item: &Value) -> io::Result<()> {
        self.digest.items += 1;
        self.line(&item.to_string())
    }

    /// How many items were written.
    pub(super) fn items(&self) -> u64 {
        self.digest.items
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.digest.line(text);
        writeln!(self.target, "{text}")
    }

    /// Writes the last line and returns the target.
    pub(super) fn end(mut self) -> io::Result<W> {
        let tail = Tail { end: self.digest.end() };
        writeln!(self.target, "{}", serde_json::to_string(&tail)?)?;
        Ok(self.target)
    }
}

/// What a complete backup contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// When it was begun; backups of earlier releases do not say so.
    pub made_at: Option<Timestamp>,
    /// How many items it contains.
    pub items: u64,
}

/// A backup that is read.
pub(crate) struct Archive {
    lines: TextLines,
    first: Option<(u64, String)>,
    digest: Digest,
    ended: bool,
    /// When it was begun; backups of earlier releases do not say so.
    pub(crate) made_at: Option<Timestamp>,
    /// How many bytes were read.
    pub(crate) position: Arc<AtomicU64>,
    /// How many bytes there are, if that is known.
    pub(crate) length: Option<u64>,
}

impl Archive {
    /// Opens a file, or standard input for `-`, and reads its first line.
    pub(crate) fn open(file: &Path) -> Result<Self, Fault> {
        let opened = open(file)?;
        let mut lines = TextLines::new(opened.reader);
        let (number, text) = lines.next().transpose().map_err(|_| foreign())?.ok_or("the backup is empty")?;
        let (position, length) = (opened.position, opened.length);
        let mut archive =
            Self { lines, first: None, digest: Digest::new(), ended: false, made_at: None, position, length };
        match serde_json::from_str::<Head>(&text) {
            Ok(head) if head.backup > FORM => {
                return Err(format!("the backup is of form {}, which a later release wrote", head.backup).into());
            }
            Ok(head) => {
                archive.made_at = Some(moment::read(&head.made_at).map_err(|_| foreign())?);
                archive.digest.line(&text);
            }
            Err(_) if serde_json::from_str(&text).is_ok_and(|line| is_item(&line)) => {
                archive.first = Some((number, text));
            }
            Err(_) => return Err(foreign()),
        }
        Ok(archive)
    }

    /// The next item, or `None` after the last one, once it is certain that the backup is complete.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, Fault> {
        loop {
            let line = self.first.take().map(Ok).or_else(|| self.lines.next());
            let Some((number, text)) = line.transpose()? else { return self.at_end().map(|()| None) };
            if self.ended {
                return Err(format!("the backup is damaged: line {number} comes after its end").into());
            }
            if self.made_at.is_none() && text.trim().is_empty() {
                continue;
            }
            if self.made_at.is_some()
                && let Ok(tail) = serde_json::from_str::<Tail>(&text)
            {
                if tail.end != self.digest.end() {
                    return Err("the backup is damaged: it is not what its last line says".into());
                }
                self.ended = true;
                continue;
            }
            self.digest.line(&text);
            match serde_json::from_str(&text) {
                Ok(item) if is_item(&item) => {
                    self.digest.items += 1;
                    return Ok(Some(item));
                }
                _ if self.lines.next().is_none() => return Err(self.cut_off()),
                _ => return Err(format!("the backup is damaged: line {number} is no item").into()),
            }
        }
    }

    fn at_end(&self) -> Result<(), Fault> {
        if self.made_at.is_some() && !self.ended {
            return Err(self.cut_off());
        }
        if self.digest.items == 0 { Err("the backup holds no items".into()) } else { Ok(()) }
    }

    fn cut_off(&self) -> Fault {
        format!("the backup is cut off after {} items", self.digest.items).into()
    }
}

fn foreign() -> Fault {
    "the file is no backup of userctl".into()
}

/// Reads a backup to its end.
///
/// # Errors
/// If the file is empty, cut off, damaged or no backup; the message says which.
pub async fn verify(file: &Path) -> Result<Contents, Fault> {
    let mut archive = Archive::open(file)?;
    let mut items = 0;
    while archive.next()?.is_some() {
        items += 1;
        if items % TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(Contents { made_at: archive.made_at, items })
}

/// The newest backup of a folder at the time `now`; a path to a file is returned as it is.
///
/// # Errors
/// If the folder cannot be read or contains no backup.
pub fn newest(path: &Path, now: Timestamp) -> Result<PathBuf, Fault> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let files = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    let files = files.into_iter().map(|file| file.path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == ENDING));
    // A backup whose first line is damaged or dated more than a day ahead counts by the time of its file. A damaged newest backup must be
    // found damaged, and one made with a wrong clock must not hide later ones.
    let moment = |file: &PathBuf| {
        let written = || std::fs::metadata(file).and_then(|about| about.modified()).ok();
        let written = || written()?.duration_since(std::time::UNIX_EPOCH).ok();
        let made_at = Archive::open(file)
            .ok()
            .and_then(|archive| archive.made_at)
            .filter(|made_at| made_at.since(now) <= moment::DAY);
        made_at.or_else(|| Some(Timestamp(i64::try_from(written()?.as_secs()).ok()?)))
    };
    let newest = files.max_by_key(moment);
    newest.ok_or_else(|| format!("there is no backup in {}", path.display()).into())
}

/// The file of a new backup: if `path` is a folder, a file in it that is named after the time.
#[must_use]
pub fn file_for(path: &Path, now: Timestamp) -> PathBuf {
    let name = format!("{}.{ENDING}", now.to_string().replace(':', "-"));
    if path.is_dir() { path.join(name) } else { path.to_owned() }
}

/// The extension of backups in a folder.
const ENDING: &str = "jsonl";
