//! Key pairs of the asymmetric algorithms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

use super::JwtAlgorithm;
use crate::error::Error;
use crate::id::SystemGenerator;

/// The size of RSA keys (NIST SP 800-57 part 1, revision 5, table 2: sufficient until 2030). Keys live for weeks.
const RSA_BITS: usize = 2_048;

/// The key pair of an asymmetric algorithm.
pub(super) enum PrivateKey {
    /// ECDSA on P-256 with SHA-256.
    Es256(EcdsaKeyPair),
    /// RSA with PKCS#1 1.5 and SHA-256.
    Rs256(RsaKeyPair),
    /// Ed25519.
    EdDsa(Ed25519KeyPair),
}

impl PrivateKey {
    /// A new private key as PKCS#8; none for HMAC.
    ///
    /// # Errors
    /// [`Error::Internal`] when the operating system gives no randomness, or the algorithm is a later release's.
    pub(super) fn generate(algorithm: JwtAlgorithm) -> Result<Option<Vec<u8>>, Error> {
        let failed = |_| Error::internal("the system's random generator failed");
        let generator = SystemRandom::new();
        let pkcs8 = match algorithm {
            JwtAlgorithm::Hs256 => return Ok(None),
            JwtAlgorithm::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &generator);
                document.map_err(failed)?.as_ref().to_vec()
            }
            JwtAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&generator).map_err(failed)?.as_ref().to_vec(),
            // ring cannot generate RSA keys.
            JwtAlgorithm::Rs256 => {
                let key = rsa::PrivateKey::new(&mut SystemGenerator, RSA_BITS).map_err(Error::internal)?;
                key.to_pkcs8_der().map_err(Error::internal)?.as_bytes().to_vec()
            }
            JwtAlgorithm::Other(_) => return Err(Error::internal("keys of this algorithm are a later release's")),
        };
        Ok(Some(pkcs8))
    }

    /// Reads PKCS#8.
    pub(super) fn read(algorithm: JwtAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        match algorithm {
            JwtAlgorithm::Hs256 | JwtAlgorithm::Other(_) => None,
            JwtAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                    .ok()
                    .map(Self::Es256)
            }
            JwtAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(pkcs8).ok().map(Self::Rs256),
            JwtAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Self::EdDsa),
        }
    }

    /// The algorithm as jsonwebtoken calls it.
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::ES256,
            Self::Rs256(_) => Algorithm::RS256,
            Self::EdDsa(_) => Algorithm::EdDSA,
        }
    }

    /// The key that signs; `pkcs8` is what this one was read from.
    pub(super) fn encoding(&self, pkcs8: &[u8]) -> EncodingKey {
        match self {
            Self::Es256(_) => EncodingKey::from_ec_der(pkcs8),
            Self::Rs256(_) => EncodingKey::from_rsa_der(pkcs8),
            Self::EdDsa(_) => EncodingKey::from_ed_der(pkcs8),
        }
    }

    /// The public half.
    pub(super) fn public(&self) -> PublicKey {
        let bytes = match self {
            Self::Es256(pair) => pair.public_key().as_ref(),
            Self::Rs256(pair) => pair.public().as_ref(),
            Self::EdDsa(pair) => pair.public_key().as_ref(),
        };
        PublicKey { algorithm: self.algorithm(), bytes: bytes.to_vec() }
    }

    /// A signature (RFC 7515, 5.1).
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Es256(pair) => pair.sign(&SystemRandom::new(), message).ok().map(|made| made.as_ref().to_vec()),
            Self::Rs256(pair) => {
                let mut made = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut made).ok().map(|()| made)
            }
            Self::EdDsa(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// The public half of a key pair.
pub(super) struct PublicKey {
    pub(super) algorithm: Algorithm,
    /// Of P-256 the uncompressed point (SEC 1, 2.3.3), of RSA the DER of PKCS#1 (RFC 8017, A.1.1), of Ed25519 its 32 bytes.
    pub(super) bytes: Vec<u8>,
}

impl PublicKey {
    /// The one of these bytes; none for an algorithm without public keys.
    pub(super) fn of(algorithm: JwtAlgorithm, bytes: Vec<u8>) -> Option<Self> {
        let algorithm = match algorithm {
            JwtAlgorithm::Es256 => Algorithm::ES256,
            JwtAlgorithm::Rs256 => Algorithm::RS256,
            JwtAlgorithm::EdDsa => Algorithm::EdDSA,
            JwtAlgorithm::Hs256 | JwtAlgorithm::Other(_) => return None,
        };
        Some(Self { algorithm, bytes })
    }

    /// The key that verifies.
    pub(super) fn decoding(&self) -> DecodingKey {
        match self.algorithm {
            Algorithm::ES256 => DecodingKey::from_ec_der(&self.bytes),
            Algorithm::RS256 => DecodingKey::from_rsa_der(&self.bytes),
            _ => DecodingKey::from_ed_der(&self.bytes),
        }
    }

    /// The members of a JSON Web Key that are the algorithm's.
    pub(super) fn jwk(&self) -> Option<Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Some(match self.algorithm {
            // After the byte 4 follow both coordinates.
            Algorithm::ES256 => {
                let (x, y) = self.bytes.get(1..)?.split_at_checked(32)?;
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Algorithm::RS256 => {
                let public = RsaPublicKeyRef::try_from(self.bytes.as_slice()).ok()?;
                let (n, e) = (public.modulus.as_bytes(), public.public_exponent.as_bytes());
                json!({ "kty": "RSA", "n": text(n), "e": text(e) })
            }
            _ => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&self.bytes) }),
        })
    }
}
