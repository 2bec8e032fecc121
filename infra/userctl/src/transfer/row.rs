//! A user as a line of a file: the format of exports, into which files of other services are converted.

use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::email::Email;
use user_core::error::Refusal;
use user_core::id::UserId;
use user_core::language::Language;
use user_core::login::{Login, NO_PASSWORD};
use user_core::password::foreign;
use user_core::user::{User, name};

use super::moment;
use crate::records::import::Arrival;

/// The longest identifier; no other service has a longer one.
const MAX_ID_BYTES: usize = 128;

/// A user in a file. It has no `Debug`, since it contains a hash.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is the user's of its name; times are RFC 3339")]
pub struct Row {
    pub id: String,
    pub email: String,
    /// `None` for a user without a password.
    pub password_hash: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// `user` by default.
    pub role: Option<String>,
    pub is_verified: bool,
    /// `true` by default.
    pub is_active: bool,
    /// The time of the import by default.
    pub created_at: Option<String>,
    /// `created_at` by default.
    pub updated_at: Option<String>,
    /// `en` by default.
    pub language: Option<String>,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            id: String::new(),
            email: String::new(),
            password_hash: None,
            first_name: None,
            last_name: None,
            role: None,
            is_verified: false,
            is_active: true,
            created_at: None,
            updated_at: None,
            language: None,
        }
    }
}

/// How to complete rows that leave something open.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The time of the import.
    pub now: Timestamp,
    /// After how many seconds an unverified user expires; `None` means never.
    pub unverified_ttl: Option<i64>,
    /// Whether to drop a hash of unknown format, so that the user is imported without a password.
    pub drop_unknown_hashes: bool,
}

impl From<(User, Login)> for Row {
    fn from((user, login): (User, Login)) -> Self {
        Self {
            id: user.id.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            password_hash: Some(login.password_hash).filter(|hash| hash != NO_PASSWORD),
            first_name: user.first_name,
            last_name: user.last_name,
            role: Some(user.role.as_str().to_owned()),
            is_verified: user.is_verified,
            is_active: user.is_active,
            created_at: Some(user.created_at.to_string()),
            updated_at: Some(user.updated_at.to_string()),
            language: Some(user.language.as_str().to_owned()),
        }
    }
}

impl Row {
    /// The row with `change` applied to each of its texts.
    pub(super) fn with_texts(self, change: impl Fn(String) -> String) -> Self {
        let some = |text: Option<String>| text.map(&change);
        Self {
            id: change(self.id),
            email: change(self.email),
            password_hash: some(self.password_hash),
            first_name: some(self.first_name),
            last_name: some(self.last_name),
            role: some(self.role),
            is_verified: self.is_verified,
            is_active: self.is_active,
            created_at: some(self.created_at),
            updated_at: some(self.updated_at),
            language: some(self.language),
        }
    }

    /// The user of this row.
    ///
    /// # Errors
    /// Why the row is no user: `missing-id`, `bad-id`, `invalid-email`, `unsupported-email`, `unknown-role`, `unknown-hash`,
    /// `too-expensive-hash`, `bad-timestamp`, `unknown-language`, or what is wrong with a name.
    pub fn arrival(self, rules: Rules) -> Result<Arrival, Refusal> {
        let time =
            |text: Option<String>| text.filter(|text| !text.is_empty()).map(|text| moment::read(&text)).transpose();
        let (created_at, updated_at) = (time(self.created_at)?, time(self.updated_at)?);
        let dated = created_at.is_some();
        let created_at = created_at.unwrap_or(rules.now);
        let user = User {
            first_name: self.first_name.as_deref().map(name).transpose()?.flatten(),
            last_name: self.last_name.as_deref().map(name).transpose()?.flatten(),
            language: language(self.language.as_deref())?,
            role: self.role.as_deref().filter(|role| !role.is_empty()).unwrap_or("user").parse()?,
            is_verified: self.is_verified,
            is_active: self.is_active,
            updated_at: updated_at.unwrap_or(created_at),
            expires_at: rules.unverified_ttl.filter(|_| !self.is_verified).map(|ttl| rules.now.plus(ttl)),
            ..User::new(id(&self.id)?, Email::parse(&self.email)?, created_at)
        };
        Ok(Arrival { user, password_hash: hash(self.password_hash, rules)?, dated })
    }
}

fn id(text: &str) -> Result<UserId, Refusal> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+=|~".contains(&byte);
    if text.is_empty() {
        Err(Refusal::new("missing-id", "an id is needed"))
    } else if text.len() > MAX_ID_BYTES || !text.bytes().all(good) {
        Err(Refusal::new("bad-id", "an id has at most 128 letters, digits and signs of -_.:+=|~"))
    } else {
        Ok(UserId::of(text))
    }
}

fn language(text: Option<&str>) -> Result<Language, Refusal> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Language::default()) };
    Language::known(text).ok_or_else(|| Refusal::new("unknown-language", "there are no emails in this language"))
}

fn hash(stored: Option<String>, rules: Rules) -> Result<String, Refusal> {
    let Some(stored) = stored.filter(|stored| !stored.is_empty()) else { return Ok(NO_PASSWORD.to_owned()) };
    match foreign::admit(&stored) {
        Ok(()) => Ok(stored),
        Err(refusal) if rules.drop_unknown_hashes && refusal.code == "unknown-hash" => Ok(NO_PASSWORD.to_owned()),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { now: Timestamp(1_000), unverified_ttl: None, drop_unknown_hashes: false };

    fn ann() -> Row {
        Row { id: "7".to_owned(), email: "Ann@example.com".to_owned(), ..Row::default() }
    }

    fn code(row: Row) -> &'static str {
        row.arrival(RULES).map_or_else(|refusal| refusal.code, |_| "")
    }

    #[test]
    fn what_a_row_leaves_open_is_filled_in() {
        let arrival = ann().arrival(RULES).unwrap();
        assert_eq!((arrival.user.created_at, arrival.user.updated_at, arrival.dated), (RULES.now, RULES.now, false));
        assert_eq!(
            (arrival.user.role.as_str(), arrival.password_hash.as_str(), arrival.user.expires_at),
            ("user", "", None)
        );
        let waiting = Rules { unverified_ttl: Some(60), ..RULES };
        let arrival = ann().arrival(waiting).unwrap();
        assert_eq!(arrival.user.expires_at, Some(Timestamp(1_060)));
    }

    #[test]
    fn each_refusal_has_its_code() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(code(ann()), "");
        assert_eq!(code(Row { id: String::new(), ..ann() }), "missing-id");
        assert_eq!(code(Row { id: "a/b".to_owned(), ..ann() }), "bad-id");
        assert_eq!(code(Row { email: "ann".to_owned(), ..ann() }), "invalid-email");
        assert_eq!(code(Row { email: "\"ann\"@example.com".to_owned(), ..ann() }), "invalid-email");
        assert_eq!(code(Row { email: "zo\u{eb}@example.com".to_owned(), ..ann() }), "unsupported-email");
        assert_eq!(code(Row { role: some("barista"), ..ann() }), "unknown-role");
        assert_eq!(code(Row { password_hash: some("md5"), ..ann() }), "unknown-hash");
        assert_eq!(code(Row { created_at: some("soon"), ..ann() }), "bad-timestamp");
        assert_eq!(code(Row { language: some("tlh"), ..ann() }), "unknown-language");
        assert_eq!(code(Row { first_name: some("A\u{7}"), ..ann() }), "control-character");
        assert_eq!(code(Row { last_name: some("\u{202e}nnA"), ..ann() }), "bidirectional-control");
        assert_eq!(code(Row { last_name: some("\u{200b}"), ..ann() }), "invisible");
        let lenient = Rules { drop_unknown_hashes: true, ..RULES };
        assert!(
            Row { password_hash: some("md5"), ..ann() }.arrival(lenient).is_ok_and(|one| one.password_hash.is_empty())
        );
    }
}
