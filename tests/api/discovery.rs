//! Other services verify access tokens with the published keys, and can do nothing else with them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};
use user_app::keyring::CONFIRM_SECONDS;

use crate::keys::{WAIT, app, header, jwks, rotate};
use crate::support::{TestApp, claims};

/// Verifies an access token as another service does: with only the published keys.
fn holds(token: &str, keys: &[Value]) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let part = |key: &Value, name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let Some(key) = keys.iter().find(|key| key["kid"] == header(token)["kid"]) else { return false };
    match key["alg"].as_str().unwrap() {
        "ES256" => {
            let point = [vec![4], part(key, "x"), part(key, "y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), &signature).is_ok()
        }
        "RS256" => {
            let public = RsaPublicKeyComponents { n: part(key, "n"), e: part(key, "e") };
            public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).is_ok()
        }
        _ => UnparsedPublicKey::new(&ED25519, part(key, "x")).verify(message.as_bytes(), &signature).is_ok(),
    }
}

#[tokio::test]
async fn others_check_access_tokens_with_the_published_keys_alone() {
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let app = app(algorithm).await;
        let ann = app.member("ann@example.com").await;
        let said = app.get("/.well-known/openid-configuration").send().await.json;
        assert_eq!(
            said["id_token_signing_alg_values_supported"],
            json!([algorithm]),
            "not that of the HS256 key before"
        );
        let before = jwks(&app).await;
        assert!(holds(&ann.access, &before), "{algorithm}");
        let (message, signature) = ann.access.rsplit_once('.').unwrap();
        assert!(!holds(&format!("{message}x.{signature}"), &before));
        assert!(!holds(&ann.refresh, &before), "only access tokens are anybody else's matter");
        rotate(&app).await;
        app.clock.advance(CONFIRM_SECONDS);
        let published = jwks(&app).await;
        assert_eq!(published.len(), 2, "{algorithm}: the next key is published before it signs");
        app.clock.advance(WAIT);
        let new = app.log_in("ann@example.com").await.text("access_token");
        assert!(!holds(&new, &before) && holds(&new, &published) && holds(&ann.access, &published), "{algorithm}");
        for key in &published {
            let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            let public = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"];
            assert!(names.iter().all(|name| public.contains(name)), "{names:?}");
        }
    }
}

#[tokio::test]
async fn the_documents_of_discovery_say_where_and_how_long() {
    let app = TestApp::with(&[("JWT_ISSUER", "https://shop.example")]);
    let keys = app.get("/.well-known/jwks.json").send().await;
    assert_eq!(keys.json, json!({ "keys": [] }), "an HS256 key is nobody else's");
    assert_eq!(keys.header("cache-control"), "public, max-age=7200");
    let call = app.get("/.well-known/openid-configuration").header("x-forwarded-proto", "https");
    let said = call.send().await;
    let mut claimed: Vec<_> =
        said.json["claims_supported"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    claimed.sort_unstable();
    let claims = claims(&app.member("ann@example.com").await.access);
    assert_eq!(claimed, claims.as_object().unwrap().keys().collect::<Vec<_>>(), "all that a token says, and no more");
    assert_eq!((said.text("issuer"), said.text("jwks_uri")), {
        ("https://shop.example".to_owned(), "https://localhost/.well-known/jwks.json".to_owned())
    });
}

#[tokio::test]
async fn the_keys_are_found_at_the_port_of_sams_local_gateway_and_on_aws_at_no_other() {
    let app = TestApp::open();
    for (scheme, port, expected) in [
        ("http", "3000", "http://localhost:3000"),
        ("http", "3000@evil.example", "http://localhost"),
        ("https", "3000", "https://localhost"),
    ] {
        let call = app.get("/.well-known/openid-configuration").header("x-forwarded-proto", scheme);
        let said = call.header("x-forwarded-port", port).send().await;
        assert_eq!(said.text("jwks_uri"), format!("{expected}/.well-known/jwks.json"));
    }
}

#[tokio::test]
async fn neither_a_public_key_nor_a_key_of_another_kind_signs_access_tokens() {
    for algorithm in ["ES256", "RS256", "EdDSA"] {
        let app = app(algorithm).await;
        let ann = app.member("ann@example.com").await;
        let key = jwks(&app).await.remove(0);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default()).unwrap();
        let point = [vec![4], bytes("x"), bytes("y")].concat();
        let own = app.store().read_keys().await.unwrap();
        let own = own.iter().find(|own| key["kid"] == own.kid.as_str()).unwrap();
        let secrets = [
            bytes("x"),
            bytes("n"),
            point,
            key.to_string().into_bytes(),
            key["x"].as_str().or(key["n"].as_str()).unwrap().as_bytes().to_vec(),
            Vec::new(),
            own.derive("access").unwrap(),
            own.derive("refresh").unwrap(),
        ];
        let claims = ann.access.split('.').nth(1).unwrap();
        for secret in secrets {
            for alg in ["HS256", algorithm, "none"] {
                let mut forged = header(&ann.access);
                forged["alg"] = json!(alg);
                let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(forged.to_string()));
                let tag = URL_SAFE_NO_PAD.encode(user_core::signing::mac(&secret, message.as_bytes()));
                for token in [format!("{message}.{tag}"), format!("{message}."), message.clone()] {
                    assert_eq!(app.me(&token).await, 401, "{algorithm} as {alg}");
                }
            }
        }
    }
}
