//! What can go wrong, in the words of the service and free of HTTP.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::limit::Standing;

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

    /// This refusal, as one of the field `name`.
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

/// Every situation in which the service does not do what it was asked. `http::problem` gives each its status and code.
#[derive(Debug)]
pub enum Error {
    /// The body is not what its content type says.
    Malformed,
    /// The body's content type is not one the call reads.
    UnsupportedMediaType,
    /// The body is longer than the service reads.
    TooLarge,
    /// Fields of the body or the query break a rule, all of them named.
    Invalid(Vec<FieldError>),
    /// The host is not one of `ALLOWED_HOSTS`.
    UnknownHost,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Another account holds the address.
    EmailTaken,
    /// No account has this address and password.
    InvalidCredentials,
    /// The password is right; the address waits for its verification.
    EmailNotVerified,
    /// The password is right; an administrator switched the account off.
    AccountDisabled,
    /// The refresh token is not (or no longer) good.
    InvalidRefreshToken,
    /// The refresh token was used before; its session has just been ended.
    RefreshTokenReused,
    /// The ticket of a letter is expired, used, malformed or meant for something else.
    InvalidToken,
    /// There is no good access token.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The record changed since the client read it.
    Stale,
    /// The change would leave nobody who can administer the service.
    LastAdmin,
    /// Too many requests; the standing says when to come again.
    Throttled(Standing),
    /// The service cannot tell now whether the call is allowed.
    Unavailable,
    /// A dependency is down, named without detail.
    Unhealthy(&'static str),
    /// Too many writers at once on one record; nothing was written.
    Busy,
    /// A fault of the service. Its cause goes to the log.
    Internal(Cause),
}

impl Error {
    /// An internal error whose cause is a sentence.
    #[must_use]
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// One field is refused.
    #[must_use]
    pub fn invalid(field: &str, refusal: Refusal) -> Self {
        Self::Invalid(vec![refusal.of(field)])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal(cause) => {
                write!(f, "{cause}")?;
                let mut next = cause.source();
                while let Some(source) = next {
                    write!(f, ": {source}")?;
                    next = source.source();
                }
                Ok(())
            }
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Error {}
