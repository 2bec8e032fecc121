//! What commands show: text for people, JSON for programs. Neither contains a secret.

use serde_json::{Value, json};
use user_core::clock::Timestamp;
use user_core::email::Mailbox;
use user_core::message::Message;
use user_core::signing::{JwtAlgorithm, Key, Keys};
use user_core::user::{User, UserView};
use user_store::delivery::Undeliverable;

use crate::check::Report;
use crate::cost;
use crate::mail::Status;

/// The outcome of a command.
pub enum Outcome {
    /// A user.
    User(Box<User>),
    /// The signing keys.
    Keys(Keys),
    /// What is known about the emails to an address.
    Mail(Box<Status>),
    /// Whether the items of the store are consistent.
    Check(Box<Report>),
    /// What the service costs.
    Cost(Box<cost::Report>),
    /// Messages.
    Messages(Vec<Message>),
    /// Text as it is.
    Text(String),
    /// A count, and the words for what was counted.
    Count(&'static str, usize),
    /// Output that a command made itself.
    Said {
        /// For programs.
        json: Value,
        /// For people.
        text: String,
        /// Whether no problem was found.
        good: bool,
    },
}

impl From<User> for Outcome {
    fn from(user: User) -> Self {
        Self::User(Box::new(user))
    }
}

impl Outcome {
    /// Whether no problem was found.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Self::Check(report) => report.is_clean(),
            Self::Said { good, .. } => *good,
            _ => true,
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(self) -> Value {
        match self {
            Self::User(user) => json!(UserView::from(*user)),
            Self::Keys(keys) => keys.iter().map(key).collect(),
            Self::Mail(status) => {
                let marks: Value = status.marks.iter().map(mark).collect();
                let messages: Value = status.messages.iter().map(message).collect();
                json!({ "user": status.user.map(UserView::from), "undeliverable": marks, "messages": messages })
            }
            Self::Check(report) => report.json(),
            Self::Cost(report) => report.json(),
            Self::Messages(messages) => messages.iter().map(message).collect(),
            Self::Text(text) => Value::String(text),
            Self::Count(_, count) => json!({ "count": count }),
            Self::Said { json, .. } => json,
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::User(user) => table(user),
            Self::Keys(keys) => lines(keys.iter().map(key_line).chain(symmetric(keys))),
            Self::Mail(status) => {
                let account = status.user.as_ref().map_or("no account".to_owned(), account);
                let open = (status.marks.is_empty() && status.user.is_some()).then(|| "gets emails".to_owned());
                let marks = open.into_iter().chain(status.marks.iter().map(mark_line));
                lines([account].into_iter().chain(marks).chain(status.messages.iter().map(message_line)))
            }
            Self::Check(report) => report.text(),
            Self::Cost(report) => report.text(),
            Self::Messages(messages) if messages.is_empty() => "none".to_owned(),
            Self::Messages(messages) => lines(messages.iter().map(message_line)),
            Self::Text(text) => text.trim_end().to_owned(),
            Self::Count(words, count) => format!("{count} {words}"),
            Self::Said { text, .. } => text.clone(),
        }
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// A key without its secret.
fn key(key: &Key) -> Value {
    let until = key.valid_until.map(|end| end.to_string());
    json!({ "kid": key.kid, "algorithm": key.algorithm, "signs_from": key.signs_from.to_string(), "valid_until": until })
}

fn key_line(key: &Key) -> String {
    let until = key.valid_until.map(|end| format!("  valid until {end}")).unwrap_or_default();
    format!("{:<22}  {}  signs from {}{until}", key.kid, key.algorithm, key.signs_from)
}

/// What follows from a newest key that others cannot have.
fn symmetric(keys: &Keys) -> Option<String> {
    let is_symmetric = keys.iter().next_back().is_some_and(|key| key.algorithm == JwtAlgorithm::Hs256);
    let advice = "With HS256 only this service can verify access tokens, and each function that verifies them could sign them. Set \
                  JwtAlgorithm (locally JWT_ALGORITHM) to ES256, RS256 or EdDSA, deploy, and run `userctl keys rotate`; nobody is signed out.";
    is_symmetric.then(|| advice.to_owned())
}

fn mark(mark: &Undeliverable) -> Value {
    json!({ "mailbox": mark.mailbox, "reason": mark.reason, "since": mark.since.to_string() })
}

fn mark_line(mark: &Undeliverable) -> String {
    let whose = mark.mailbox.as_ref().map_or("the address, in every letter case,", Mailbox::as_str);
    format!("{whose} gets no emails since {}: {}", mark.since, mark.reason)
}

/// A message without its ticket.
fn message(message: &Message) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "id": message.id, "kind": message.kind, "state": message.state, "attempts": message.attempts,
        "created_at": message.created_at.to_string(), "settled_at": time(message.settled_at),
        "retry_at": time(message.retry_at), "problem": message.problem, "message_id": message.message_id,
        "request_id": message.request_id,
    })
}

fn message_line(message: &Message) -> String {
    let problem = message.problem.as_ref().map(|problem| format!("  {problem}")).unwrap_or_default();
    let times = if message.attempts == 1 { "attempt" } else { "attempts" };
    let (kind, state) = (message.kind.as_str(), message.state.as_str());
    format!("{}  {kind:<16}  {state:<10}  {} {times}{problem}", message.created_at, message.attempts)
}

fn account(user: &User) -> String {
    let word = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
    let verified = word(user.is_verified, "verified", "not verified");
    format!("account {} ({verified}, {})", user.id, word(user.is_active, "active", "switched off"))
}

fn table(user: &User) -> String {
    let name =
        [user.first_name.as_deref(), user.last_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!(
        "id        {}\nemail     {}\nname      {name}\nrole      {}\nverified  {}\nactive    {}\ncreated   {}\nupdated   {}",
        user.id,
        user.email.as_str(),
        user.role.as_str(),
        user.is_verified,
        user.is_active,
        user.created_at,
        user.updated_at
    )
}
