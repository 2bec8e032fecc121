//! Messages: what waits in the outbox to be mailed. A message holds no usable token; the mailer signs one when it writes it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::event::By;
use crate::id::{MessageId, UserId};
use crate::user::User;
use crate::words::words;

/// How long a message stays in the outbox, in seconds: long enough to answer "I never got the mail".
pub const KEEP_SECONDS: i64 = 30 * 86_400;
/// How often a message is tried before it is given up: for about six hours.
const ATTEMPTS: u32 = 12;

words! {
    /// What a message is about.
    MessageKind {
        /// Prove this address.
        VerifyEmail = "verify-email",
        /// Choose a new password.
        ResetPassword = "reset-password",
        /// Somebody signed up with an address that has an account already.
        AccountExists = "account-exists",
        /// Prove this new address.
        ConfirmEmail = "confirm-email",
        /// A change of address was asked for: a notice to the old one, with the way to prevent it.
        EmailChange = "email-change",
        /// The address has changed: a notice to the old one, with the way back.
        EmailChanged = "email-changed",
        /// The account has gone back to an address that it had before: a notice to the one that it left.
        EmailReverted = "email-reverted",
        /// The password was changed: a notice, in case it was somebody else.
        PasswordChanged = "password-changed",
    }
}

words! {
    /// How far a message has come.
    MessageState {
        /// Waits for the mailer, or for its next attempt.
        Pending = "pending",
        /// Handed to the mail service.
        Sent = "sent",
        /// Not to be sent: the account is gone or needs no such message.
        Dropped = "dropped",
        /// Not sent, because the address gets no emails.
        Suppressed = "suppressed",
        /// Given up: a dead letter, until an operator has it tried again.
        Failed = "failed",
        /// Sent, and come back.
        Bounced = "bounced",
        /// Sent, and its reader called it spam.
        Complained = "complained",
    }
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its own identifier.
    pub id: MessageId,
    /// What it is about.
    pub kind: MessageKind,
    /// Whose message it is; `None` when somebody asked by address, so that asking takes the same time whoever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Where it goes.
    pub to: Email,
    /// The epoch of its user that it was written in. In another one a link that changes the account holds no more, so that it is not sent;
    /// a notice of what has happened is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The request that it comes from, by the gateway's name.
    #[serde(default)]
    pub request_id: String,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: MessageState,
    /// When TTL may remove it.
    pub expires_at: Timestamp,
    /// How often the mailer took it.
    #[serde(default)]
    pub attempts: u32,
    /// From when on the mailer may take it again; while it is being sent, until when nobody else may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When it came to its present state, unless that is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The mail service's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why it was not delivered, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Message {
    /// A new message about `user` that waits for the mailer; `by` made the request that it comes from.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn about(user: &User, kind: MessageKind, to: Email, by: &By, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { user_id: Some(user.id.clone()), epoch: Some(user.epoch), ..Self::asked_for(kind, to, by, now)? })
    }

    /// A new message that somebody asked for by address; the mailer finds out whom it serves.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn asked_for(kind: MessageKind, to: Email, by: &By, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            id: MessageId::new()?,
            kind,
            user_id: None,
            to,
            epoch: None,
            request_id: by.request_id().to_owned(),
            created_at: now,
            state: MessageState::Pending,
            expires_at: now.plus(KEEP_SECONDS),
            attempts: 0,
            retry_at: None,
            settled_at: None,
            message_id: None,
            problem: None,
        })
    }

    /// The same, never to be sent and gone as soon as TTL comes: what is written so that writing nothing takes as long.
    #[must_use]
    pub fn dropped(self) -> Self {
        Self { state: MessageState::Dropped, expires_at: self.created_at, ..self }
    }

    /// How long a message that was claimed so often waits for its next attempt, in seconds: a minute, doubling up to an hour. The first
    /// wait is as long as the mailer may take, so that a crash of the mailer costs that and no more.
    #[must_use]
    pub fn back_off(attempts: u32) -> i64 {
        (60 << attempts.min(6)).min(3_600)
    }

    /// Whether the message had all its attempts.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.attempts >= ATTEMPTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_waits_longer_each_time_and_is_tried_for_hours() {
        let waits: Vec<_> = (0..ATTEMPTS).map(Message::back_off).collect();
        assert_eq!((waits[0], waits[1], waits[6]), (60, 120, 3_600));
        assert!(waits.is_sorted() && waits.iter().sum::<i64>() > 5 * 3_600);
    }
}
