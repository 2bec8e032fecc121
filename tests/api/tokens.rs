//! Tokens that an attacker may present: all are refused, with the same answer.

use serde_json::json;

use crate::support::{Answer, TestApp, claims};

async fn me(app: &TestApp, token: &str) -> Answer {
    app.get("/users/me").bearer(token).send().await
}

#[tokio::test]
async fn a_token_serves_only_the_purpose_it_was_made_for() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    let message = app.mailed_token("bob@example.com").await;
    for wrong in [&ann.refresh, &message] {
        assert_eq!(me(&app, wrong).await.problem(), (401, "unauthenticated"));
    }
    for wrong in [&ann.access, &message, &"x".repeat(50_000)] {
        assert_eq!(app.refresh(wrong).await.problem(), (401, "invalid-refresh-token"));
    }
    for wrong in [&ann.access, &ann.refresh] {
        assert_eq!(app.verify(wrong).await.problem(), (400, "invalid-token"));
    }
}

#[tokio::test]
async fn a_token_that_the_same_keys_signed_for_another_service_opens_nothing_here() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let claims = claims(&ann.access);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("coffee-shop-api"), &json!("coffee-shop-users")));
    // The tokens of another service on the same data with the same keys.
    for audience in ["coffee-shop-orders", "coffee-shop-users-2", "coffee-shop-api-2", "https://orders.example"] {
        let orders = app.joined(&[("JWT_AUDIENCE", audience)]).await;
        let other = orders.log_in("ann@example.com").await;
        assert_eq!(orders.me(&other.text("access_token")).await, 200, "{audience}");
        assert_eq!(me(&app, &other.text("access_token")).await.problem(), (401, "unauthenticated"), "{audience}");
        assert_eq!(me(&orders, &ann.access).await.problem(), (401, "unauthenticated"), "{audience}");
        let recovered = app.refresh(&other.text("refresh_token")).await;
        assert_eq!(
            app.me(&recovered.text("access_token")).await,
            200,
            "{audience}: a refresh token is the service's own"
        );
    }
}

#[tokio::test]
async fn an_access_token_ends_at_its_very_second() {
    let app = TestApp::with(&[("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", "1")]);
    let ann = app.member("ann@example.com").await;
    app.clock.advance(59);
    assert_eq!(me(&app, &ann.access).await.status, 200);
    app.clock.advance(1);
    assert_eq!(me(&app, &ann.access).await.problem(), (401, "unauthenticated"));
}

#[tokio::test]
async fn the_header_must_name_the_scheme_once() {
    let app = TestApp::open();
    let token = app.member("ann@example.com").await.access;
    for value in
        [token.clone(), format!("Basic {token}"), format!("Bearer{token}"), format!("Bearer {token}, Bearer {token}")]
    {
        let answer = app.get("/users/me").header("authorization", &value).send().await;
        assert_eq!(answer.problem(), (401, "unauthenticated"), "{value}");
    }
    let twice = app.get("/users/me").bearer(&token).bearer(&token).send().await;
    assert_eq!(twice.problem(), (401, "unauthenticated"));
    let lower = app.get("/users/me").header("authorization", &format!("bearer {token}")).send().await;
    assert_eq!(lower.status, 200, "a scheme has no letter case (RFC 9110, 11.1)");
}
