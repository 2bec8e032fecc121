//! Clients (RFC 6749, 1.1): what acts for a user, and how far it may go.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// The identifier of a client (RFC 6749, 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

/// The one client that there is: the service's own front ends.
const FIRST_PARTY: &str = "first-party";

impl Default for ClientId {
    fn default() -> Self {
        Self(FIRST_PARTY.to_owned())
    }
}

impl ClientId {
    fn is_first_party(&self) -> bool {
        self.0 == FIRST_PARTY
    }
}

words! {
    /// What a client may do for a user (RFC 6749, 3.3). What the user may do itself is not more by it.
    Scope {
        /// The user's own account: record, credentials, sessions.
        Account = "account",
        /// The records of all users, for administrators.
        Users = "users",
    }
}

/// The scopes of a token or a session, separated by spaces as in the claim `scope` (RFC 9068, 2.2.3). Those that this release does not
/// know are carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(String);

/// All scopes that there are.
impl Default for Scopes {
    fn default() -> Self {
        let words: Vec<_> = Scope::ALL.iter().map(Scope::as_str).collect();
        Self(words.join(" "))
    }
}

impl Scopes {
    /// Whether `scope` is among them.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.split(' ').any(|word| word == scope.as_str())
    }
}

/// Which client acts for a user, and how far it may go. The default is the service's own front ends, which may do everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The client.
    pub client_id: ClientId,
    /// What it may do.
    pub scope: Scopes,
}

impl Grant {
    /// Whether it is that of the service's own front ends.
    #[must_use]
    pub fn is_first_party(&self) -> bool {
        self.client_id.is_first_party()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_whole_word_and_unknown_ones_are_carried() {
        let scopes: Scopes = serde_json::from_str(r#""openid accounts users""#).unwrap();
        assert!(scopes.has(Scope::Users) && !scopes.has(Scope::Account));
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#""openid accounts users""#);
        assert_eq!(serde_json::to_string(&Scopes::default()).unwrap(), r#""account users""#);
    }
}
