//! Tickets: what the link in an email may do. A ticket is signed and stored nowhere. It is bound to the user, to an epoch of the user and
//! to the address that it was sent to, and valid as long as the record matches. The change that it makes voids it, so it works once.
//! Requesting another one voids nothing. A new epoch voids every open link, except those that restore a former address.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::{Email, EmailKey};
use crate::id::UserId;

/// What a link in an email is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Verifies the address of a sign-up.
    Verify,
    /// Sets a new password.
    Reset,
    /// Verifies a new address.
    ConfirmEmail,
    /// Restores a former address.
    RevertEmail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Verify, Self::Reset, Self::ConfirmEmail, Self::RevertEmail];

    /// The word for it in tokens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::ConfirmEmail => "confirm-email",
            Self::RevertEmail => "revert-email",
        }
    }
}

/// An address in a ticket: part of its hash, so that a link does not reveal the address in the logs it passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressTag(String);

impl AddressTag {
    /// The tag of an address' key: 128 bits of its SHA-256 in base64url.
    #[must_use]
    pub fn of(key: &EmailKey) -> Self {
        Self(crate::id::digest(key.as_str()))
    }
}

/// What a link in an email is bound to, besides its purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The user whose account it may change.
    pub user: UserId,
    /// The epoch of the user that it is bound to.
    pub epoch: u64,
    /// The address that it was sent to.
    pub address: AddressTag,
    /// Until when it is valid.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// Whether the link was sent to this address.
    #[must_use]
    pub fn went_to(&self, email: &Email) -> bool {
        self.address == AddressTag::of(&email.key())
    }

    /// A ticket of no user, for testing keys.
    pub(crate) fn probe(expires_at: Timestamp) -> Self {
        Self { user: UserId::of("probe"), epoch: 1, address: AddressTag(String::new()), expires_at }
    }
}
