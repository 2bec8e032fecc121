//! The keys of one kind of token, and the only form that its tokens have.

use std::collections::HashSet;

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::TokenKind;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::signing::{Key, Keys, active};

/// The keys of one kind of token, oldest first.
pub(super) struct Mint(Vec<MintKey>);

/// A key of one kind of token, and what its tokens must look like.
struct MintKey {
    /// The only header that they have: no parameter of RFC 7515, 4.1 may choose the key or add a meaning.
    header: Header,
    validation: Validation,
    /// Verifiers have none.
    encoding: Option<EncodingKey>,
    decoding: DecodingKey,
    signs_from: Timestamp,
    valid_until: Option<Timestamp>,
}

impl MintKey {
    /// None for access tokens of an algorithm that this release does not know, and for tokens that are not a verifier's to read.
    fn new(kind: TokenKind, key: &Key, issuer: &str, api: &str) -> Result<Option<Self>, Error> {
        if kind == TokenKind::Access && !key.algorithm.is_known() {
            return Ok(None);
        }
        let pair = match kind {
            TokenKind::Access => Some(key.access()?),
            internal => key.internal(internal.name()),
        };
        let Some((algorithm, encoding, decoding)) = pair else { return Ok(None) };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[kind.audience(issuer, api)]);
        // Times are compared below, by the service's own clock and without leeway.
        validation.required_spec_claims = HashSet::new();
        validation.validate_exp = false;
        let header = Header { typ: Some(kind.typ()), kid: Some(key.kid.clone()), ..Header::new(algorithm) };
        let (signs_from, valid_until) = (key.signs_from, key.valid_until);
        Ok(Some(Self { header, validation, encoding, decoding, signs_from, valid_until }))
    }
}

impl Mint {
    pub(super) fn new(kind: TokenKind, keys: &Keys, issuer: &str, api: &str) -> Result<Self, Error> {
        keys.iter()
            .filter_map(|key| MintKey::new(kind, key, issuer, api).transpose())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A token of these claims, signed by the key that signs at `iat`.
    pub(super) fn issue(&self, iat: Timestamp, claims: &impl Serialize) -> Result<String, Error> {
        let key = active(&self.0, |key| key.signs_from, iat);
        // The key of an algorithm that this release does not know may have taken the place of all others.
        let key = key.filter(|key| key.valid_until.is_none_or(|end| iat < end));
        let key = key.ok_or_else(|| Error::internal("there is no signing key"))?;
        let encoding = key.encoding.as_ref().ok_or_else(|| Error::internal("these keys only verify"))?;
        encode(&key.header, claims, encoding).map_err(Error::internal)
    }

    /// The claims of a token of this kind that carries a valid signature, and the end of its key if that is known; the token's own times
    /// are the caller's to judge.
    pub(super) fn read<T: DeserializeOwned>(&self, token: &str, now: Timestamp) -> Option<(T, Option<Timestamp>)> {
        let header = decode_header(token).ok()?;
        let key = self.0.iter().find(|key| key.header == header)?;
        if key.valid_until.is_some_and(|end| end <= now) {
            return None;
        }
        decode::<T>(token, &key.decoding, &key.validation).ok().map(|data| (data.claims, key.valid_until))
    }

    /// Whether the key that a token names is among these; what names none, no other keys would know either.
    pub(super) fn knows(&self, token: &str) -> bool {
        let kid = decode_header(token).ok().and_then(|header| header.kid);
        kid.is_none_or(|kid| self.0.iter().any(|key| key.header.kid.as_ref() == Some(&kid)))
    }
}
