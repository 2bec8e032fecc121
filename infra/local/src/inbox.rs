//! The mails that were sent, kept: in memory, and in the data folder so that a restart loses none.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use transport::Mail;

use crate::Fault;

/// Every mail that was sent, oldest first.
pub struct Inbox {
    mails: Mutex<Vec<Mail>>,
    file: Option<Mutex<File>>,
}

impl Inbox {
    /// The inbox of the data folder, or an empty one in memory.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(folder: Option<&Path>) -> Result<Self, Fault> {
        let Some(folder) = folder else {
            return Ok(Self { mails: Mutex::default(), file: None });
        };
        let file = OpenOptions::new().read(true).append(true).create(true).open(folder.join("mail.jsonl"))?;
        // A mail that a crash cut short was not marked as sent: it comes again.
        let lines = BufReader::new(&file).lines().map_while(Result::ok);
        let mails = lines.filter_map(|line| serde_json::from_str(&line).ok()).collect();
        Ok(Self { mails: Mutex::new(mails), file: Some(Mutex::new(file)) })
    }

    /// Keeps a mail, once: a letter that the mailer sends again after a crash is the same mail.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, mail: &Mail) -> io::Result<()> {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.iter().rev().any(|kept| kept.id == mail.id) {
            return Ok(());
        }
        if let Some(file) = &self.file {
            // The line break comes first: it also parts this mail from one that a crash cut short.
            let line = format!("\n{}", serde_json::to_string(mail)?);
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())?;
        }
        mails.push(mail.clone());
        Ok(())
    }

    /// The mails to an address (in any letter case), or all, newest first.
    #[must_use]
    pub fn mails(&self, to: Option<&str>) -> Vec<Mail> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |mail: &&Mail| to.is_none_or(|to| mail.to.as_str().eq_ignore_ascii_case(to));
        mails.iter().rev().filter(wanted).cloned().collect()
    }

    /// The same as JSON, each with its link and the token in it.
    #[must_use]
    pub fn listing(&self, to: Option<&str>) -> Vec<Value> {
        let described = |mail: &Mail| {
            let mut value = json!(mail);
            (value["link"], value["token"]) = (json!(mail.link()), json!(mail.token()));
            value
        };
        self.mails(to).iter().map(described).collect()
    }

    /// The inbox as a page for a browser: each mail as its HTML, in a frame that runs no script.
    #[must_use]
    pub fn page(&self, to: Option<&str>) -> String {
        let mails: String = self.mails(to).iter().map(entry).collect();
        let mails = if mails.is_empty() { "<p>No mail yet. Sign somebody up.</p>".to_owned() } else { mails };
        PAGE.replace("{mails}", &mails)
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

    #[test]
    fn a_mail_is_kept_once_and_a_cut_line_spoils_no_other() {
        let name = user_core::id::UserId::new(0).unwrap();
        let folder = std::env::temp_dir().join(format!("inbox-{name}"));
        std::fs::create_dir(&folder).unwrap();
        let mail = |id: &str| -> Mail {
            let text = |name: &str| (name.to_owned(), serde_json::json!("x"));
            let mut fields: serde_json::Map<_, _> =
                ["kind", "subject", "text", "html", "sent_at"].map(text).into_iter().collect();
            fields.insert("id".to_owned(), serde_json::json!(id));
            fields.insert("to".to_owned(), serde_json::json!("ann@example.com"));
            serde_json::from_value(fields.into()).unwrap()
        };
        let inbox = Inbox::open(Some(&folder)).unwrap();
        inbox.keep(&mail("one")).unwrap();
        inbox.keep(&mail("one")).unwrap();
        drop(inbox);
        let mut file = OpenOptions::new().append(true).open(folder.join("mail.jsonl")).unwrap();
        file.write_all(b"\n{\"id\":\"cut").unwrap();
        Inbox::open(Some(&folder)).unwrap().keep(&mail("two")).unwrap();
        let ids: Vec<_> = Inbox::open(Some(&folder)).unwrap().mails(None).into_iter().map(|mail| mail.id).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(ids, ["two", "one"]);
    }
}
