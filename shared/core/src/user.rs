//! Users: the record and its changes.

mod email_change;
mod links;
mod name;
mod role;
mod view;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::id::UserId;
use crate::language::Language;
use crate::limit::allowance::after_one_more;
use crate::limit::mailbox::LINK_SECONDS;

pub use email_change::{FormerEmail, PendingEmail, REVERT_SECONDS};
pub use name::{LINE_PATTERN, check_line, described_first_name, described_last_name, name};
pub use role::Role;
pub use view::UserView;

/// How long after its end an unverified user, or the reservation of an address, stays in the table before TTL may remove it, in seconds.
pub const PURGE_DELAY_SECONDS: i64 = 86_400;

/// A user as stored. The password's hash is in the login item, never here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Opaque; it never changes.
    pub id: UserId,
    /// The address as its owner typed it.
    pub email: Email,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The language of the emails to the user.
    #[serde(default)]
    pub language: Language,
    /// What the user may do. The attribute is not called `role`, since `ROLE` is a reserved word of DynamoDB.
    #[serde(rename = "user_role")]
    pub role: Role,
    /// Whether the address is verified.
    pub is_verified: bool,
    /// False when an administrator has deactivated the account.
    pub is_active: bool,
    /// When the user signed up.
    pub created_at: Timestamp,
    /// When the record last changed.
    pub updated_at: Timestamp,
    /// Incremented by every change; the `ETag`.
    pub version: u64,
    /// Incremented when all sessions end: sessions, links in emails and pending changes of an earlier epoch are void.
    pub epoch: u64,
    /// The address that the user asked to change to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_change: Option<PendingEmail>,
    /// The former addresses that can be restored, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverts: Vec<FormerEmail>,
    /// When the user can again end all sessions five times in a row; see [`User::ending_sessions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endings_full_at: Option<Timestamp>,
    /// When a new user expires, unless the address is verified before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl User {
    /// A new user whose address is not verified, without an expiry.
    #[must_use]
    pub fn new(id: UserId, email: Email, now: Timestamp) -> Self {
        Self {
            id,
            email,
            first_name: None,
            last_name: None,
            language: Language::default(),
            role: Role::User,
            is_verified: false,
            is_active: true,
            created_at: now,
            updated_at: now,
            version: 1,
            epoch: 1,
            email_change: None,
            reverts: Vec::new(),
            endings_full_at: None,
            expires_at: None,
        }
    }

    /// Whether the user has expired without verifying the address. Such a user exists for no reader.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The words that somebody who knows the user would try first as a password.
    #[must_use]
    pub fn known_words<'a>(&'a self, project: &'a str) -> Vec<&'a str> {
        let names = [self.first_name.as_deref(), self.last_name.as_deref()].into_iter().flatten();
        [self.email.as_str(), project].into_iter().chain(names).collect()
    }

    /// Whether the user may sign in.
    #[must_use]
    pub fn may_sign_in(&self, now: Timestamp) -> bool {
        self.is_active && self.is_verified && !self.is_expired(now)
    }

    /// Whether the user can administer the service now. The last such user is protected.
    #[must_use]
    pub fn is_working_admin(&self) -> bool {
        self.role == Role::Admin && self.is_active && self.is_verified
    }

    /// The strong validator of this version (RFC 9110, 8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// The user after `edit`: unchanged if nothing changes, otherwise with the next version. Losing the right to sign in starts a new
    /// epoch, so that old sessions stay void if the right comes back. A verified address removes the expiry.
    #[must_use]
    pub fn edited(&self, edit: &Edit, now: Timestamp) -> Self {
        let mut user = self.clone();
        let Edit { first_name, last_name, role, is_verified, is_active } = edit.clone();
        user.first_name = first_name.unwrap_or(user.first_name);
        user.last_name = last_name.unwrap_or(user.last_name);
        user.role = role.unwrap_or(user.role);
        user.is_verified = is_verified.unwrap_or(user.is_verified);
        user.is_active = is_active.unwrap_or(user.is_active);
        if user.is_verified {
            user.expires_at = None;
        }
        if user == *self {
            return user;
        }
        if (self.is_active && !user.is_active) || (self.is_verified && !user.is_verified) {
            return user.in_new_epoch(now);
        }
        user.version += 1;
        user.updated_at = now;
        user
    }

    /// The user in a new epoch. All earlier sessions, links and pending changes are void, except the links that restore an address.
    #[must_use]
    pub fn in_new_epoch(&self, now: Timestamp) -> Self {
        let (epoch, version) = (self.epoch + 1, self.version + 1);
        Self { epoch, version, email_change: None, endings_full_at: None, updated_at: now, ..self.clone() }
    }

    /// Ends all sessions for somebody who was signed in, or knew the password, in `epoch`: five times in a row, then once in the life of a
    /// link. So a thief who has both cannot void the owner's recovery links as fast as they arrive. Anything else that starts an epoch,
    /// above all a recovery, restores the full allowance.
    ///
    /// # Errors
    /// [`NotChanged::EpochEnded`] when a later epoch has begun, which has ended the sessions already; [`NotChanged::TooSoon`].
    pub fn ending_sessions(&self, epoch: u64, now: Timestamp) -> Result<Self, NotChanged> {
        if self.epoch != epoch {
            return Err(NotChanged::EpochEnded);
        }
        let full_at = after_one_more(self.endings_full_at, LINK_SECONDS, now)
            .map_err(|seconds| NotChanged::TooSoon { seconds })?;
        Ok(Self { endings_full_at: Some(full_at), ..self.in_new_epoch(now) })
    }

    /// When TTL may remove the record.
    #[must_use]
    pub fn purge_after(&self) -> Option<Timestamp> {
        self.expires_at.map(|end| end.plus(PURGE_DELAY_SECONDS))
    }
}

/// Why a user was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotChanged {
    /// The ticket does not match the record any more, or the account may not be used.
    TicketVoid,
    /// The epoch of the session has ended, and the session with it.
    EpochEnded,
    /// Too many changes of this kind in a short time; the next one is possible after this many seconds.
    TooSoon {
        /// At least 1.
        seconds: i64,
    },
}

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "each field is the user's of its name")]
pub struct Edit {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<Option<String>>,
    pub role: Option<Role>,
    pub is_verified: Option<bool>,
    pub is_active: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> User {
        User {
            expires_at: Some(Timestamp(100)),
            ..User::new(UserId::of("u"), Email::parse("ann@example.com").unwrap(), Timestamp(1))
        }
    }

    #[test]
    fn an_unverified_user_is_gone_at_its_very_second() {
        assert!(!ann().is_expired(Timestamp(99)));
        assert!(ann().is_expired(Timestamp(100)));
    }

    #[test]
    fn verification_ends_the_wait_and_keeps_the_epoch() {
        let verified = ann().edited(&Edit { is_verified: Some(true), ..Edit::default() }, Timestamp(50));
        assert_eq!((verified.expires_at, verified.version, verified.epoch), (None, 2, 1));
    }

    #[test]
    fn losing_the_right_to_sign_in_starts_a_new_epoch() {
        let off = ann().edited(&Edit { is_active: Some(false), ..Edit::default() }, Timestamp(50));
        assert_eq!(off.epoch, 2);
        let on = off.edited(&Edit { is_active: Some(true), ..Edit::default() }, Timestamp(51));
        assert_eq!(on.epoch, 2);
    }

    #[test]
    fn sessions_are_ended_by_hand_five_times_at_once_and_then_once_in_the_life_of_a_link() {
        let mut user = ann();
        for _ in 0..5 {
            user = user.ending_sessions(user.epoch, Timestamp(50)).unwrap();
        }
        let refused = user.ending_sessions(6, Timestamp(50 + LINK_SECONDS - 1)).unwrap_err();
        assert_eq!(refused, NotChanged::TooSoon { seconds: 1 });
        assert!(user.ending_sessions(6, Timestamp(50 + LINK_SECONDS)).is_ok());
        let recovered = user.in_new_epoch(Timestamp(60));
        assert!(recovered.ending_sessions(7, Timestamp(60)).is_ok(), "after a recovery");
        let late = recovered.ending_sessions(6, Timestamp(60));
        assert_eq!(late, Err(NotChanged::EpochEnded), "the recovery ended them");
    }

    #[test]
    fn an_edit_that_changes_nothing_is_no_new_version() {
        assert_eq!(ann().edited(&Edit { role: Some(Role::User), ..Edit::default() }, Timestamp(50)), ann());
    }
}
