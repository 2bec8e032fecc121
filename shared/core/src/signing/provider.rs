//! ring, which TLS brings anyway, as the cryptography of jsonwebtoken.

use std::sync::OnceLock;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use ring::{digest, hmac};

use super::JwtAlgorithm;
use super::pair::PrivateKey;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// SHA-256 (FIPS 180-4) of `message`.
#[must_use]
pub fn sha256(message: &[u8]) -> Digest {
    let mut bytes = Digest::default();
    bytes.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
    bytes
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

enum RingSigner {
    Hmac(Vec<u8>),
    Pair(Box<PrivateKey>),
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        match self {
            Self::Hmac(key) => Ok(mac(key, message)),
            Self::Pair(pair) => pair.sign(message).ok_or_else(signature::Error::new),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hmac(_) => Algorithm::HS256,
            Self::Pair(pair) => pair.algorithm(),
        }
    }
}

struct RingVerifier(Algorithm, Vec<u8>);

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        let Self(algorithm, key) = self;
        let public =
            |by: &'static dyn VerificationAlgorithm| UnparsedPublicKey::new(by, key).verify(message, tag).is_ok();
        let holds = match algorithm {
            Algorithm::HS256 => mac_holds(key, message, tag),
            Algorithm::ES256 => public(&ECDSA_P256_SHA256_FIXED),
            Algorithm::RS256 => public(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::EdDSA => public(&ED25519),
            _ => false,
        };
        if holds { Ok(()) } else { Err(signature::Error::new()) }
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    let pair = |of| PrivateKey::read(of, key.as_bytes()).map(|pair| RingSigner::Pair(Box::new(pair)));
    let signer = match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Some(RingSigner::Hmac(key.as_bytes().to_vec())),
        (Algorithm::ES256, AlgorithmFamily::Ec) => pair(JwtAlgorithm::Es256),
        (Algorithm::RS256, AlgorithmFamily::Rsa) => pair(JwtAlgorithm::Rs256),
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => pair(JwtAlgorithm::EdDsa),
        _ => None,
    };
    signer.map(|signer| Box::new(signer) as Box<dyn JwtSigner>).ok_or_else(|| ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac)
        | (Algorithm::ES256, AlgorithmFamily::Ec)
        | (Algorithm::RS256, AlgorithmFamily::Rsa)
        | (Algorithm::EdDSA, AlgorithmFamily::Ed) => {
            Ok(Box::new(RingVerifier(*algorithm, key.try_get_as_bytes()?.to_vec())))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

/// Makes jsonwebtoken use ring. The first call in a process counts.
pub(super) fn install() {
    static PROVIDER: OnceLock<CryptoProvider> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| CryptoProvider {
        signer_factory: signer,
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    });
    // An error says that it is installed already.
    let _ = provider.install_default();
}
