//! Errors below HTTP. What a client is told about them is decided in `user-web`.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// Why a value was refused: a stable code and a sentence for people. It never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A stable code in kebab case, such as `too-short`.
    pub code: &'static str,
    /// One sentence that says what would be accepted.
    pub detail: String,
}

impl Refusal {
    /// A refusal with this code and sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// This refusal, for the field `name`.
    #[must_use]
    pub fn of(self, name: &str) -> FieldError {
        FieldError { field: name.to_owned(), code: self.code, detail: self.detail }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refusal {}

/// A refusal and the field, query parameter or body part that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The name of the field as the client wrote it.
    #[schema(example = "password")]
    pub field: String,
    /// A stable code in kebab case.
    #[schema(value_type = String, example = "too-short")]
    pub code: &'static str,
    /// One sentence that says what would be accepted.
    #[schema(example = "at least 15 characters are needed")]
    pub detail: String,
}

/// The cause of an internal error; for the log, never for the client.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something was not read, written or computed.
#[derive(Debug)]
pub enum Error {
    /// The condition of a write did not hold.
    Unmet(Unmet),
    /// Too many concurrent writers of one record; nothing was written.
    Busy,
    /// A service does not answer; whether the call had an effect is unknown.
    Unavailable,
    /// A fault of the service. Its cause goes to the log.
    Internal(Cause),
}

/// Which condition of a write did not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// The record has changed since it was read.
    Changed,
    /// There is no such record.
    Absent,
    /// Another account has the address.
    AddressTaken,
    /// The address is not reserved for the account any more.
    AddressLeft,
    /// The session has ended.
    SessionEnded,
    /// No administrator would remain.
    LastAdmin,
    /// Something that cannot happen, as the text describes.
    Impossible(&'static str),
}

impl Error {
    /// An internal error whose cause is a sentence or another error.
    #[must_use]
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }
}

/// An error and all its sources, for the log.
#[must_use]
pub fn in_words(cause: &Cause) -> String {
    let mut words = cause.to_string();
    let mut next = cause.source();
    while let Some(source) = next {
        words = format!("{words}: {source}");
        next = source.source();
    }
    words
}

impl From<Unmet> for Error {
    fn from(unmet: Unmet) -> Self {
        Self::Unmet(unmet)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(cause) => f.write_str(&in_words(cause)),
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Error {}
