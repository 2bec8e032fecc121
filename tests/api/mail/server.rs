//! A mail server (RFC 5321) that keeps emails in the form in which it receives them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The behaviour of a mail server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Good,
    /// Refuses every recipient temporarily (greylisting).
    Busy,
    /// Refuses every recipient permanently.
    Closed,
    /// Sends no greeting.
    Silent,
    /// Accepts emails only from `ann`, who has this password (RFC 4616).
    Guarded(&'static str),
}

/// A running server.
pub(super) struct MailServer {
    pub(super) port: u16,
    kept: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
    _running: JoinSet<()>,
}

impl MailServer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (kept, manner) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Manner::Good)));
        let port = listener.local_addr().unwrap().port();
        let mut running = JoinSet::new();
        let (store, mood) = (kept.clone(), manner.clone());
        running.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (store, manner) = (store.clone(), *mood.lock().unwrap());
                talks.spawn(async move {
                    let mail = talk(stream, manner).await;
                    store.lock().unwrap().extend(mail.ok().flatten());
                });
            }
        });
        Self { port, kept, manner, _running: running }
    }

    pub(super) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Envelope and content of each email, as received.
    pub(super) fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap().clone()
    }
}

/// One conversation, until the client quits; returns the email that it sent.
async fn talk(stream: TcpStream, manner: Manner) -> std::io::Result<Option<String>> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    if manner == Manner::Silent {
        return lines.next_line().await.map(|_| None);
    }
    writer.write_all(b"220 mail.test ESMTP\r\n").await?;
    let (mut mail, mut is_known) = (String::new(), false);
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match (verb.as_str(), manner) {
            ("EHLO", Manner::Guarded(_)) => "250-mail.test\r\n250 AUTH PLAIN",
            ("AUTH", Manner::Guarded(password)) => {
                let given = line.split(' ').nth(2).and_then(|text| STANDARD.decode(text).ok());
                is_known = given == Some(format!("\0ann\0{password}").into_bytes());
                if is_known { "235 welcome" } else { "535 5.7.8 who are you?" }
            }
            ("MAIL", Manner::Guarded(_)) if !is_known => "530 5.7.0 sign in first",
            ("EHLO", _) => "250-mail.test\r\n250-8BITMIME\r\n250 SMTPUTF8",
            ("RCPT", Manner::Busy) => "451 4.7.1 come again later, ann@example.com",
            ("RCPT", Manner::Closed) => "550 5.1.1 nobody is called ann@example.com",
            ("MAIL" | "RCPT", _) => {
                mail.push_str(&format!("{line}\n"));
                "250 fine"
            }
            ("NOOP", _) => "250 here",
            ("DATA", _) => {
                writer.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.push_str(&format!("{}\n", line.strip_prefix('.').unwrap_or(&line)));
                }
                "250 kept"
            }
            ("QUIT", _) => break,
            _ => "502 what?",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    writer.write_all(b"221 bye\r\n").await?;
    Ok(mail.contains("Subject:").then_some(mail))
}
