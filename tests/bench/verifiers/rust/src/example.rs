use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Claims {
    pub sub: String,
}

/// `keys` is what `{issuer}/.well-known/jwks.json` says.
pub fn claims(token: &str, keys: &JwkSet, issuer: &str, audience: &str) -> Result<Claims> {
    let kid = decode_header(token)?.kid.ok_or(ErrorKind::InvalidToken)?;
    let key = keys.find(&kid).ok_or(ErrorKind::InvalidToken)?;
    // The key has one algorithm, and the token does not choose it.
    let algorithm = key.common.key_algorithm.ok_or(ErrorKind::InvalidToken)?;
    let mut validation = Validation::new(algorithm.try_into()?);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = 0;
    let verified = decode::<Claims>(token, &DecodingKey::try_from(key)?, &validation)?;
    if verified.header.typ.as_deref() == Some("at+jwt") {
        Ok(verified.claims)
    } else {
        Err(ErrorKind::InvalidToken.into())
    }
}
