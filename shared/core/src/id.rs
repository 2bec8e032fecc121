//! Identifiers and all other randomness: the only file that draws random bytes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use rsa::rand_core::{TryCryptoRng, TryRng};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// `N` bytes from the operating system's generator.
///
/// # Errors
/// [`Error::Internal`] when the operating system gives no randomness.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system's random generator failed"))?;
    Ok(bytes)
}

/// A random number from 0 to `bound` - 1, for spreading load; 0 when there is no randomness.
#[must_use]
pub fn random_below(bound: u64) -> u64 {
    random::<8>().map_or(0, |bytes| u64::from_le_bytes(bytes) % bound.max(1))
}

/// The operating system's generator, for libraries that draw random bytes themselves.
pub(crate) struct SystemGenerator;

impl TryRng for SystemGenerator {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        random().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        random().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        SystemRandom::new().fill(bytes).map_err(|_| Error::internal("the system's random generator failed"))
    }
}

impl TryCryptoRng for SystemGenerator {}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// An identifier as it is in a token, a path or an item.
            #[must_use]
            pub fn of(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// A user's identifier. It is opaque: new ones are UUIDv7 (RFC 9562, 5.7), imported users keep the one they had.
    UserId
}
identifier! {
    /// A session's identifier: 128 random bits in base64url.
    SessionId
}
identifier! {
    /// The identifier of the mailer's claim to a message: 128 random bits in base64url.
    TurnId
}
identifier! {
    /// A security event's identifier: UUIDv7.
    EventId
}
identifier! {
    /// A message's identifier in the outbox: 128 random bits in base64url.
    MessageId
}

macro_rules! timed_identifier {
    ($($name:ident),*) => {$(
        impl $name {
            /// A new identifier that sorts by the time `millis` (milliseconds since the epoch).
            ///
            /// # Errors
            /// [`Error::Internal`] when the operating system gives no randomness.
            pub fn new(millis: i64) -> Result<Self, Error> {
                let millis = u64::try_from(millis).unwrap_or(0);
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid().to_string()))
            }
        }
    )*};
}
timed_identifier!(UserId, EventId);

impl MessageId {
    /// The identifier of the only message of a cause. It has the form of all others, which mail services accept as a tag.
    #[must_use]
    pub fn once(cause: &str) -> Self {
        Self(digest(cause))
    }
}

/// 128 bits of the SHA-256 of a text, in base64url.
pub(crate) fn digest(text: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// A new identifier of a version of a secret: a random UUID (RFC 9562, 5.4), as Secrets Manager advises.
///
/// # Errors
/// [`Error::Internal`] when the operating system gives no randomness.
pub fn version() -> Result<String, Error> {
    Ok(uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}

macro_rules! random_identifier {
    ($($name:ident),*) => {$(
        impl $name {
            /// A new random identifier.
            ///
            /// # Errors
            /// [`Error::Internal`] when the operating system gives no randomness.
            pub fn new() -> Result<Self, Error> {
                Ok(Self(URL_SAFE_NO_PAD.encode(random::<16>()?)))
            }
        }
    )*};
}
random_identifier!(SessionId, TurnId, MessageId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_sort_by_time() {
        let (a, b) = (UserId::new(1_000).unwrap(), UserId::new(2_000).unwrap());
        assert!(a.as_str() < b.as_str());
        assert_eq!(a.as_str().len(), 36);
    }
}
