//! Messages: emails to be sent, as they wait in the outbox. A message holds no usable token; the mailer signs one when it writes the email.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::error::Error;
use crate::event::By;
use crate::id::{MessageId, UserId};
use crate::user::User;
use crate::words::words;

/// How long a message stays in the outbox, in seconds: long enough to find out why an email did not arrive.
pub const KEEP_SECONDS: i64 = 30 * 86_400;
/// How many attempts a message has before it is given up; they take about six hours.
const ATTEMPTS: u32 = 12;

words! {
    /// What a message is about.
    MessageKind {
        /// Asks to verify the address of a sign-up.
        VerifyEmail = "verify-email",
        /// Asks to choose a new password.
        ResetPassword = "reset-password",
        /// Somebody signed up with an address that has an account already.
        AccountExists = "account-exists",
        /// Asks to confirm a new address.
        ConfirmEmail = "confirm-email",
        /// A change of address was requested: a notice to the old address, with a link that prevents the change.
        EmailChange = "email-change",
        /// The address has changed: a notice to the old one, with a link that restores it.
        EmailChanged = "email-changed",
        /// The account has gone back to a former address: a notice to the address that it left.
        EmailReverted = "email-reverted",
        /// The password was changed: a notice, in case somebody else changed it.
        PasswordChanged = "password-changed",
    }
}

words! {
    /// The state of a message.
    MessageState {
        /// Waits for the mailer, or for the next attempt.
        Pending = "pending",
        /// Handed to the mail service.
        Sent = "sent",
        /// Not to be sent: the account is gone or needs no such message.
        Dropped = "dropped",
        /// Not sent, because the mailbox is marked as undeliverable.
        Suppressed = "suppressed",
        /// Given up, until an operator has it tried again (a dead letter).
        Failed = "failed",
        /// Sent, and bounced.
        Bounced = "bounced",
        /// Sent, and reported as spam by its reader.
        Complained = "complained",
    }
}

/// A message as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The identifier of the message.
    pub id: MessageId,
    /// What the message is about.
    pub kind: MessageKind,
    /// The account; `None` when somebody requested the message by address, so that the request takes the same time for every address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The address that it is sent to.
    pub to: Email,
    /// The user's epoch when the message was written. In a later epoch links that change the account are void, so that a message with one
    /// is not sent; a notice of what has happened still is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The gateway's identifier for the request that caused it.
    #[serde(default)]
    pub request_id: String,
    /// When it was put into the outbox.
    pub created_at: Timestamp,
    /// The state.
    pub state: MessageState,
    /// When TTL may remove it.
    pub expires_at: Timestamp,
    /// How many times the mailer has claimed it.
    #[serde(default)]
    pub attempts: u32,
    /// When the mailer may claim it next; while it is being sent, when the present claim ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When it reached its present state; `None` while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The mail service's identifier for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Why it was not delivered, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Message {
    /// A new pending message about `user`; `by` made the request that causes it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness.
    pub fn about(user: &User, kind: MessageKind, to: Email, by: &By, now: Timestamp) -> Result<Self, Error> {
        Ok(Self { user_id: Some(user.id.clone()), epoch: Some(user.epoch), ..Self::asked_for(kind, to, by, now)? })
    }

    /// A new pending message that somebody requested by address; the mailer finds the account.
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

    /// The same message, marked as dropped and expired at once. It is written so that a request without an email takes the same time.
    #[must_use]
    pub fn dropped(self) -> Self {
        Self { state: MessageState::Dropped, expires_at: self.created_at, ..self }
    }

    /// The wait before the next attempt after so many claims of a message, in seconds: a minute, doubling up to an hour. The first wait
    /// is as long as the mailer's timeout, so that a crash of the mailer costs no more than that.
    #[must_use]
    pub fn back_off(attempts: u32) -> i64 {
        (60 << attempts.min(6)).min(3_600)
    }

    /// Whether the message has used up its attempts.
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
