//! Signing keys: the secret they are kept in, and what is derived from it. The cryptography is ring's, which TLS brings anyway.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::hmac;
use serde::Deserialize;

use crate::error::Error;

/// The signing keys of the service: the one that signs, and those whose tokens are still taken, by `kid` (RFC 7515, 4.1.4).
#[derive(Clone)]
pub struct Keys {
    active: String,
    by_kid: BTreeMap<String, Vec<u8>>,
}

/// The secret's JSON. A new stack has `{"initial": "<64 random characters>"}`, which `CloudFormation` generates; later it is
/// `{"active": "<kid>", "keys": {"<kid>": "<random characters>"}}`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Secret {
    Rotated { active: String, keys: BTreeMap<String, String> },
    Initial { initial: String },
}

impl Keys {
    /// Reads the secret's string.
    ///
    /// # Errors
    /// [`Error::Internal`], without a word of the secret, when it has another form, lacks the active key or a key is shorter
    /// than the 32 bytes that HS256 asks for (RFC 7518, 3.2).
    pub fn from_secret(text: &str) -> Result<Self, Error> {
        install_ring();
        let secret =
            serde_json::from_str(text).map_err(|_| Error::internal("the signing secret has an unknown form"))?;
        let (active, keys) = match secret {
            Secret::Rotated { active, keys } => (active, keys),
            Secret::Initial { initial } => ("initial".to_owned(), BTreeMap::from([("initial".to_owned(), initial)])),
        };
        if !keys.contains_key(&active) {
            return Err(Error::internal("the signing secret lacks its active key"));
        }
        if keys.values().any(|key| key.len() < 32) {
            return Err(Error::internal("a signing key has fewer than 32 bytes"));
        }
        let by_kid = keys.into_iter().map(|(kid, key)| (kid, key.into_bytes())).collect();
        Ok(Self { active, by_kid })
    }

    /// The `kid` of the key that signs.
    #[must_use]
    pub fn active(&self) -> &str {
        &self.active
    }

    /// The key of each `kid` for one purpose. Keys of different purposes are unrelated to each other (HMAC as a KDF,
    /// NIST SP 800-108).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> BTreeMap<String, Vec<u8>> {
        self.by_kid.iter().map(|(kid, key)| (kid.clone(), mac(key, purpose.as_bytes()))).collect()
    }
}

/// HMAC-SHA-256 (RFC 2104) of `message`.
#[must_use]
pub fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref().to_vec()
}

/// Whether `tag` is the HMAC-SHA-256 of `message`, compared in constant time.
#[must_use]
pub fn mac_holds(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, tag).is_ok()
}

/// HS256 on ring, as jsonwebtoken wants it.
struct Hs256(Vec<u8>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(mac(&self.0, message))
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        if mac_holds(&self.0, message, tag) { Ok(()) } else { Err(signature::Error::new()) }
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(key.as_bytes().to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(key.try_get_as_bytes()?.to_vec()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn install_ring() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: signer,
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    });
    // An error says that it is installed already.
    let _ = provider.install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initial_and_the_rotated_form_are_read() {
        let long = "x".repeat(64);
        let initial = Keys::from_secret(&format!(r#"{{"initial":"{long}"}}"#)).unwrap();
        assert_eq!(initial.active(), "initial");
        let rotated = Keys::from_secret(&format!(r#"{{"active":"b","keys":{{"a":"{long}","b":"{long}"}}}}"#)).unwrap();
        assert_eq!(rotated.derive("access").len(), 2);
        assert_ne!(rotated.derive("access"), rotated.derive("refresh"));
    }

    #[test]
    fn an_unusable_secret_is_refused_without_being_shown() {
        for bad in ["", "{}", r#"{"initial":"hush"}"#, r#"{"active":"b","keys":{"a":"hush"}}"#] {
            let error = Keys::from_secret(bad).err().unwrap();
            assert!(!error.to_string().contains("hush"));
        }
    }
}
