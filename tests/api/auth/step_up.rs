use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join;
use serde_json::{Value, json};
use user_core::access::FRESH_SECONDS;

use crate::support::{Answer, Member, PASSWORD, TestApp, at_length, claims};

const ANN: &str = "ann@example.com";

async fn step_up(app: &TestApp, access: &str, password: &str) -> Answer {
    app.post("/auth/step-up").bearer(access).json(json!({ "password": password })).send().await
}

/// What is sensitive, each without a password.
async fn sensitive(app: &TestApp, access: &str) -> [Answer; 3] {
    let email = json!({ "new_email": "new@example.com" });
    let password = json!({ "new_password": "Sh0rt-black-now" });
    [
        app.post("/users/me/email").bearer(access).json(email).send().await,
        app.put("/users/me/password").bearer(access).json(password).send().await,
        app.delete("/users/me").bearer(access).send().await,
    ]
}

async fn age(app: &TestApp) -> Member {
    let ann = app.member(ANN).await;
    app.clock.advance(FRESH_SECONDS + 1);
    ann
}

#[tokio::test]
async fn a_session_is_fresh_for_five_minutes_to_the_second() {
    for (seconds, expected) in [(FRESH_SECONDS, [202, 204, 204]), (FRESH_SECONDS + 1, [401; 3])] {
        let app = TestApp::open();
        let ann = app.member(ANN).await;
        app.clock.advance(seconds);
        let answers = sensitive(&app, &ann.access).await;
        assert_eq!(answers.each_ref().map(|answer| answer.status.as_u16()), expected);
        if seconds > FRESH_SECONDS {
            for answer in answers {
                assert_eq!(answer.problem(), (401, "step-up-required"));
                let challenge = r#"Bearer error="insufficient_user_authentication", max_age="300""#;
                assert_eq!(answer.header("www-authenticate"), challenge, "RFC 9470, 3");
            }
        }
    }
}

#[tokio::test]
async fn the_password_makes_the_same_session_fresh_for_the_new_token_alone() {
    let app = TestApp::open();
    let ann = age(&app).await;
    let begun = claims(&ann.access);
    let pair = step_up(&app, &ann.access, PASSWORD).await;
    assert_eq!((pair.status.as_u16(), pair.header("cache-control")), (200, "no-store"));
    let access = pair.text("access_token");
    let fresh = claims(&access);
    assert_eq!((&fresh["sid"], &fresh["sub"]), (&begun["sid"], &begun["sub"]));
    assert_eq!(fresh["auth_time"].as_i64(), begun["auth_time"].as_i64().map(|at| at + FRESH_SECONDS + 1));
    assert_eq!((&fresh["amr"], &fresh["acr"]), (&json!(["pwd"]), &json!("aal1")));
    assert_ne!(fresh["jti"], begun["jti"]);
    assert_eq!(app.session_count().await, 1);
    // Whoever has a copy of the token from before is not helped by the owner's password.
    for answer in sensitive(&app, &ann.access).await {
        assert_eq!(answer.problem(), (401, "step-up-required"));
    }
    assert_eq!(app.me(&ann.access).await, 200);
    let answers = sensitive(&app, &access).await;
    assert_eq!(answers.map(|answer| answer.status.as_u16()), [202, 204, 204]);
}

#[tokio::test]
async fn a_refresh_carries_the_authentication_and_makes_none_fresher() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    app.clock.advance(200);
    let stepped = step_up(&app, &ann.access, PASSWORD).await;
    app.clock.advance(FRESH_SECONDS);
    let next = app.refresh(&stepped.text("refresh_token")).await.text("access_token");
    assert_eq!(claims(&next)["auth_time"], claims(&stepped.text("access_token"))["auth_time"]);
    let email = json!({ "new_email": "new@example.com" });
    let request = async || app.post("/users/me/email").bearer(&next).json(email.clone()).send().await;
    assert_eq!(request().await.status, 202);
    app.clock.advance(1);
    assert_eq!(request().await.problem(), (401, "step-up-required"));
}

#[tokio::test]
async fn a_right_password_and_a_wrong_one_are_events_of_the_account() {
    let app = TestApp::open();
    let (ann, admin) = (age(&app).await, app.admin("admin@example.com").await);
    assert_eq!(step_up(&app, &ann.access, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    assert_eq!(step_up(&app, &ann.access, PASSWORD).await.status, 200);
    let events = app.get(&format!("/users/{}/events", ann.id)).bearer(&admin.access).send().await.json;
    let names: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|event| [&event["name"], &event["detail"]]).collect();
    assert_eq!(names[0], [&json!("signed-in"), &json!("step-up")]);
    assert_eq!(names[1], [&json!("sign-in-failed"), &Value::Null]);
    assert!(step_up(&app, &ann.access, "").await.status.is_client_error());
    assert_eq!(
        app.post("/auth/step-up").bearer(&ann.access).json(json!({})).send().await.errors(),
        [("password", "missing")]
    );
}

#[tokio::test]
async fn a_lost_reply_costs_nothing_but_the_password_again() {
    let app = TestApp::open();
    let ann = age(&app).await;
    step_up(&app, &ann.access, PASSWORD).await;
    let again = step_up(&app, &ann.access, PASSWORD).await;
    assert_eq!(again.status, 200);
    assert_eq!(app.refresh(&again.text("refresh_token")).await.status, 200);
    let ann = app.signed_in(ANN).await;
    let pair = step_up(&app, &ann.access, PASSWORD).await;
    app.clock.advance(10);
    assert_eq!(app.refresh(&ann.refresh).await.raw, pair.raw, "the very same pair, as after a lost refresh");
    app.clock.advance(1);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"), "a copy is found out");
    assert_eq!(app.me(&pair.text("access_token")).await, 401);
}

#[tokio::test]
async fn a_step_up_and_a_refresh_at_once_both_succeed_and_end_no_session() {
    let app = TestApp::with(&[("RATE_LIMIT", "100000"), ("RATE_LIMIT_AUTH", "100000")]);
    let mut ann = app.member(ANN).await;
    for _ in 0..at_length(200) {
        let (stepped, refreshed) = join(step_up(&app, &ann.access, PASSWORD), app.refresh(&ann.refresh)).await;
        assert_eq!((stepped.status.as_u16(), refreshed.status.as_u16()), (200, 200));
        // Whichever of the two pairs a client kept, it goes on.
        for pair in [&refreshed, &stepped] {
            assert_eq!(app.me(&pair.text("access_token")).await, 200);
        }
        let next = app.refresh(&refreshed.text("refresh_token")).await;
        assert_eq!(next.status, 200);
        ann = Member { id: ann.id, access: next.text("access_token"), refresh: next.text("refresh_token") };
    }
}

#[tokio::test]
async fn a_session_and_a_token_of_the_last_release_are_as_old_as_their_sign_in() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    for mut item in app.raw_items("EphemeralTable").await {
        if item["sk"].as_s().is_ok_and(|key| key.starts_with("SESSION#")) {
            assert!(item.remove("auth_time").is_some() && item.remove("amr").is_some());
            assert!(
                !item.contains_key("client_id") && !item.contains_key("scope"),
                "not stored for first-party clients"
            );
            item.insert("x".to_owned(), AttributeValue::Bool(true));
            app.put_item("EphemeralTable", item).await;
        }
    }
    app.clock.advance(FRESH_SECONDS);
    let pair = app.refresh(&ann.refresh).await;
    let claims = claims(&pair.text("access_token"));
    assert_eq!(claims["auth_time"].as_i64(), claims["iat"].as_i64().map(|iat| iat - FRESH_SECONDS));
    assert_eq!(claims["amr"], json!(["pwd"]));
    let email = json!({ "new_email": "new@example.com" });
    let access = pair.text("access_token");
    let request = async || app.post("/users/me/email").bearer(&access).json(email.clone()).send().await;
    assert_eq!(request().await.status, 202);
    app.clock.advance(1);
    assert_eq!(request().await.problem(), (401, "step-up-required"));
    assert_eq!(step_up(&app, &access, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn another_password_or_a_signed_out_session_ends_what_was_proven() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    let other = app.log_in(ANN).await.text("access_token");
    let password = json!({ "new_password": "Sh0rt-black-now" });
    assert_eq!(app.put("/users/me/password").bearer(&other).json(password).send().await.status, 204);
    for answer in sensitive(&app, &ann.access).await {
        assert_eq!(answer.problem(), (401, "unauthenticated"), "its session is over");
    }
    assert_eq!(step_up(&app, &ann.access, "Sh0rt-black-now").await.problem(), (401, "unauthenticated"));
}
