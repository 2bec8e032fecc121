//! Tickets: what the link in an email may do. A ticket is signed and stored nowhere. It is bound to the user, to the user's epoch and to
//! the address that it went to, and valid while the record has both still; the change that it makes moves one of them on. So it works
//! once, asking for another voids nothing, and whatever raises the epoch voids every link that is open.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::{Email, EmailKey};
use crate::id::UserId;

/// What a link in an email is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Proves the address of a sign-up.
    Verify,
    /// Sets a new password.
    Reset,
    /// Proves a new address.
    ConfirmEmail,
    /// Takes an old address back.
    RevertEmail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Verify, Self::Reset, Self::ConfirmEmail, Self::RevertEmail];

    /// The word in tokens.
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

/// An address in a ticket: a part of its hash, so that a link does not tell the address to the logs it passes.
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
    /// Whose account it may change.
    pub user: UserId,
    /// The user's epoch when it was written.
    pub epoch: u64,
    /// The address that it went to.
    pub address: AddressTag,
    /// Until when it is valid.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// Whether the link went to this address.
    #[must_use]
    pub fn went_to(&self, email: &Email) -> bool {
        self.address == AddressTag::of(&email.key())
    }

    /// A ticket that nobody has, for trying keys.
    pub(crate) fn probe(expires_at: Timestamp) -> Self {
        Self { user: UserId::of("probe"), epoch: 1, address: AddressTag(String::new()), expires_at }
    }
}
