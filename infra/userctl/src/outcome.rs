//! What commands show: text for people, JSON for programs. Neither holds a secret.

use serde_json::{Value, json};
use user_core::clock::Timestamp;
use user_core::email::Mailbox;
use user_core::letter::Letter;
use user_core::signing::{Key, Keys};
use user_core::user::{User, UserView};
use user_store::delivery::Undeliverable;

use crate::check::Report;
use crate::cost;
use crate::mail::Status;

/// What came of a command.
pub enum Outcome {
    /// A user.
    User(Box<User>),
    /// The signing keys.
    Keys(Keys),
    /// What is known of the letters to an address.
    Mail(Box<Status>),
    /// Whether the store holds together.
    Check(Box<Report>),
    /// What the service costs.
    Cost(Box<cost::Report>),
    /// Letters.
    Letters(Vec<Letter>),
    /// Text as it is.
    Text(String),
    /// So many of what the words say.
    Count(&'static str, usize),
    /// What a command says itself.
    Said {
        /// For programs.
        json: Value,
        /// For people.
        text: String,
        /// Whether nothing was found wrong.
        good: bool,
    },
}

impl From<User> for Outcome {
    fn from(user: User) -> Self {
        Self::User(Box::new(user))
    }
}

impl Outcome {
    /// Whether nothing was found wrong.
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
                let letters: Value = status.letters.iter().map(letter).collect();
                json!({ "user": status.user.map(UserView::from), "undeliverable": marks, "letters": letters })
            }
            Self::Check(report) => report.json(),
            Self::Cost(report) => report.json(),
            Self::Letters(letters) => letters.iter().map(letter).collect(),
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
            Self::Keys(keys) => lines(keys.iter().map(key_line)),
            Self::Mail(status) => {
                let account = status.user.as_ref().map_or("no account".to_owned(), account);
                let open = (status.marks.is_empty() && status.user.is_some()).then(|| "gets messages".to_owned());
                let marks = open.into_iter().chain(status.marks.iter().map(mark_line));
                lines([account].into_iter().chain(marks).chain(status.letters.iter().map(letter_line)))
            }
            Self::Check(report) => report.text(),
            Self::Cost(report) => report.text(),
            Self::Letters(letters) if letters.is_empty() => "none".to_owned(),
            Self::Letters(letters) => lines(letters.iter().map(letter_line)),
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
    let until = key.good_until.map(|end| end.to_string());
    json!({ "kid": key.kid, "algorithm": key.algorithm, "signs_from": key.signs_from.to_string(), "good_until": until })
}

fn key_line(key: &Key) -> String {
    let until = key.good_until.map(|end| format!("  good until {end}")).unwrap_or_default();
    format!("{:<22}  {}  signs from {}{until}", key.kid, key.algorithm, key.signs_from)
}

fn mark(mark: &Undeliverable) -> Value {
    json!({ "mailbox": mark.mailbox, "reason": mark.reason, "since": mark.since.to_string() })
}

fn mark_line(mark: &Undeliverable) -> String {
    let whose = mark.mailbox.as_ref().map_or("the address, in every letter case,", Mailbox::as_str);
    format!("{whose} gets no messages since {}: {}", mark.since, mark.reason)
}

/// A letter without its ticket.
fn letter(letter: &Letter) -> Value {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "id": letter.id, "kind": letter.kind, "state": letter.state, "attempts": letter.attempts,
        "created_at": letter.created_at.to_string(), "settled_at": time(letter.settled_at),
        "retry_at": time(letter.retry_at), "problem": letter.problem, "message_id": letter.message_id,
        "request_id": letter.request_id,
    })
}

fn letter_line(letter: &Letter) -> String {
    let problem = letter.problem.as_ref().map(|problem| format!("  {problem}")).unwrap_or_default();
    let times = if letter.attempts == 1 { "attempt" } else { "attempts" };
    let (kind, state) = (letter.kind.as_str(), letter.state.as_str());
    format!("{}  {kind:<16}  {state:<10}  {} {times}{problem}", letter.created_at, letter.attempts)
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
