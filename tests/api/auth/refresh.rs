use serde_json::json;
use userctl::directory::stats;

use crate::support::{Answer, TestApp, claims};

/// The `exp` of a pair's tokens: access, then refresh.
fn ends(pair: &Answer) -> [i64; 2] {
    ["access_token", "refresh_token"].map(|name| claims(&pair.text(name))["exp"].as_i64().unwrap())
}

#[tokio::test]
async fn a_refresh_token_is_valid_once_and_answers_its_successor_again_within_the_grace() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let one = app.refresh(&ann.refresh).await;
    assert_eq!(one.status, 200);
    assert_ne!(one.text("refresh_token"), ann.refresh);
    app.clock.advance(10);
    let again = app.refresh(&ann.refresh).await;
    assert_eq!(again.raw, one.raw, "the very same pair");
    assert_eq!(app.refresh(&one.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_used_token_after_the_grace_ends_the_session() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let next = app.refresh(&ann.refresh).await;
    app.clock.advance(11);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    for dead in [&ann.refresh, &next.text("refresh_token")] {
        assert_eq!(app.refresh(dead).await.problem(), (401, "invalid-refresh-token"));
    }
    for dead in [&ann.access, &next.text("access_token")] {
        assert_eq!(app.get("/users/me").bearer(dead).send().await.problem(), (401, "unauthenticated"));
    }
}

#[tokio::test]
async fn a_token_whose_successor_was_used_ends_the_session_even_within_the_grace() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let next = app.refresh(&ann.refresh).await.text("refresh_token");
    assert_eq!(app.refresh(&next).await.status, 200);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    assert_eq!(app.refresh(&next).await.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn one_ended_session_leaves_the_others_alone() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let other = app.log_in("ann@example.com").await;
    let next = app.refresh(&ann.refresh).await.text("refresh_token");
    app.refresh(&next).await;
    app.refresh(&ann.refresh).await;
    assert_eq!(app.get("/users/me").bearer(&other.text("access_token")).send().await.status, 200);
    assert_eq!(app.refresh(&other.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_ends_at_its_very_second_and_each_turn_prolongs_it() {
    let app = TestApp::with(&[("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    let ann = app.member("ann@example.com").await;
    app.clock.advance(86_399);
    let next = app.refresh(&ann.refresh).await.text("refresh_token");
    app.clock.advance(86_400);
    assert_eq!(app.refresh(&next).await.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn a_refresh_carries_the_role_of_now() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let role = app.put(&format!("/users/{}/role", ann.id)).bearer(&admin.access).json(json!({ "role": "admin" }));
    assert_eq!(role.send().await.status, 200);
    let pair = app.refresh(&ann.refresh).await;
    assert_eq!(app.get("/users").bearer(&pair.text("access_token")).send().await.status, 200);
}

#[tokio::test]
async fn whoever_may_not_sign_in_may_not_refresh() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    for (email, edit) in
        [("ann@example.com", json!({ "is_active": false })), ("bob@example.com", json!({ "is_verified": false }))]
    {
        let member = app.member(email).await;
        app.patch(&format!("/users/{}", member.id)).bearer(&admin.access).json(edit).send().await;
        assert_eq!(app.refresh(&member.refresh).await.problem(), (401, "invalid-refresh-token"));
    }
    let gone = app.member("eve@example.com").await;
    app.delete(&format!("/users/{}", gone.id)).bearer(&admin.access).send().await;
    assert_eq!(app.refresh(&gone.refresh).await.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn a_session_ends_so_many_days_after_its_sign_in_whatever_is_refreshed() {
    let app = TestApp::with(&[("SESSION_MAX_DAYS", "2"), ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    app.member("ann@example.com").await;
    let begun = app.clock.now().0;
    let mut pair = app.log_in("ann@example.com").await;
    assert_eq!(ends(&pair), [begun + 1_800, begun + 86_400]);
    for (at, access_end, refresh_end) in
        [(80_000, 81_800, 166_400), (160_000, 161_800, 172_800), (172_000, 172_800, 172_800)]
    {
        app.clock.advance(begun + at - app.clock.now().0);
        let token = pair.text("refresh_token");
        pair = app.refresh(&token).await;
        assert_eq!(ends(&pair), [begun + access_end, begun + refresh_end], "{at}");
        assert_eq!(pair.json["expires_in"], access_end - at, "{at}");
        app.clock.advance(10);
        assert_eq!(app.refresh(&token).await.raw, pair.raw, "the very same pair");
    }
    app.clock.advance(789);
    let last = app.refresh(&pair.text("refresh_token")).await;
    assert_eq!((ends(&last), &last.json["expires_in"]), ([begun + 172_800; 2], &json!(1)));
    assert_eq!(app.me(&last.text("access_token")).await, 200);
    app.clock.advance(1);
    assert_eq!(app.me(&last.text("access_token")).await, 401);
    for over in [pair, last] {
        assert_eq!(app.refresh(&over.text("refresh_token")).await.problem(), (401, "invalid-refresh-token"));
    }
    assert_eq!(stats(&app.stage()).await.unwrap().sessions, 0, "for the operator, too");
    let again = app.signed_in("ann@example.com").await;
    let listed = app.get("/users/me/sessions").bearer(&again.access).send().await;
    assert_eq!(listed.json.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refresh_token_never_outlives_its_session() {
    let app = TestApp::with(&[("SESSION_MAX_DAYS", "1"), ("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "7")]);
    app.member("ann@example.com").await;
    let end = app.clock.now().0 + 86_400;
    let pair = app.log_in("ann@example.com").await;
    assert_eq!(ends(&pair)[1], end);
    app.clock.advance(86_399);
    assert_eq!(ends(&app.refresh(&pair.text("refresh_token")).await), [end; 2]);
}

#[tokio::test]
async fn a_lowered_limit_holds_for_the_sessions_that_there_are() {
    let first = TestApp::open();
    let lowered = first.joined(&[("SESSION_MAX_DAYS", "1")]).await;
    let ann = first.member("ann@example.com").await;
    first.clock.advance(86_399);
    let pair = first.refresh(&ann.refresh).await;
    let access = pair.text("access_token");
    assert_eq!(lowered.me(&access).await, 200);
    first.clock.advance(1);
    assert_eq!((lowered.me(&access).await, first.me(&access).await), (401, 200));
    assert_eq!(lowered.refresh(&pair.text("refresh_token")).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(first.refresh(&pair.text("refresh_token")).await.status, 200, "it was refused and not used up");
}
