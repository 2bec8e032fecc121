//! One signing key: access tokens are signed by the algorithm it was made for; all that stays within the service, by HMAC keys that
//! are derived from it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::JwtAlgorithm;
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

/// The key pair of an asymmetric algorithm.
pub(super) enum PrivateKey {
    /// ECDSA on P-256 with SHA-256.
    Es256(EcdsaKeyPair),
    /// Ed25519.
    EdDsa(Ed25519KeyPair),
}

impl PrivateKey {
    /// Reads PKCS#8.
    pub(super) fn read(algorithm: JwtAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        match algorithm {
            JwtAlgorithm::Hs256 | JwtAlgorithm::Other(_) => None,
            JwtAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                    .ok()
                    .map(Self::Es256)
            }
            JwtAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Self::EdDsa),
        }
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Es256(pair) => pair.public_key().as_ref(),
            Self::EdDsa(pair) => pair.public_key().as_ref(),
        }
    }
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
        let failed = |_| Error::internal("the system's random generator failed");
        let generator = SystemRandom::new();
        let private_key = match algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::Es256 => {
                Some(EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &generator).map_err(failed)?)
            }
            JwtAlgorithm::EdDsa => Some(Ed25519KeyPair::generate_pkcs8(&generator).map_err(failed)?),
            JwtAlgorithm::Other(_) => return Err(Error::internal("keys of this algorithm are a later release's")),
        };
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(random::<16>()?),
            algorithm,
            secret: URL_SAFE_NO_PAD.encode(random::<32>()?),
            private_key: private_key.map(|document| STANDARD.encode(document.as_ref())),
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
        let key = PrivateKey::read(self.algorithm, &pkcs8).ok_or_else(unusable)?;
        Ok(match key {
            PrivateKey::Es256(_) => {
                (Algorithm::ES256, EncodingKey::from_ec_der(&pkcs8), DecodingKey::from_ec_der(key.public()))
            }
            PrivateKey::EdDsa(_) => {
                (Algorithm::EdDSA, EncodingKey::from_ed_der(&pkcs8), DecodingKey::from_ed_der(key.public()))
            }
        })
    }

    /// The public half as a JSON Web Key (RFC 7517, 4; RFC 7518, 6.2; RFC 8037, 2), if there is one.
    #[must_use]
    pub fn jwk(&self) -> Option<Value> {
        let pkcs8 = STANDARD.decode(self.private_key.as_ref()?).ok()?;
        let key = PrivateKey::read(self.algorithm, &pkcs8)?;
        let mut jwk = match &key {
            // An uncompressed point: 4, then both coordinates (SEC 1, 2.3.3).
            PrivateKey::Es256(_) => {
                let (x, y) = key.public().get(1..)?.split_at_checked(32)?;
                json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
            }
            PrivateKey::EdDsa(_) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public()) })
            }
        };
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm);
        jwk["kid"] = json!(self.kid);
        Some(jwk)
    }
}
