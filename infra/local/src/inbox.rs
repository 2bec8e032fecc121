//! The emails that were sent. They are kept in the data folder, so that a restart loses none, or in memory if there is no folder.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use folder::open_private;
use serde_json::{Value, json};
use template::Fault;
use transport::Mail;

/// All emails that were sent. Besides the email itself, each takes about 40 bytes of memory.
pub struct Inbox(Mutex<Kept>);

struct Kept {
    /// Each email is a line of JSON.
    lines: Box<dyn Lines>,
    index: Index,
}

trait Lines: Read + Write + Seek + Send {}
impl<T: Read + Write + Seek + Send> Lines for T {}

#[derive(Default)]
struct Index {
    /// Oldest first.
    entries: Vec<Entry>,
    /// The hashes of the emails' ids.
    ids: HashSet<u64>,
    hashes: RandomState,
}

/// The position and length of an email in bytes, and the hash of the address that it goes to.
struct Entry {
    at: u64,
    bytes: usize,
    to: u64,
}

impl Index {
    fn of_id(&self, mail: &Mail) -> u64 {
        self.hashes.hash_one(&mail.id)
    }

    fn of_address(&self, address: &str) -> u64 {
        self.hashes.hash_one(address.to_ascii_lowercase())
    }

    fn note(&mut self, mail: &Mail, at: u64, bytes: usize) {
        self.ids.insert(self.of_id(mail));
        self.entries.push(Entry { at, bytes, to: self.of_address(mail.to.as_str()) });
    }
}

impl Inbox {
    /// The inbox of the data folder, or an empty one in memory.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub fn open(folder: Option<&Path>) -> Result<Self, Fault> {
        let mut lines: Box<dyn Lines> = match folder {
            Some(folder) => {
                let mut options = OpenOptions::new();
                let file = folder.join("mail.jsonl");
                Box::new(open_private(options.read(true).append(true).create(true), &file)?)
            }
            None => Box::new(Cursor::new(Vec::new())),
        };
        let (mut index, mut at, mut line) = (Index::default(), 0, Vec::new());
        let mut reader = BufReader::new(&mut lines);
        while reader.read_until(b'\n', &mut line)? > 0 {
            // An email that a crash cut short was not marked as sent, so it is sent again.
            if let Ok(mail) = serde_json::from_slice(&line) {
                index.note(&mail, at, line.len());
            }
            at += line.len() as u64;
            line.clear();
        }
        drop(reader);
        Ok(Self(Mutex::new(Kept { lines, index })))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an email once: an email that the mailer sends again after a crash is the same email.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, mail: &Mail) -> io::Result<()> {
        let mut kept = self.lock();
        if kept.index.ids.contains(&kept.index.of_id(mail)) {
            return Ok(());
        }
        // The line break comes first so that it also ends a line that a crash cut short.
        let line = format!("\n{}", serde_json::to_string(mail)?);
        let at = kept.lines.seek(SeekFrom::End(0))?;
        kept.lines.write_all(line.as_bytes())?;
        kept.index.note(mail, at + 1, line.len() - 1);
        Ok(())
    }

    /// The emails to an address (in any letter case), or all emails, newest first.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn mails(&self, to: Option<&str>) -> io::Result<Vec<Mail>> {
        let Kept { lines, index } = &mut *self.lock();
        let to = to.map(|to| index.of_address(to));
        let wanted = index.entries.iter().rev().filter(|entry| to.is_none_or(|to| entry.to == to));
        let read = |entry: &Entry| {
            let mut line = vec![0; entry.bytes];
            lines.seek(SeekFrom::Start(entry.at))?;
            lines.read_exact(&mut line)?;
            Ok(serde_json::from_slice(&line)?)
        };
        wanted.map(read).collect()
    }

    /// The same as JSON, each email with its link and the token in that link.
    ///
    /// # Errors
    /// As [`Inbox::mails`].
    pub fn listing(&self, to: Option<&str>) -> io::Result<Vec<Value>> {
        let described = |mail: &Mail| {
            let mut value = json!(mail);
            (value["link"], value["token"]) = (json!(mail.link()), json!(mail.token()));
            value
        };
        Ok(self.mails(to)?.iter().map(described).collect())
    }

    /// The inbox as a page for a browser; each email is HTML in a frame that runs no script.
    ///
    /// # Errors
    /// As [`Inbox::mails`].
    pub fn page(&self, to: Option<&str>) -> io::Result<String> {
        let mails: String = self.mails(to)?.iter().map(entry).collect();
        let mails = if mails.is_empty() { "<p>No mail yet. Sign somebody up.</p>".to_owned() } else { mails };
        Ok(PAGE.replace("{mails}", &mails))
    }
}

fn entry(mail: &Mail) -> String {
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    format!(
        "<details><summary><b>{}</b> to {} <time>{}</time></summary><iframe sandbox=\"allow-popups\" srcdoc=\"{}\"></iframe></details>",
        text(&mail.subject),
        text(mail.to.as_str()),
        text(&mail.sent_at),
        text(&mail.html)
    )
}

const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Inbox</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:760px;margin:32px auto;padding:0 16px;color:#33261d}
details{border:1px solid #ddd2c8;border-radius:6px;margin:8px 0;padding:8px 12px}summary{cursor:pointer}
time{float:right;color:#7a6a5f}iframe{width:100%;height:560px;border:0}</style>
<h1>Inbox</h1><p>Every mail that this service sent, newest first.</p>{mails}</html>";

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, to: &str) -> Mail {
        let mut fields = json!({ "id": id, "to": to });
        for name in ["kind", "subject", "text", "html", "sent_at"] {
            fields[name] = json!("x");
        }
        serde_json::from_value(fields).unwrap()
    }

    fn ids(inbox: &Inbox, to: Option<&str>) -> Vec<String> {
        inbox.mails(to).unwrap().into_iter().map(|mail| mail.id).collect()
    }

    #[test]
    fn a_mail_is_kept_once_and_a_cut_line_spoils_no_other() {
        let name = user_core::id::UserId::new(0).unwrap();
        let folder = std::env::temp_dir().join(format!("inbox-{name}"));
        std::fs::create_dir(&folder).unwrap();
        let open = || Inbox::open(Some(&folder)).unwrap();
        let inbox = open();
        inbox.keep(&mail("one", "ann@example.com")).unwrap();
        inbox.keep(&mail("one", "ann@example.com")).unwrap();
        drop(inbox);
        let mut file = OpenOptions::new().append(true).open(folder.join("mail.jsonl")).unwrap();
        file.write_all(b"\n{\"id\":\"cut").unwrap();
        let inbox = open();
        inbox.keep(&mail("one", "ann@example.com")).unwrap();
        inbox.keep(&mail("two", "ann@example.com")).unwrap();
        let found = [ids(&inbox, None), ids(&open(), None)];
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [["two", "one"], ["two", "one"]]);
    }

    #[test]
    fn without_a_folder_mails_are_found_by_their_address_in_any_letter_case() {
        let inbox = Inbox::open(None).unwrap();
        for (id, to) in [("one", "ann@example.com"), ("two", "Bob@example.com"), ("three", "bob@example.com")] {
            inbox.keep(&mail(id, to)).unwrap();
        }
        assert_eq!(ids(&inbox, Some("BOB@example.com")), ["three", "two"]);
        assert_eq!(ids(&inbox, Some("eve@example.com")), [""; 0]);
        assert_eq!(ids(&inbox, None), ["three", "two", "one"]);
    }
}
