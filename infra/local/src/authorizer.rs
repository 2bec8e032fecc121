//! The JWT authorizers of API Gateway, by the steps that AWS documents: those of HTTP APIs (Amazon API Gateway Developer Guide, "Control
//! access to HTTP APIs with JWT authorizers" and "Troubleshooting issues with HTTP API JWT authorizers"), and those of REST APIs as far as
//! they differ (API reference, `JwtConfigurationInput` and `JwtIssuerInput`). They show which tokens of this service AWS would accept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

/// What a token says.
pub type Claims = Map<String, Value>;

/// The kind of API that has the authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Accepts RSA only, and `client_id` in place of a missing `aud`.
    Http,
    /// Accepts ECDSA, too, when both are among the authorizer's algorithms, as here; `aud` is required.
    Rest,
}

/// How an authorizer is configured.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The kind of API.
    pub api: Api,
    /// What `iss` must be.
    pub issuer: &'a str,
    /// What `aud` may be.
    pub audience: &'a [&'a str],
}

/// The first step at which a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The identity source has no token, or something that is not a JWT.
    Malformed,
    /// The API does not accept the algorithm. Here these are all but RS256 and ES256: this service signs with no other that AWS accepts.
    Algorithm,
    /// The issuer publishes no key of this `kid` and algorithm.
    Key,
    /// The signature is not the key's.
    Signature,
    /// `iss` is another one.
    Issuer,
    /// `aud` is none of the authorizer's.
    Audience,
    /// `exp` is missing or over.
    Expired,
    /// `nbf` or `iat` has not come.
    Early,
    /// None of the route's scopes is among the token's.
    Scope,
}

/// The claims of the token in `source`, which may be prefixed with `Bearer`. `keys` is the JWK Set of the issuer's `jwks_uri`, `now` the time
/// in seconds since 1970; a token needs one of the route's `scopes`, if there are any.
///
/// # Errors
/// The step that refuses the token.
pub fn authorize(
    source: &str,
    keys: &Value,
    settings: &Settings<'_>,
    now: i64,
    scopes: &[&str],
) -> Result<Claims, Refusal> {
    let token = source.strip_prefix("Bearer ").unwrap_or(source);
    let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
    let (header, claims, signature) = (object(header)?, object(claims)?, bytes(signature)?);
    verify(&header, signed.as_bytes(), &signature, keys, settings.api)?;
    check(&claims, settings, now)?;
    let granted = text(&claims, "scope").or_else(|| text(&claims, "scp")).unwrap_or_default();
    if scopes.is_empty() || granted.split(' ').any(|scope| scopes.contains(&scope)) {
        Ok(claims)
    } else {
        Err(Refusal::Scope)
    }
}

fn verify(header: &Claims, signed: &[u8], signature: &[u8], keys: &Value, api: Api) -> Result<(), Refusal> {
    let algorithm = text(header, "alg").ok_or(Refusal::Algorithm)?;
    let kty = match (algorithm, api) {
        ("RS256", _) => "RSA",
        ("ES256", Api::Rest) => "EC",
        _ => return Err(Refusal::Algorithm),
    };
    let kid = text(header, "kid").ok_or(Refusal::Key)?;
    let mut published = keys.get("keys").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    let key = published.find(|key| text(key, "kid") == Some(kid) && text(key, "kty") == Some(kty));
    let key = key.filter(|key| text(key, "alg").is_none_or(|of| of == algorithm)).ok_or(Refusal::Key)?;
    let part = |name: &str| text(key, name).and_then(|part| bytes(part).ok()).ok_or(Refusal::Key);
    let verified = if kty == "RSA" {
        let public = RsaPublicKeyComponents { n: part("n")?, e: part("e")? };
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
    } else {
        // An uncompressed point: 4, then both coordinates (SEC 1, 2.3.3).
        let point = [vec![4], part("x")?, part("y")?].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature)
    };
    verified.map_err(|_| Refusal::Signature)
}

fn check(claims: &Claims, settings: &Settings<'_>, now: i64) -> Result<(), Refusal> {
    if text(claims, "iss") != Some(settings.issuer) {
        return Err(Refusal::Issuer);
    }
    let named = claims.get("aud").or_else(|| claims.get("client_id").filter(|_| settings.api == Api::Http));
    let one = |value: &Value| value.as_str().is_some_and(|value| settings.audience.contains(&value));
    if !named.is_some_and(|named| one(named) || named.as_array().is_some_and(|all| all.iter().any(one))) {
        return Err(Refusal::Audience);
    }
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= now) {
        return Err(Refusal::Expired);
    }
    // This service writes no `nbf`, as Cognito writes none.
    let has_come = |name| claims.get(name).is_none_or(|time| time.as_i64().is_some_and(|time| time <= now));
    if has_come("nbf") && has_come("iat") { Ok(()) } else { Err(Refusal::Early) }
}

fn text<'a>(object: &'a Claims, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn object(part: &str) -> Result<Claims, Refusal> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| Refusal::Malformed)
}

fn bytes(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
    use serde_json::json;
    use user_core::clock::Timestamp;
    use user_core::id::UserId;
    use user_core::proof::{Authentication, Proof, by_password};
    use user_core::session::{Origin, Session};
    use user_core::signing::{JwtAlgorithm, Key, Keys};
    use user_core::token::{TokenSettings, Tokens};
    use user_core::user::Role;

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const HTTP: Settings<'_> = Settings { api: Api::Http, issuer: "https://api.example.com", audience: &["shop"] };
    const REST: Settings<'_> = Settings { api: Api::Rest, ..HTTP };

    /// Keys of the service, what it publishes of them, and an access token that it signed with them.
    struct Issuer {
        secret: Value,
        jwks: Value,
        token: String,
        refresh: String,
    }

    impl Issuer {
        fn of(algorithm: JwtAlgorithm) -> Self {
            let initial = Keys::from_secret(&json!({ "initial": "x".repeat(64) }).to_string()).unwrap();
            let keys = initial.rotated(algorithm, Timestamp(NOW - 10), 60, 500).unwrap();
            let (issuer, audience) = (HTTP.issuer.to_owned(), "shop".to_owned());
            let settings = TokenSettings { issuer, audience, access_seconds: 1_800 };
            let authentication = Authentication { at: Timestamp(NOW), methods: by_password() };
            let proof = Proof { user_id: UserId::of("ann"), epoch: 1, authentication };
            let session = Session::begin(proof, Origin::default(), 3_600).unwrap();
            let pair = Tokens::new(settings, &keys).unwrap().pair(&session, Role::User).unwrap();
            let secret = serde_json::from_str(&keys.to_secret().unwrap()).unwrap();
            let jwks = json!({ "keys": keys.iter().filter_map(Key::jwk).collect::<Vec<_>>() });
            Self { secret, jwks, token: pair.access_token, refresh: pair.refresh_token }
        }

        fn asked(&self, token: &str, settings: &Settings<'_>) -> Option<Refusal> {
            authorize(token, &self.jwks, settings, NOW, &["account"]).err()
        }

        /// A token with other claims (null removes one), signed by the service's own RSA key.
        fn signed(&self, changes: &Value) -> String {
            let part = |n| object(self.token.split('.').nth(n).unwrap()).unwrap();
            let mut claims = part(1);
            claims.extend(changes.as_object().unwrap().clone());
            claims.retain(|_, value| !value.is_null());
            let pkcs8 = self.secret["keys"][1]["private_key"].as_str().unwrap();
            let pkcs8 = base64::engine::general_purpose::STANDARD.decode(pkcs8).unwrap();
            let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
            let signed = [part(0), claims].map(|part| encoded(&Value::Object(part))).join(".");
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn encoded(part: &Value) -> String {
        URL_SAFE_NO_PAD.encode(part.to_string())
    }

    #[test]
    fn an_http_api_accepts_our_tokens_only_with_rs256_and_a_rest_api_also_with_es256() {
        let answers = ["HS256", "ES256", "RS256", "EdDSA"].map(|name| {
            let issuer = Issuer::of(name.parse().unwrap());
            (name, issuer.asked(&issuer.token, &HTTP), issuer.asked(&issuer.token, &REST))
        });
        let refused = Some(Refusal::Algorithm);
        let expected =
            [("HS256", refused, refused), ("ES256", refused, None), ("RS256", None, None), ("EdDSA", refused, refused)];
        assert_eq!(answers, expected);
        let rs256 = Issuer::of(JwtAlgorithm::Rs256);
        let claims = authorize(&format!("Bearer {}", rs256.token), &rs256.jwks, &HTTP, NOW, &[]).unwrap();
        assert_eq!((&claims["aud"], &claims["type"]), (&json!("shop"), &json!("access")));
        assert_eq!(rs256.asked(&rs256.refresh, &REST), Some(Refusal::Algorithm));
    }

    #[test]
    fn each_claim_is_checked() {
        let issuer = Issuer::of(JwtAlgorithm::Rs256);
        let both = |changes: Value| [HTTP, REST].map(|settings| issuer.asked(&issuer.signed(&changes), &settings));
        let [unchanged, listed] = [json!({}), json!({ "aud": ["other", "shop"] })].map(both);
        assert_eq!([unchanged, listed], [[None; 2]; 2]);
        for (changes, step) in [
            (json!({ "iss": "https://api.example.com/" }), Refusal::Issuer),
            (json!({ "iss": null }), Refusal::Issuer),
            (json!({ "aud": "https://api.example.com" }), Refusal::Audience),
            (json!({ "aud": "other", "client_id": "shop" }), Refusal::Audience),
            (json!({ "exp": NOW }), Refusal::Expired),
            (json!({ "exp": null }), Refusal::Expired),
            (json!({ "nbf": NOW + 1 }), Refusal::Early),
            (json!({ "iat": NOW + 1 }), Refusal::Early),
            (json!({ "scope": "accounts users" }), Refusal::Scope),
            (json!({ "scope": null }), Refusal::Scope),
        ] {
            assert_eq!(both(changes.clone()), [Some(step); 2], "{changes}");
        }
        assert_eq!(both(json!({ "aud": null, "client_id": "shop" })), [None, Some(Refusal::Audience)]);
        assert_eq!(both(json!({ "scope": null, "scp": "users account" })), [None; 2]);
    }

    #[test]
    fn a_token_that_was_changed_or_that_no_published_key_signed_is_refused() {
        let issuer = Issuer::of(JwtAlgorithm::Rs256);
        let [header, claims, signature]: [&str; 3] = issuer.token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let mut admin = object(claims).unwrap();
        admin.insert("role".to_owned(), json!("admin"));
        let with = |changed: &Value| format!("{}.{claims}.{signature}", encoded(changed));
        let kid = object(header).unwrap()["kid"].clone();
        for (token, step) in [
            (String::new(), Refusal::Malformed),
            (format!("{header}.{signature}"), Refusal::Malformed),
            (format!("{header}.{}.{signature}", encoded(&json!(admin))), Refusal::Signature),
            (format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([1; 256])), Refusal::Signature),
            (format!("{header}.{claims}."), Refusal::Signature),
            (with(&json!({ "alg": "none", "kid": kid })), Refusal::Algorithm),
            (with(&json!({ "alg": "HS256", "kid": kid })), Refusal::Algorithm),
            (with(&json!({ "alg": "RS256" })), Refusal::Key),
            (with(&json!({ "alg": "RS256", "kid": "another" })), Refusal::Key),
            (with(&json!({ "alg": "ES256", "kid": kid })), Refusal::Key),
        ] {
            assert_eq!(issuer.asked(&token, &REST), Some(step), "{token}");
        }
        assert_eq!(
            Issuer::of(JwtAlgorithm::Rs256).asked(&issuer.token, &HTTP),
            Some(Refusal::Key),
            "a key that is gone"
        );
    }

    #[test]
    fn an_ecdsa_signature_must_be_the_published_keys() {
        let issuer = Issuer::of(JwtAlgorithm::Es256);
        let signed = issuer.token.rsplit_once('.').unwrap().0;
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let another = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let signature = another.sign(&random, signed.as_bytes()).unwrap();
        let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        assert_eq!(issuer.asked(&forged, &REST), Some(Refusal::Signature));
    }
}
