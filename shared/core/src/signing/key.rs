//! One signing key: access tokens are signed by the algorithm it was made for; all that stays within the service, by HMAC keys that
//! are derived from it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::JwtAlgorithm;
use super::pair::PrivateKey;
use super::provider::mac;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::random;

/// A key and its times.
#[derive(Clone, Serialize, Deserialize)]
pub struct Key {
    /// Names the key in tokens (RFC 7515, 4.1.4).
    pub kid: String,
    /// What it signs access tokens with.
    pub algorithm: JwtAlgorithm,
    /// Random characters; keys for single purposes are derived from them.
    secret: String,
    /// The private key of an asymmetric algorithm: PKCS#8 in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when its tokens are accepted.
    #[serde(rename = "good_until", skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// What a later release says of the key.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Key {
    /// The key of a stack that never rotated.
    pub(super) fn initial(secret: String) -> Self {
        let algorithm = JwtAlgorithm::Hs256;
        let (signs_from, valid_until) = (Timestamp(0), None);
        Self {
            kid: "initial".to_owned(),
            algorithm,
            secret,
            private_key: None,
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
            secret: URL_SAFE_NO_PAD.encode(random::<32>()?),
            private_key: private_key.map(|pkcs8| STANDARD.encode(pkcs8)),
            signs_from,
            valid_until: None,
            rest: Map::new(),
        })
    }

    /// Goes on when the key can be used: no fewer than the 32 bytes that HS256 asks for (RFC 7518, 3.2), and a private key where one
    /// is needed. One of an algorithm that this release does not know is a later one's to use.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.secret.len() < 32 {
            return Err(Error::internal("a signing key has fewer than 32 bytes"));
        }
        if self.algorithm.is_known() { self.access().map(|_| ()) } else { Ok(()) }
    }

    /// Whether tokens of this key are still accepted.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_until.is_none_or(|end| now < end)
    }

    /// The HMAC key for one purpose. Keys of different purposes are unrelated to each other (HMAC as a KDF, NIST SP 800-108).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Vec<u8> {
        mac(self.secret.as_bytes(), purpose.as_bytes())
    }

    /// The algorithm and the keys of tokens that never leave the service.
    pub(crate) fn internal(&self, purpose: &str) -> (Algorithm, EncodingKey, DecodingKey) {
        let key = self.derive(purpose);
        (Algorithm::HS256, EncodingKey::from_secret(&key), DecodingKey::from_secret(&key))
    }

    /// The algorithm and the keys of access tokens.
    ///
    /// # Errors
    /// [`Error::Internal`] when the private key is missing or not one of the algorithm's.
    pub(crate) fn access(&self) -> Result<(Algorithm, EncodingKey, DecodingKey), Error> {
        if self.algorithm == JwtAlgorithm::Hs256 {
            return Ok(self.internal("access"));
        }
        let unusable = || Error::internal("a private key cannot be read");
        let pkcs8 = self.private_key.as_ref().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(unusable)?;
        let pair = PrivateKey::read(self.algorithm, &pkcs8).ok_or_else(unusable)?;
        Ok((pair.algorithm(), pair.encoding(&pkcs8), pair.decoding()))
    }

    /// The public half as a JSON Web Key (RFC 7517, 4; RFC 7518, 6.2 and 6.3; RFC 8037, 2), if there is one.
    #[must_use]
    pub fn jwk(&self) -> Option<Value> {
        let pkcs8 = STANDARD.decode(self.private_key.as_ref()?).ok()?;
        let key = PrivateKey::read(self.algorithm, &pkcs8)?;
        let mut jwk = key.jwk()?;
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm);
        jwk["kid"] = json!(self.kid);
        Some(jwk)
    }
}
