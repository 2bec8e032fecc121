//! No user enumeration: with `SIGNUP_ENUMERATION` private the answers, and the database calls behind them, are the same for addresses of
//! verified, unverified and deactivated accounts and of accounts without a password, for an address that an account has left, and for one
//! without an account.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::{Value, json};
use user_core::id::UserId;
use user_core::login::NO_PASSWORD;
use user_core::user::User;
use userctl::records::Records;
use userctl::records::import::{Arrival, Landing};

use crate::support::{Answer, PASSWORD, TestApp};

const PROVEN: &str = "proven@example.com";
const WAITING: &str = "waiting@example.com";
const OFF: &str = "off@example.com";
const FORMER: &str = "former@example.com";
const WITHOUT_PASSWORD: &str = "imported@example.com";
const NOBODY: &str = "nobody@example.com";

type Calls = Arc<Mutex<Vec<String>>>;

/// A service in private mode with an account of each kind, and the calls that it makes.
async fn app() -> (TestApp, Calls) {
    let calls = Calls::default();
    let seen = calls.clone();
    let wire: Wire = Arc::new(move |target, _| {
        seen.lock().unwrap().push(target.to_owned());
        Fate::Arrives
    });
    let app = TestApp::over_with(wire, &[("SIGNUP_ENUMERATION", "private"), ("RATE_LIMIT_AUTH", "5")]);
    app.member(PROVEN).await;
    app.sign_up(WAITING).await;
    app.clock.advance(120);
    app.member(OFF).await;
    userctl::command::set_active(&app.stage(), &OFF.parse().unwrap(), false).await.unwrap();
    let mover = app.member(FORMER).await;
    app.clock.advance(120);
    app.request_email(&mover, "moved@example.com").await;
    let link = app.mailed_link("moved@example.com", "confirm-email").await;
    assert_eq!(app.confirm_email(&mover.access, &link).await.status, 200);
    let mut user = User::new(UserId::of("imported"), WITHOUT_PASSWORD.parse().unwrap(), app.clock.now());
    user.is_verified = true;
    let arrival = Arrival { user, password_hash: NO_PASSWORD.to_owned(), dated: true };
    assert_eq!(Records(&app.store()).take_in(&[arrival], true, app.clock.now()).await.unwrap(), [Landing::Written]);
    app.mails(WAITING).await;
    (app, calls)
}

/// The visible parts of an answer: the status, the body without the request id, the headers that may differ.
fn seen(answer: &Answer) -> (u16, Value, String) {
    let mut body = answer.json.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    (answer.status.as_u16(), body, answer.header("content-type").to_owned())
}

/// Sends the same request for each address to a separate service; all answers must look alike and take the same calls, in any order.
async fn alike<F: Future<Output = Answer>>(ask: impl Fn(&'static TestApp, &'static str) -> F) {
    let mut outcomes = Vec::new();
    for email in [NOBODY, PROVEN, WAITING, OFF, FORMER, WITHOUT_PASSWORD] {
        let (app, calls) = app().await;
        // The test's process ends soon; leaking is the simplest way to share.
        let app: &'static TestApp = Box::leak(Box::new(app));
        // To the start of a minute, so that each service looks up the same number of minutes.
        app.clock.advance(180 - app.clock.now().0.rem_euclid(60));
        calls.lock().unwrap().clear();
        let answer = ask(app, email).await;
        let made = std::mem::take(&mut *calls.lock().unwrap());
        let made = made.into_iter().fold(BTreeMap::new(), |mut counts, target| {
            *counts.entry(target).or_insert(0) += 1;
            counts
        });
        outcomes.push((seen(&answer), made));
        assert_eq!(outcomes.last(), outcomes.first(), "{email}, and an address that nobody has");
    }
}

fn login<'a>(app: &'a TestApp, email: &str, password: &str) -> impl Future<Output = Answer> + 'a {
    app.post("/auth/login").from([192, 0, 2, 1]).json(json!({ "email": email, "password": password })).send()
}

#[tokio::test]
async fn a_sign_up_and_then_a_login_with_its_password_answer_alike() {
    const CHOSEN: &str = "Sh0rt-black-now";
    let sign_up = |app: &'static TestApp, email: &'static str| {
        app.post("/auth/signup").json(json!({ "email": email, "password": CHOSEN })).send()
    };
    let statuses = |app: &'static TestApp, email: &'static str| async move {
        assert_eq!(sign_up(app, email).await.status, 201);
        login(app, email, CHOSEN).await
    };
    alike(sign_up).await;
    alike(statuses).await;
}

#[tokio::test]
async fn asking_for_a_message_and_a_wrong_password_answer_alike() {
    alike(|app, email| app.post("/auth/resend-verification").json(json!({ "email": email })).send()).await;
    alike(|app, email| app.post("/auth/forgot-password").json(json!({ "email": email })).send()).await;
    alike(|app, email| login(app, email, "Wr0ng!password")).await;
}

#[tokio::test]
async fn a_login_that_is_refused_answers_alike_whatever_refuses_it() {
    let from = |app: &'static TestApp, email: &'static str, source: [u8; 4]| {
        let body = json!({ "email": email, "password": "Wr0ng!password" });
        app.post("/auth/login").from(source).json(body).send()
    };
    let by_minute = |app: &'static TestApp, email: &'static str| async move {
        for network in 0..50 {
            assert_eq!(from(app, email, [198, 51, 100, network]).await.status, 401);
        }
        let refused = from(app, email, [203, 0, 113, 1]).await;
        assert_eq!(refused.problem(), (429, "throttled"));
        // From a network in which the verified account has a session.
        assert_eq!(from(app, email, [127, 0, 0, 1]).await.status, 429);
        refused
    };
    let by_network = |app: &'static TestApp, email: &'static str| async move {
        for _ in 0..11 {
            app.clock.advance(60);
            assert_eq!(from(app, email, [198, 51, 100, 1]).await.status, 401);
        }
        from(app, email, [198, 51, 100, 1]).await
    };
    let by_day = |app: &'static TestApp, email: &'static str| async move {
        for n in 0..101 {
            app.clock.advance(10);
            assert_eq!(from(app, email, [198, 51, 100, n % 25]).await.status, 401, "{email} {n}");
        }
        let refused = from(app, email, [203, 0, 113, 1]).await;
        assert_eq!(refused.problem(), (429, "throttled"));
        refused
    };
    alike(by_minute).await;
    alike(by_network).await;
    alike(by_day).await;
}

#[tokio::test]
async fn a_change_to_each_of_them_answers_alike() {
    alike(|app, email| async move {
        let eve = app.member("eve@example.com").await;
        app.request_email(&eve, email).await
    })
    .await;
    let (app, _) = app().await;
    let eve = app.member("eve@example.com").await;
    app.request_email(&eve, PROVEN).await;
    assert!(app.mails(PROVEN).await.iter().all(|mail| mail["kind"] != "confirm-email"), "its link could do nothing");
}

#[tokio::test]
async fn the_right_password_of_an_account_that_waits_is_answered_like_a_wrong_one_and_its_owner_gets_another_link() {
    let (app, _) = app().await;
    let before = app.mails(WAITING).await.len();
    let wrong = login(&app, WAITING, "Wr0ng!password").await;
    assert_eq!(app.mails(WAITING).await.len(), before);
    let right = login(&app, WAITING, PASSWORD).await;
    assert_eq!(right.problem(), (401, "invalid-credentials"));
    assert_eq!(seen(&right), seen(&wrong));
    let link = app.mailed_link(WAITING, "verify-email").await;
    assert_eq!(app.mails(WAITING).await.len(), before + 1);
    assert_eq!(app.verify(&link).await.status, 200);
    assert_eq!(app.log_in(WAITING).await.status, 200);
}

#[tokio::test]
async fn a_failed_sign_in_takes_as_long_as_the_operator_wants_at_least() {
    let app = TestApp::with(&[("FAILED_SIGN_IN_MIN_MS", "300")]);
    app.member("ann@example.com").await;
    for email in ["ann@example.com", "nobody@example.com", "not an address"] {
        let begun = std::time::Instant::now();
        assert_eq!(login(&app, email, "Wr0ng!password").await.status, 401);
        assert!(begun.elapsed() >= std::time::Duration::from_millis(300), "{email}");
    }
}
