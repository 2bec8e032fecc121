//! Nobody is locked out of an account: not by one network that guesses, nor by many, nor by anything that a thief still has.

use futures::future::join_all;
use serde_json::json;

use super::strangers::Tally;
use crate::support::{PASSWORD, TestApp};

const ANN: &str = "ann@example.com";
const WRONG: &str = "Wr0ng!password";
const NEW: &str = "Sh0rt-black-now";

fn limited() -> TestApp {
    TestApp::with(&[("RATE_LIMIT_AUTH", "5")])
}

async fn login(app: &TestApp, source: [u8; 4], email: &str, password: &str) -> u16 {
    let body = json!({ "email": email, "password": password });
    app.post("/auth/login").from(source).json(body).send().await.status.as_u16()
}

/// Signs in with the new password and out again, so that no session makes the network a known one.
async fn in_and_out(app: &TestApp, source: [u8; 4], why: &str) {
    let body = json!({ "email": ANN, "password": NEW });
    let pair = app.post("/auth/login").from(source).json(body).send().await;
    assert_eq!(pair.status, 200, "{why}");
    let token = pair.text("refresh_token");
    assert_eq!(app.post("/auth/logout").json(json!({ "refresh_token": token })).send().await.status, 204);
}

/// Wrong passwords from eleven networks, as many as each may send in a minute: more than an account accepts from all of them.
async fn storm(app: &TestApp, email: &str) {
    for network in 1..=11 {
        for _ in 0..5 {
            login(app, [198, 51, 100, network], email, WRONG).await;
        }
    }
}

#[tokio::test]
async fn one_network_that_guesses_for_an_hour_holds_nobody_else_up() {
    let app = limited();
    app.member(ANN).await;
    for minute in 0..60 {
        app.clock.advance(60);
        for _ in 0..5 {
            app.stranger(ANN, WRONG).await;
        }
        if minute % 10 == 9 {
            assert_eq!(login(&app, [203, 0, 113, minute], ANN, PASSWORD).await, 200, "the owner, from a new network");
        }
    }
    app.clock.advance(61);
    let held = app.stranger(ANN, PASSWORD).await;
    let seconds: u64 = held.header("retry-after").parse().unwrap();
    assert!(held.status == 429 && seconds > 100, "its own wait: {seconds}");
}

#[tokio::test]
async fn one_network_that_guesses_for_days_as_its_own_wait_allows_holds_nobody_else_up() {
    let app = limited();
    app.member(ANN).await;
    let mut tries = 0;
    while tries < 300 {
        let guess = app.stranger(ANN, WRONG).await;
        tries += usize::from(guess.status == 401);
        app.clock.advance(guess.header("retry-after").parse().unwrap_or(13));
    }
    assert_eq!(login(&app, [203, 0, 113, 1], ANN, PASSWORD).await, 200);
}

#[tokio::test]
async fn many_networks_together_hold_up_those_alone_that_the_account_does_not_know() {
    let app = limited();
    app.member(ANN).await;
    app.clock.advance(120);
    storm(&app, ANN).await;
    let unknown = app.stranger_at([203, 0, 113, 1], ANN).await;
    assert_eq!((unknown.problem(), unknown.header("ratelimit-policy")), ((429, "throttled"), "\"sign-in\";q=50;w=60"));
    assert_eq!(app.log_in(ANN).await.status, 200, "the network that it is signed in from");
    app.clock.advance(65);
    assert_eq!(app.stranger_at([203, 0, 113, 1], ANN).await.status, 200, "for a minute");
}

#[tokio::test]
async fn after_more_than_a_hundred_wrong_passwords_from_everywhere_unknown_networks_wait() {
    let app = limited();
    app.member(ANN).await;
    for _ in 0..2 {
        app.clock.advance(120);
        storm(&app, ANN).await;
    }
    for network in 1..=7 {
        app.clock.advance(120);
        assert_eq!(login(&app, [192, 0, 2, network], ANN, WRONG).await, 401);
    }
    app.clock.advance(120);
    let held = app.stranger_at([203, 0, 113, 1], ANN).await;
    assert_eq!((held.problem(), held.header("retry-after")), ((429, "throttled"), "8"), "128 s after the seventh more");
    assert_eq!(app.log_in(ANN).await.status, 200);
    assert_eq!(login(&app, [203, 0, 113, 1], ANN, PASSWORD).await, 429, "nor does that tell that the owner came");
    app.clock.advance(86_400 - 8 * 120);
    assert_eq!(login(&app, [203, 0, 113, 1], ANN, WRONG).await, 401);
    app.clock.advance(1);
    assert_eq!(login(&app, [203, 0, 113, 2], ANN, PASSWORD).await, 200, "a day after the first it counts anew");
}

#[tokio::test]
async fn whoever_resets_the_password_signs_in_whatever_strangers_do_and_who_was_signed_in_before_does_not() {
    let app = limited();
    app.member(ANN).await;
    app.clock.advance(120);
    let (thiefs, owners) = ([192, 0, 2, 66], [203, 0, 113, 1]);
    assert_eq!(login(&app, thiefs, ANN, PASSWORD).await, 200);
    app.forgot(ANN).await;
    let body = json!({ "token": app.mailed_token(ANN).await, "new_password": NEW });
    assert_eq!(app.post("/auth/reset-password").from(owners).json(body).send().await.status, 200);
    app.clock.advance(120);
    assert_eq!(login(&app, owners, ANN, WRONG).await, 401, "that does not make it unknown");
    storm(&app, ANN).await;
    assert_eq!(login(&app, owners, ANN, WRONG).await, 429, "nor does a wrong one tell that it is known");
    assert_eq!(login(&app, thiefs, ANN, NEW).await, 429, "a session of before the reset makes no network known");
    for _ in 0..2 {
        in_and_out(&app, owners, "signed out again, too").await;
    }
    app.clock.advance(86_399 - 120);
    storm(&app, ANN).await;
    in_and_out(&app, owners, "for a day").await;
    app.clock.advance(1);
    assert_eq!(login(&app, owners, ANN, NEW).await, 429);
}

#[tokio::test]
async fn guesses_from_a_known_network_make_it_wait_and_are_events_during_a_storm_too() {
    let app = limited();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member(ANN).await);
    for n in 0..14 {
        app.clock.advance(120);
        storm(&app, ANN).await;
        assert_eq!(login(&app, [127, 0, 0, 1], ANN, WRONG).await, 429, "{n}");
    }
    let path = format!("/users/{}/events?limit=100", ann.id);
    let mut events = app.get(&path).bearer(&admin.access).send().await.json["items"].as_array().unwrap().clone();
    events.retain(|event| event["name"] == "sign-in-failed" && event["ip"] == "127.0.0.1");
    assert!(events.len() >= 5, "of those on the first page: {}", events.len());
    let held = app.log_in(ANN).await;
    assert_eq!((held.problem(), held.header("retry-after")), ((429, "throttled"), "16"), "its own wait");
}

#[tokio::test]
async fn a_networks_row_that_is_over_begins_anew() {
    let app = limited();
    app.member(ANN).await;
    for _ in 0..20 {
        app.stranger(ANN, WRONG).await;
        app.clock.advance(901);
    }
    app.clock.advance(86_400);
    assert_eq!(app.stranger(ANN, WRONG).await.status, 401);
    assert_eq!(app.stranger(ANN, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_wait_from_before_a_reset_is_forgotten_with_it() {
    let app = limited();
    app.member(ANN).await;
    for _ in 0..12 {
        app.clock.advance(120);
        app.stranger(ANN, WRONG).await;
    }
    assert_eq!(app.stranger(ANN, PASSWORD).await.status, 429);
    app.clock.advance(120);
    app.forgot(ANN).await;
    let body = json!({ "token": app.mailed_token(ANN).await, "new_password": NEW });
    assert_eq!(app.post("/auth/reset-password").from([192, 0, 2, 1]).json(body).send().await.status, 200);
    assert_eq!(app.stranger(ANN, NEW).await.status, 200, "whoever forgot it had tried it before");
}

#[tokio::test]
async fn a_throttled_sign_in_takes_the_same_calls_and_tells_the_same_for_every_address() {
    let (tally, wire) = Tally::new();
    let app = TestApp::over_with(wire, &[("RATE_LIMIT_AUTH", "5")]);
    app.member(ANN).await;
    let mut seen = Vec::new();
    for email in [ANN, "nobody@example.com"] {
        app.clock.advance(240);
        storm(&app, email).await;
        tally.take();
        let refused = app.stranger_at([203, 0, 113, 9], email).await;
        let told = ["ratelimit", "ratelimit-policy", "retry-after"].map(|name| refused.header(name).to_owned());
        seen.push((refused.status.as_u16(), told, tally.take()));
    }
    assert_eq!(seen[0].0, 429);
    assert_eq!(seen[0], seen[1], "headers; reads, writes, secrets");
}

#[tokio::test]
async fn a_sign_in_tells_how_its_source_stands_and_not_how_the_account_does() {
    let app = limited();
    app.member(ANN).await;
    app.clock.advance(120);
    storm(&app, "nobody@example.com").await;
    for network in 1..=8 {
        for _ in 0..5 {
            login(&app, [198, 51, 101, network], ANN, WRONG).await;
        }
    }
    let first = app.stranger(ANN, WRONG).await;
    assert_eq!(first.header("ratelimit-policy"), "\"auth\";q=5;w=60");
    assert!(first.header("ratelimit").starts_with("\"auth\";r=4;"), "{}", first.header("ratelimit"));
}

#[tokio::test]
async fn a_token_whose_session_is_over_uses_up_its_sources_limit_and_nothing_of_its_users() {
    let app = TestApp::with(&[("RATE_LIMIT", "20")]);
    app.member(ANN).await;
    let stolen = app.signed_in(ANN).await;
    app.forgot(ANN).await;
    assert_eq!(app.reset(&app.mailed_link(ANN, "reset-password").await, PASSWORD).await.status, 200);
    let owner = app.signed_in(ANN).await;
    app.clock.advance(120);
    let replay = async || app.get("/users/me").from([192, 0, 2, 66]).bearer(&stolen.access).send().await;
    for n in 0..60 {
        assert_eq!(replay().await.status, if n < 20 { 401 } else { 429 }, "{n}: it is counted by its source");
    }
    let me = app.get("/users/me").bearer(&owner.access).send().await;
    assert!(me.status == 200 && me.header("ratelimit").starts_with("\"general\";r=19;"), "{}", me.header("ratelimit"));
}

#[tokio::test]
async fn a_crowd_of_calls_with_the_token_of_an_ended_session_leaves_its_user_the_whole_limit() {
    let app = TestApp::with(&[("RATE_LIMIT", "100")]);
    let ann = app.member(ANN).await;
    let stolen = app.signed_in(ANN).await;
    let logout = json!({ "refresh_token": stolen.refresh });
    assert_eq!(app.post("/auth/logout").json(logout).send().await.status, 204);
    app.clock.advance(120);
    let replay = |_| app.get("/users/me").from([192, 0, 2, 66]).bearer(&stolen.access).send();
    let statuses: Vec<_> = join_all((0..120).map(replay)).await.iter().map(|got| got.status.as_u16()).collect();
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    let me = app.get("/users/me").bearer(&ann.access).send().await;
    let left =
        me.header("ratelimit").strip_prefix("\"general\";r=").and_then(|rest| rest.split(';').next()?.parse().ok());
    assert!(me.status == 200 && left >= Some(99_u64), "{}", me.header("ratelimit"));
}
