use serde_json::json;

use crate::support::{Answer, TestApp};

async fn logout(app: &TestApp, token: &str) -> Answer {
    app.post("/auth/logout").json(json!({ "refresh_token": token })).send().await
}

#[tokio::test]
async fn a_signed_out_session_opens_nothing_from_the_next_request_on() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let other = app.log_in("ann@example.com").await;
    assert_eq!(logout(&app, &ann.refresh).await.status, 204);
    assert_eq!(app.me(&ann.access).await, 401);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(app.me(&other.text("access_token")).await, 200, "the other session lives");
}

#[tokio::test]
async fn signing_out_is_answered_alike_for_a_token_that_is_not_valid() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    for token in [&ann.refresh, &ann.refresh, &ann.access, "a.b.c", ""] {
        assert_eq!(logout(&app, token).await.status, 204);
    }
    assert_eq!(app.post("/auth/logout").json(json!({})).send().await.problem(), (422, "invalid"));
}

#[tokio::test]
async fn an_earlier_token_of_a_session_ends_it_too() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let next = app.refresh(&ann.refresh).await;
    assert_eq!(logout(&app, &ann.refresh).await.status, 204);
    assert_eq!(app.me(&next.text("access_token")).await, 401);
}
