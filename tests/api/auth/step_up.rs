use futures::future::join;
use serde_json::{Value, json};
use user_core::access::FRESH_SECONDS;

use crate::forgeries::Forge;
use crate::formats::last::NEW_IN_ACCESS;
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
async fn the_password_gives_one_fresh_token_of_the_same_session() {
    let app = TestApp::open();
    let ann = age(&app).await;
    let begun = claims(&ann.access);
    let pair = step_up(&app, &ann.access, PASSWORD).await;
    assert_eq!((pair.status.as_u16(), pair.header("cache-control")), (200, "no-store"));
    assert_eq!(pair.text("refresh_token"), ann.refresh, "it is not used up");
    let access = pair.text("access_token");
    let fresh = claims(&access);
    assert_eq!((&fresh["sid"], &fresh["sub"]), (&begun["sid"], &begun["sub"]));
    let now = Some(app.clock.now().0);
    assert_eq!((fresh["auth_time"].as_i64(), fresh["iat"].as_i64()), (now, now));
    assert_eq!((&fresh["amr"], &fresh["acr"]), (&json!(["pwd"]), &json!("aal1")));
    assert_ne!(fresh["jti"], begun["jti"]);
    assert_eq!(app.session_count().await, 1);
    for answer in sensitive(&app, &ann.access).await {
        assert_eq!(answer.problem(), (401, "step-up-required"), "a copy of an earlier token is no fresher");
    }
    assert_eq!(app.me(&ann.access).await, 200);
    let answers = sensitive(&app, &access).await;
    assert_eq!(answers.map(|answer| answer.status.as_u16()), [202, 204, 204]);
}

#[tokio::test]
async fn no_refresh_gives_a_fresh_token_whoever_stepped_up_before() {
    let app = TestApp::open();
    let ann = age(&app).await;
    assert_eq!(step_up(&app, &ann.access, PASSWORD).await.status, 200);
    // A thief's copy of the refresh token: at once, again within the grace, and the next one.
    let next = app.refresh(&ann.refresh).await;
    for pair in [app.refresh(&ann.refresh).await, app.refresh(&next.text("refresh_token")).await, next] {
        for answer in sensitive(&app, &pair.text("access_token")).await {
            assert_eq!(answer.problem(), (401, "step-up-required"));
        }
    }
}

#[tokio::test]
async fn a_fresh_token_ends_with_its_freshness_and_lives_no_longer_than_its_session() {
    let app = TestApp::with(&[("SESSION_MAX_DAYS", "1")]);
    let ann = app.member(ANN).await;
    app.clock.advance(86_400 - 1_000);
    let ann = Member { access: app.refresh(&ann.refresh).await.text("access_token"), ..ann };
    app.clock.advance(500);
    let pair = step_up(&app, &ann.access, PASSWORD).await;
    assert_eq!(pair.json["expires_in"], 500);
    let access = pair.text("access_token");
    app.clock.advance(FRESH_SECONDS);
    let email = json!({ "new_email": "new@example.com" });
    let request = async || app.post("/users/me/email").bearer(&access).json(email.clone()).send().await;
    assert_eq!(request().await.status, 202);
    app.clock.advance(1);
    assert_eq!(request().await.problem(), (401, "step-up-required"));
    app.clock.advance(199);
    assert_eq!(app.me(&access).await, 401);
}

#[tokio::test]
async fn a_right_password_and_a_wrong_one_are_events_of_the_account() {
    let app = TestApp::open();
    let (ann, admin) = (age(&app).await, app.admin("admin@example.com").await);
    assert_eq!(step_up(&app, &ann.access, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    // Events of one moment have no order.
    app.clock.advance(1);
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
async fn step_ups_and_refreshes_at_once_end_no_session() {
    let app = TestApp::with(&[("RATE_LIMIT", "100000"), ("RATE_LIMIT_AUTH", "100000")]);
    let mut ann = app.member(ANN).await;
    for _ in 0..at_length(200) {
        let twice = join(step_up(&app, &ann.access, PASSWORD), step_up(&app, &ann.access, PASSWORD));
        let ((one, two), refreshed) = join(twice, app.refresh(&ann.refresh)).await;
        assert_eq!([&one, &two, &refreshed].map(|answer| answer.status.as_u16()), [200; 3]);
        // Whichever pair a client kept, it goes on: a refresh token that was turned meanwhile gets its successor.
        for pair in [&one, &two, &refreshed] {
            assert_eq!(app.me(&pair.text("access_token")).await, 200);
        }
        let refresh = if claims(&one.text("refresh_token"))["seq"] == claims(&refreshed.text("refresh_token"))["seq"] {
            one.text("refresh_token")
        } else {
            app.refresh(&one.text("refresh_token")).await.text("refresh_token")
        };
        assert_eq!(refresh, refreshed.text("refresh_token"));
        ann = Member { id: ann.id, access: refreshed.text("access_token"), refresh };
        app.clock.advance(11);
    }
}

#[tokio::test]
async fn a_session_and_a_token_of_the_last_release_are_as_old_as_their_sign_in() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    for mut item in app.raw_items("EphemeralTable").await {
        if item["sk"].as_s().is_ok_and(|key| key.starts_with("SESSION#")) {
            assert!(item.remove("amr").is_some() && !item.contains_key("grant"), "first-party clients are not stored");
            app.put_item("EphemeralTable", item).await;
        }
    }
    let old = Forge::new(&app, &ann).await.without(&NEW_IN_ACCESS);
    app.clock.advance(FRESH_SECONDS);
    let next = app.refresh(&ann.refresh).await.text("access_token");
    assert_eq!(claims(&next)["auth_time"].as_i64(), Some(app.clock.now().0 - FRESH_SECONDS));
    assert_eq!((&claims(&next)["amr"], &claims(&next)["scope"]), (&json!(["pwd"]), &json!("account users")));
    let email = json!({ "new_email": "new@example.com" });
    for (seconds, status) in [(0, 202), (1, 401)] {
        app.clock.advance(seconds);
        for access in [&old, &next] {
            let answer = app.post("/users/me/email").bearer(access).json(email.clone()).send().await;
            assert_eq!(answer.status, status);
        }
    }
    assert_eq!(step_up(&app, &old, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_deletion_takes_a_body_or_none() {
    for (content_type, body, expected) in [
        (None, "", 204),
        (Some("application/json"), "", 204),
        (Some("application/json"), "{}", 204),
        (Some("application/json"), r#"{"password":null}"#, 204),
        (Some("application/json"), "null", 400),
        (Some("application/json"), r#"{"passwort":"x"}"#, 422),
        (Some("text/plain"), "{}", 415),
    ] {
        let app = TestApp::open();
        let ann = app.member(ANN).await;
        let call = app.delete("/users/me").bearer(&ann.access);
        let call = if let Some(content_type) = content_type { call.raw(content_type, body) } else { call };
        assert_eq!(call.send().await.status, expected, "{content_type:?} {body}");
    }
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
