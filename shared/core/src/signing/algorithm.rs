//! How access tokens are signed.

use std::fmt;
use std::str::FromStr;

use crate::words::words;

words! {
    /// `JWT_ALGORITHM`: how access tokens are signed (RFC 7518, 3.1; RFC 8037, 3.1), by its name in their header (RFC 7515, 4.1.1).
    JwtAlgorithm {
        /// HMAC with SHA-256: this service alone can check them.
        Hs256 = "HS256",
        /// ECDSA on P-256 with SHA-256: everybody can check them with the public key.
        Es256 = "ES256",
        /// RSA with 2,048 bits, PKCS#1 1.5 and SHA-256, likewise: what JWT authorizers of HTTP APIs accept.
        Rs256 = "RS256",
        /// Ed25519, likewise.
        EdDsa = "EdDSA",
    }
}

impl FromStr for JwtAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(Self::as_str).collect::<Vec<_>>().join(", ");
        Self::known(text).ok_or_else(|| format!("is none of {}", names()))
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
