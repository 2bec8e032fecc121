//! What tokens say. Claims that this release does not know are a later one's, and mean nothing here.

use serde::{Deserialize, Serialize};

use super::TokenKind;
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::ticket::AddressTag;
use crate::user::Role;

/// What an access token says: who, as what, in which session, until when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "registered claims (RFC 7519, 4.1), `role` and `sid`")]
pub struct AccessClaims {
    pub iss: String,
    pub aud: String,
    pub sub: UserId,
    pub role: Role,
    pub sid: SessionId,
    pub iat: Timestamp,
    pub exp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<Timestamp>,
    pub jti: String,
    #[serde(rename = "type")]
    pub kind: TokenKind,
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
pub(super) struct TicketClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: UserId,
    pub(super) epoch: u64,
    pub(super) address: AddressTag,
    pub(super) iat: Timestamp,
    pub(super) exp: Timestamp,
    #[serde(rename = "type")]
    pub(super) kind: TokenKind,
}
