//! Letters: what waits in the outbox to be mailed. A letter holds no usable token; the mailer signs one when it writes it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::event::By;
use crate::id::{LetterId, TicketId, UserId};

/// How long a letter stays in the outbox, in seconds: long enough to answer "I never got the mail".
const KEEP_SECONDS: i64 = 30 * 86_400;

/// What a letter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Prove this address.
    VerifyEmail,
    /// Choose a new password.
    ResetPassword,
    /// Somebody signed up with an address that has an account already.
    AccountExists,
    /// Prove this new address.
    ConfirmEmail,
    /// The address is about to change: a notice to the old one, with the way back.
    EmailChange,
    /// The password was changed: a notice, in case it was somebody else.
    PasswordChanged,
}

impl Kind {
    /// The word in items and in the local inbox.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify-email",
            Self::ResetPassword => "reset-password",
            Self::AccountExists => "account-exists",
            Self::ConfirmEmail => "confirm-email",
            Self::EmailChange => "email-change",
            Self::PasswordChanged => "password-changed",
        }
    }
}

/// How far a letter has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waits for the mailer.
    Pending,
    /// Handed to the mail service.
    Sent,
    /// Not to be sent: the account is gone or needs no such letter.
    Dropped,
}

/// A letter as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its own identifier.
    pub id: LetterId,
    /// What it is about.
    pub kind: Kind,
    /// Whose letter it is; `None` when somebody asked by address, so that asking takes the same time whoever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Where it goes.
    pub to: Email,
    /// The single-use ticket that its link carries.
    pub ticket: TicketId,
    /// The request that it comes from, by the gateway's name.
    #[serde(default)]
    pub request_id: String,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: State,
    /// When TTL may remove it.
    pub expires_at: Timestamp,
}

impl Letter {
    /// A new letter that waits for the mailer; `by` made the request that it comes from.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn new(kind: Kind, to: Email, user_id: Option<UserId>, by: &By, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            id: LetterId::new()?,
            kind,
            user_id,
            to,
            ticket: TicketId::new()?,
            request_id: by.request_id().to_owned(),
            created_at: now,
            state: State::Pending,
            expires_at: now.plus(KEEP_SECONDS),
        })
    }
}
