//! What tokens say. Claims that this release does not know are a later one's, and mean nothing here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::TokenKind;
use crate::client::{ClientId, Scopes};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::proof::{Assurance, Method, by_password};
use crate::ticket::{AddressTag, Ticket};
use crate::user::Role;

/// What the claims of every kind have.
pub trait Claims: Serialize + DeserializeOwned {
    /// What the token is for.
    fn kind(&self) -> TokenKind;
    /// When it is valid.
    fn times(&self) -> Times;
}

/// When a token is valid (RFC 7519, 4.1.4 to 4.1.6). This release writes no `nbf`; a later one may.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "registered claims")]
pub struct Times {
    pub iat: Timestamp,
    pub nbf: Option<Timestamp>,
    pub exp: Timestamp,
}

/// Instances' clocks differ a little: a token may be this many seconds from the future, never past its end.
const CLOCK_SKEW_SECONDS: i64 = 5;

impl Times {
    pub(super) fn are_current(self, now: Timestamp) -> bool {
        now < self.exp && self.iat.max(self.nbf.unwrap_or(self.iat)) <= now.plus(CLOCK_SKEW_SECONDS)
    }
}

macro_rules! claims {
    ($($name:ident),+) => {$(
        impl Claims for $name {
            fn kind(&self) -> TokenKind {
                self.kind
            }

            fn times(&self) -> Times {
                Times { iat: self.iat, nbf: self.nbf, exp: self.exp }
            }
        }
    )+};
}
claims!(AccessClaims, RefreshClaims, TicketClaims);

/// What an access token says (RFC 9068, 2.2): who, as what, in which session, until when, by which client, within which scopes, and how
/// and when that was proven. Tokens of 0.1.0 lack what may be missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "registered claims (RFC 7519, 10.1; RFC 9068, 2.2), `role` and `type`")]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub role: Role,
    pub sid: SessionId,
    #[serde(default)]
    pub client_id: ClientId,
    #[serde(default)]
    pub scope: Scopes,
    #[serde(default)]
    pub auth_time: Option<Timestamp>,
    #[serde(default = "by_password")]
    pub amr: Vec<Method>,
    // For other services: here it follows from `amr`.
    #[serde(skip_deserializing)]
    pub acr: Option<Assurance>,
    pub iat: Timestamp,
    pub exp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    pub jti: String,
    #[serde(rename = "type")]
    pub kind: TokenKind,
}

impl AccessClaims {
    /// The names of all claims of an access token (`claims_supported` of OpenID Connect Discovery 1.0, 3).
    pub const NAMES: [&'static str; 14] = [
        "iss",
        "aud",
        "sub",
        "role",
        "sid",
        "client_id",
        "scope",
        "auth_time",
        "amr",
        "acr",
        "iat",
        "exp",
        "jti",
        "type",
    ];
}

/// What a refresh token says: which turn of which session it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "registered claims (RFC 7519, 4.1), `sid` and `seq`")]
pub struct RefreshClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub sid: SessionId,
    pub seq: u64,
    pub iat: Timestamp,
    pub exp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    #[serde(rename = "type")]
    pub kind: TokenKind,
}

/// What the token of a link in an email says: what the link is bound to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "registered claims (RFC 7519, 4.1) and the ticket's fields")]
pub struct TicketClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub epoch: u64,
    pub address: AddressTag,
    pub iat: Timestamp,
    pub exp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    #[serde(rename = "type")]
    pub kind: TokenKind,
}

impl From<TicketClaims> for Ticket {
    fn from(TicketClaims { sub: user, epoch, address, exp: expires_at, .. }: TicketClaims) -> Self {
        Self { user, epoch, address, expires_at }
    }
}
