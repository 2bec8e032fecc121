//! The login of a user: what sign-in reads, in one item whose key is the address. It is also the lock that keeps addresses unique.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::UserId;
use crate::proof::{Authentication, Method, Proof};
use crate::user::{Role, User};

/// The hash of an account without a password: nobody signs in with it until its owner has chosen one by email.
pub const NO_PASSWORD: &str = "";

/// A login as stored, with copies of what sign-in needs from the user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Whose login it is.
    pub user_id: UserId,
    /// The password's hash, as a PHC string or in the form of the service it came from; [`NO_PASSWORD`] without one.
    pub password_hash: String,
    /// Copy of [`User::role`]; `ROLE` alone is a reserved word of DynamoDB.
    #[serde(rename = "user_role")]
    pub role: Role,
    /// Copy of [`User::is_verified`].
    pub is_verified: bool,
    /// Copy of [`User::is_active`].
    pub is_active: bool,
    /// Copy of [`User::epoch`].
    pub epoch: u64,
    /// Copy of [`User::expires_at`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Hides the hash.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// Why the owner of an account may not come in with the right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// An administrator switched the account off.
    Disabled,
    /// The address waits for its verification.
    EmailNotVerified,
}

impl Login {
    /// The login of `user` with this password hash.
    #[must_use]
    pub fn of(user: &User, password_hash: String) -> Self {
        Self {
            user_id: user.id.clone(),
            password_hash,
            role: user.role,
            is_verified: user.is_verified,
            is_active: user.is_active,
            epoch: user.epoch,
            expires_at: user.expires_at,
        }
    }

    /// Whether there is a password to sign in with.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.password_hash != NO_PASSWORD
    }

    /// Whether the account never proved its address and its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// The proof of the owner whose password was given at `now` and is right.
    ///
    /// # Errors
    /// [`NotAdmitted`] when the owner may not come in all the same.
    pub fn admit(&self, now: Timestamp) -> Result<Proof, NotAdmitted> {
        match (self.is_active, self.is_verified) {
            (false, _) => Err(NotAdmitted::Disabled),
            (true, false) => Err(NotAdmitted::EmailNotVerified),
            (true, true) => Ok(Proof {
                user_id: self.user_id.clone(),
                epoch: self.epoch,
                authentication: Authentication { at: now, methods: vec![Method::Password] },
            }),
        }
    }
}
