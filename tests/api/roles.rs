//! Least privilege: what each role allows is what its function uses, no less (every test is held to it) and no more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Shop};

const NEW: &str = "Sh0rt-black-now";

/// What Lambda itself does in a function's name; no code of ours calls it.
fn is_the_platforms(action: &str) -> bool {
    let stream = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];
    action.starts_with("logs:") || action.starts_with("sqs:") || stream.iter().any(|name| action.ends_with(name))
}

async fn as_a_user(shop: &Shop) {
    let ann = shop.member("ann@example.com").await;
    let call = async |method: &str, path: &str, body: Value| {
        let call = shop.call(method.parse().unwrap(), path).bearer(&ann.access);
        assert!(call.json(body).send().await.status.as_u16() < 400, "{method} {path}");
    };
    shop.clock.advance(61);
    call("GET", "/users/me", json!({})).await;
    call("PATCH", "/users/me", json!({ "first_name": "Ann" })).await;
    call("GET", "/users/me/sessions", json!({})).await;
    let other = shop.log_in("ann@example.com").await;
    let sessions = shop.get("/users/me/sessions").bearer(&ann.access).send().await;
    let other_id = sessions.json.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    call("DELETE", &format!("/users/me/sessions/{}", other_id["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(shop.refresh(&other.text("refresh_token")).await.status, 401);
    call("PUT", "/users/me/password", json!({ "current_password": PASSWORD, "new_password": NEW })).await;
    call("POST", "/users/me/email", json!({ "new_email": "new@example.com", "password": NEW })).await;
    let (proof, notice) = (shop.mailed_token("new@example.com").await, shop.mailed_token("ann@example.com").await);
    call("POST", "/auth/confirm-email", json!({ "token": proof })).await;
    call("POST", "/auth/revert-email", json!({ "token": notice })).await;
    shop.stranger("ann@example.com", PASSWORD).await;
    shop.stranger("ann@example.com", NEW).await;
    shop.forgot("ann@example.com").await;
    assert_eq!(shop.reset(&shop.mailed_token("ann@example.com").await, PASSWORD).await.status, 200);
    let pair = shop.log_in("ann@example.com").await;
    shop.refresh(&pair.text("refresh_token")).await;
    shop.clock.advance(11);
    assert_eq!(shop.refresh(&pair.text("refresh_token")).await.problem().1, "refresh-token-reused");
    let pair = shop.log_in("ann@example.com").await;
    shop.post("/auth/logout").json(json!({ "refresh_token": pair.text("refresh_token") })).send().await;
    let pair = shop.log_in("ann@example.com").await;
    let gone = shop.delete("/users/me").bearer(&pair.text("access_token")).json(json!({ "password": PASSWORD }));
    assert_eq!(gone.send().await.status, 204);
}

async fn as_an_admin(shop: &Shop) {
    let admin = shop.admin("admin@example.com").await;
    let bob = shop.member("bob@example.com").await;
    let path = format!("/users/{}", bob.id);
    let call = async |method: &str, path: &str, body: Value| {
        let call = shop.call(method.parse().unwrap(), path).bearer(&admin.access);
        assert!(call.json(body).send().await.status.as_u16() < 400, "{method} {path}");
    };
    call("GET", "/users", json!({})).await;
    call("GET", &path, json!({})).await;
    call("GET", &format!("{path}/events"), json!({})).await;
    call("PUT", &format!("{path}/role"), json!({ "role": "admin" })).await;
    call("DELETE", &path, json!({})).await;
    shop.get("/health/full").send().await;
    shop.get("/.well-known/jwks.json").send().await;
    shop.forgot("nobody@example.com").await;
    shop.sign_up("bounce@simulator.amazonses.com").await;
    shop.mails("bounce@simulator.amazonses.com").await;
    shop.service.invoke("MailerFunction", json!({})).await.unwrap();
    for name in ["late", "also-late"] {
        shop.sign_up(&format!("{name}@example.com")).await;
        shop.post("/auth/resend-verification").json(json!({ "email": format!("{name}@example.com") })).send().await;
        shop.mails(&format!("{name}@example.com")).await;
    }
    shop.clock.advance(172_800 + 61);
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    shop.service.rotate("SigningSecret").await.unwrap();
    shop.log_in("admin@example.com").await;
}

async fn as_a_collector(shop: &Shop) {
    crate::fleet::write(shop, user_core::metric::COLD_STARTS.name, &[], &json!(1));
    let token = crate::fleet::token(shop);
    assert_eq!(shop.get("/metrics").bearer(&token).send().await.status, 200);
}

#[tokio::test]
async fn each_role_allows_exactly_what_its_function_uses() {
    // A password whose hash is of other parameters is hashed anew.
    let shop = Shop::with(&[("ARGON2_ITERATIONS", "2"), ("MAIL_BACKEND", "ses"), ("ENVIRONMENT", "staging")]);
    as_a_user(&shop).await;
    as_an_admin(&shop).await;
    as_a_collector(&shop).await;
    for (function, role) in &shop.service.roles {
        let mut used = role.used();
        if function != "DocsFunction" {
            // When it starts; the local stack reads the secret once for all of them.
            used.insert(("secretsmanager:GetSecretValue".to_owned(), "SigningSecret".to_owned()));
        }
        let allowed: BTreeSet<_> =
            role.allowed().iter().filter(|(action, _)| !is_the_platforms(action)).cloned().collect();
        assert_eq!(used, allowed, "{function}");
    }
}

#[tokio::test]
async fn a_call_that_a_role_does_not_allow_is_refused() {
    let shop = Shop::open();
    let sdk = shop.aws().sdk_config_as(&shop.service.roles["HealthFunction"], None);
    let client = aws_sdk_dynamodb::Client::new(&sdk);
    let refused = client.scan().table_name("UsersTable").send().await.unwrap_err();
    assert_eq!(refused.into_service_error().meta().code(), Some("AccessDeniedException"));
}
