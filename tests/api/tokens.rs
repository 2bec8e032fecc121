//! Tokens in the hands of an attacker: all refused, with one answer.

use serde_json::{Value, json};

use crate::support::{Answer, Shop};

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let block = chunk.iter().fold(0_u32, |block, byte| block << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(block >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

fn head(header: &Value) -> String {
    encode(header.to_string().as_bytes())
}

/// Four characters that differ from the text's last four.
fn flipped(text: &str) -> String {
    text.chars().rev().take(4).map(|c| if c == 'A' { 'B' } else { 'A' }).collect()
}

async fn me(shop: &Shop, token: &str) -> Answer {
    shop.get("/users/me").bearer(token).send().await
}

#[tokio::test]
async fn no_forged_access_token_opens_the_api() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let other = Shop::open().member("ann@example.com").await;
    let parts: Vec<_> = ann.access.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let with = |header: Value| format!("{}.{claims}.{signature}", head(&header));
    let forged = [
        String::new(),
        "a.b.c".to_owned(),
        "Bearer".to_owned(),
        "x".repeat(100_000),
        ann.refresh.clone(),
        other.access.clone(),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{}.{signature}.{claims}", header),
        format!("{header}.{claims}.{}{}", &signature[..signature.len() - 4], flipped(signature)),
        format!("{header}.{}{}.{signature}", &claims[..claims.len() - 4], flipped(claims)),
        format!("{header}.{claims}.{signature}="),
        format!("{header}.{claims}.{signature}.{signature}"),
        with(json!({ "alg": "none", "typ": "at+jwt", "kid": "initial" })),
        format!("{}.{claims}.", head(&json!({ "alg": "none" }))),
        format!("{}.{claims}.", head(&json!({ "alg": "NoNe", "typ": "at+jwt", "kid": "initial" }))),
        with(json!({ "alg": "HS384", "typ": "at+jwt", "kid": "initial" })),
        with(json!({ "alg": "RS256", "typ": "at+jwt", "kid": "initial" })),
        with(json!({ "alg": "HS256", "typ": "at+jwt", "kid": "../../dev/null" })),
        with(json!({ "alg": "HS256", "typ": "at+jwt" })),
        with(json!({ "alg": "HS256", "typ": "at+jwt", "kid": "initial", "crit": ["exp"] })),
        with(json!({ "alg": "HS256", "typ": "at+jwt", "kid": "initial", "jku": "https://evil.example/jwks" })),
    ];
    let mut bodies = Vec::new();
    for token in &forged {
        let mut answer = me(&shop, token).await;
        assert_eq!(answer.problem(), (401, "unauthenticated"), "{}", &token[..token.len().min(200)]);
        answer.json["request_id"] = json!(null);
        bodies.push(answer.json);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "one body for all");
    assert_eq!(me(&shop, &ann.access).await.status, 200);
}

#[tokio::test]
async fn a_token_serves_only_the_purpose_it_was_made_for() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.sign_up("bob@example.com").await;
    let letter = shop.mailed_token("bob@example.com").await;
    for wrong in [&ann.refresh, &letter] {
        assert_eq!(me(&shop, wrong).await.problem(), (401, "unauthenticated"));
    }
    for wrong in [&ann.access, &letter, &"x".repeat(50_000)] {
        assert_eq!(shop.refresh(wrong).await.problem(), (401, "invalid-refresh-token"));
    }
    for wrong in [&ann.access, &ann.refresh] {
        assert_eq!(shop.verify(wrong).await.problem(), (400, "invalid-token"));
    }
}

#[tokio::test]
async fn an_access_token_ends_at_its_very_second() {
    let shop = Shop::with(&[("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "1")]);
    let ann = shop.member("ann@example.com").await;
    shop.clock.advance(59);
    assert_eq!(me(&shop, &ann.access).await.status, 200);
    shop.clock.advance(1);
    assert_eq!(me(&shop, &ann.access).await.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn the_header_must_name_the_scheme_once() {
    let shop = Shop::open();
    let token = shop.member("ann@example.com").await.access;
    for value in
        [token.clone(), format!("Basic {token}"), format!("Bearer{token}"), format!("Bearer {token}, Bearer {token}")]
    {
        let answer = shop.get("/users/me").header("authorization", &value).send().await;
        assert_eq!(answer.problem(), (401, "unauthenticated"), "{value}");
    }
    let twice = shop.get("/users/me").bearer(&token).bearer(&token).send().await;
    assert_eq!(twice.problem(), (401, "unauthenticated"));
    let lower = shop.get("/users/me").header("authorization", &format!("bearer {token}")).send().await;
    assert_eq!(lower.status, 200, "a scheme has no letter case (RFC 9110, 11.1)");
}
