//! One signing key: access tokens are signed by the algorithm it was made for; all that stays within the service, by HMAC keys that
//! are derived from it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::JwtAlgorithm;
use super::pair::{PrivateKey, PublicKey};
use super::provider::mac;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::random;

/// A key and its times, with its secrets or as verifiers have it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// Names the key in tokens (RFC 7515, 4.1.4).
    pub kid: String,
    /// What it signs access tokens with.
    pub algorithm: JwtAlgorithm,
    /// Random characters; keys for single purposes are derived from them. Verifiers do not have them.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The private key of an asymmetric algorithm: PKCS#8 in base64. Verifiers do not have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    /// For verifiers: the public key of an asymmetric algorithm, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// For verifiers: the derived keys that they need, in base64, by purpose.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    derived: BTreeMap<String, String>,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when its tokens are accepted.
    #[serde(rename = "good_until", skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What a later release says of the key.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// An algorithm, with the key that signs, unless this is a verifier's, and the one that verifies.
pub(crate) type Pair = (Algorithm, Option<EncodingKey>, DecodingKey);

/// The purpose of the HMAC keys of access tokens under HS256.
const ACCESS: &str = "access";

impl Key {
    /// The key of a stack that never rotated.
    pub(super) fn initial(secret: String) -> Self {
        let algorithm = JwtAlgorithm::Hs256;
        let (signs_from, valid_until) = (Timestamp(0), None);
        Self {
            kid: "initial".to_owned(),
            algorithm,
            secret: Some(secret),
            private_key: None,
            public_key: None,
            derived: BTreeMap::new(),
            signs_from,
            valid_until,
            rest: Map::new(),
        }
    }

    pub(super) fn generate(algorithm: JwtAlgorithm, signs_from: Timestamp) -> Result<Self, Error> {
        let private_key = PrivateKey::generate(algorithm)?;
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(random::<16>()?),
            algorithm,
            secret: Some(URL_SAFE_NO_PAD.encode(random::<32>()?)),
            private_key: private_key.map(|pkcs8| STANDARD.encode(pkcs8)),
            public_key: None,
            derived: BTreeMap::new(),
            signs_from,
            valid_until: None,
            rest: Map::new(),
        })
    }

    /// The key as verifiers have it: its public half, and of the derived keys those for `purposes`. Under HS256 the key that verifies
    /// access tokens is the one that signs them.
    pub(super) fn for_verifiers(&self, purposes: &[&str]) -> Self {
        let symmetric = (self.algorithm == JwtAlgorithm::Hs256).then_some(ACCESS);
        let derived = purposes.iter().copied().chain(symmetric).filter_map(|purpose| {
            let key = self.derive(purpose)?;
            Some((purpose.to_owned(), STANDARD.encode(key)))
        });
        Self {
            secret: None,
            private_key: None,
            public_key: self.public().map(|public| STANDARD.encode(public.bytes)),
            derived: derived.collect(),
            // It may be a later release's secret.
            rest: Map::new(),
            ..self.clone()
        }
    }

    /// Goes on when the key can be used: no fewer than the 32 bytes that HS256 asks for (RFC 7518, 3.2), and a private or public key
    /// where one is needed. One of an algorithm that this release does not know is a later one's to use.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.secret.as_ref().is_some_and(|secret| secret.len() < 32) {
            return Err(Error::internal("a signing key has fewer than 32 bytes"));
        }
        if self.algorithm.is_known() { self.access().map(|_| ()) } else { Ok(()) }
    }

    /// Whether tokens of this key are still accepted.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|end| now < end)
    }

    /// The HMAC key for one purpose; none if this is a verifier's, which needs none for it. Keys of different purposes are unrelated to
    /// each other (HMAC as a KDF, NIST SP 800-108).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Option<Vec<u8>> {
        match &self.secret {
            Some(secret) => Some(mac(secret.as_bytes(), purpose.as_bytes())),
            None => STANDARD.decode(self.derived.get(purpose)?).ok(),
        }
    }

    /// The algorithm and the keys of tokens that never leave the service; none if this is a verifier's.
    pub(crate) fn internal(&self, purpose: &str) -> Option<Pair> {
        let key = self.derive(purpose)?;
        Some((Algorithm::HS256, Some(EncodingKey::from_secret(&key)), DecodingKey::from_secret(&key)))
    }

    /// The algorithm and the keys of access tokens.
    ///
    /// # Errors
    /// [`Error::Internal`] when the private key is missing or not one of the algorithm's.
    pub(crate) fn access(&self) -> Result<Pair, Error> {
        let unusable = || Error::internal("a signing key cannot be read");
        if self.algorithm == JwtAlgorithm::Hs256 {
            return self.internal(ACCESS).ok_or_else(unusable);
        }
        if let Some((private, pkcs8)) = self.private() {
            return Ok((private.algorithm(), Some(private.encoding(&pkcs8)), private.public().decoding()));
        }
        let public = self.public().filter(|_| self.secret.is_none()).ok_or_else(unusable)?;
        Ok((public.algorithm, None, public.decoding()))
    }

    fn private(&self) -> Option<(PrivateKey, Vec<u8>)> {
        let pkcs8 = STANDARD.decode(self.private_key.as_ref()?).ok()?;
        PrivateKey::read(self.algorithm, &pkcs8).map(|private| (private, pkcs8))
    }

    fn public(&self) -> Option<PublicKey> {
        let given = || PublicKey::of(self.algorithm, STANDARD.decode(self.public_key.as_ref()?).ok()?);
        self.private().map(|(private, _)| private.public()).or_else(given)
    }

    /// The public half as a JSON Web Key (RFC 7517, 4; RFC 7518, 6.2 and 6.3; RFC 8037, 2), if there is one.
    #[must_use]
    pub fn jwk(&self) -> Option<Value> {
        let mut jwk = self.public()?.jwk()?;
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm);
        jwk["kid"] = json!(self.kid);
        Some(jwk)
    }
}
