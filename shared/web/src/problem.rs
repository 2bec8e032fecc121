//! What a call answers when it does not do what it was asked (RFC 9457).

pub mod document;

use user_core::access::Denied;
use user_core::client::Scope;
use user_core::error::{Cause, Error, FieldError, Refusal, Unmet};
use user_core::limit::RateLimitState;
use user_core::login::NotAdmitted;
use user_core::user::NotChanged;

/// Every situation in which the service does not do what it was asked. [`document`] gives each its status, its code and its words.
#[derive(Debug)]
pub enum Problem {
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
    /// The refresh token is not (or no longer) valid.
    InvalidRefreshToken,
    /// The refresh token was used before; its session has just been ended.
    RefreshTokenReused,
    /// The token of a link is expired, used, malformed or meant for something else.
    InvalidToken,
    /// There is no valid access token.
    Unauthenticated,
    /// The authentication is too old for a sensitive change.
    StepUpRequired,
    /// The caller may not do this.
    Forbidden,
    /// The caller's client may not do this.
    InsufficientScope(Scope),
    /// There is no such thing.
    NotFound,
    /// The record changed since the client read it.
    Stale,
    /// The change would leave nobody who can administer the service.
    LastAdmin,
    /// Too many requests; the state says when to come again.
    Throttled(RateLimitState),
    /// The service cannot tell now whether the call is allowed.
    Unavailable,
    /// A dependency is down, named without detail.
    Unhealthy(&'static str),
    /// Too many writers at once on one record; nothing was written.
    Busy,
    /// A fault of the service. Its cause goes to the log.
    Internal(Cause),
}

impl Problem {
    /// An internal error whose cause is a sentence or another error.
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

/// What an error of the store means, where a handler does not say otherwise.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unmet(unmet) => unmet.into(),
            Error::Busy => Self::Busy,
            Error::Unavailable => Self::Unavailable,
            Error::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<Unmet> for Problem {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Changed => Self::Stale,
            Unmet::Absent => Self::NotFound,
            Unmet::AddressTaken => Self::EmailTaken,
            Unmet::AddressLeft => Self::InvalidToken,
            Unmet::SessionEnded => Self::Unauthenticated,
            Unmet::LastAdmin => Self::LastAdmin,
            Unmet::Impossible(what) => Self::internal(what),
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(why: NotChanged) -> Self {
        match why {
            NotChanged::TicketVoid => Self::InvalidToken,
            NotChanged::EpochEnded => Self::Unauthenticated,
            NotChanged::TooSoon { seconds } => Self::Throttled(RateLimitState::wait(seconds)),
        }
    }
}

impl From<NotAdmitted> for Problem {
    fn from(why: NotAdmitted) -> Self {
        match why {
            NotAdmitted::Disabled => Self::AccountDisabled,
            NotAdmitted::EmailNotVerified => Self::EmailNotVerified,
        }
    }
}

impl From<Denied> for Problem {
    fn from(why: Denied) -> Self {
        match why {
            Denied::Forbidden => Self::Forbidden,
            Denied::InsufficientScope(scope) => Self::InsufficientScope(scope),
            Denied::StepUpRequired => Self::StepUpRequired,
        }
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::Invalid(errors)
    }
}
