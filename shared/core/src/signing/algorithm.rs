//! How access tokens are signed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `JWT_ALGORITHM`: how access tokens are signed (RFC 7518, 3.1; RFC 8037, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// HMAC with SHA-256: this service alone can check them.
    #[serde(rename = "HS256")]
    Hs256,
    /// ECDSA on P-256 with SHA-256: whoever has the public key can.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519: likewise.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl FromStr for JwtAlgorithm {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Hs256, Self::Es256, Self::EdDsa];
        all.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or("is none of HS256, ES256, EdDSA")
    }
}

impl JwtAlgorithm {
    /// Its name in the header of a token (RFC 7515, 4.1.1).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
