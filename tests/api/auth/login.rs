use std::mem::take;
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::json;
use user_app::hasher::Hasher;
use user_core::login::Login;
use user_core::password::Password;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_login_answers_a_pair_that_opens_the_api() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let answer = app.log_in("ANN@example.com").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((&answer.json["token_type"], &answer.json["expires_in"]), (&json!("bearer"), &json!(1800)));
    assert_eq!(answer.json.as_object().unwrap().len(), 4);
    assert_eq!(app.get("/me").bearer(&answer.text("access_token")).send().await.status, 200);
}

#[tokio::test]
async fn the_form_of_an_authorize_button_works_too() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let pairs = [("grant_type", "password"), ("username", "ann@example.com"), ("password", PASSWORD), ("scope", "")];
    assert_eq!(app.post("/auth/login").form(&pairs).send().await.status, 200);
    let missing = app.post("/auth/login").form(&pairs[..2]).send().await;
    assert_eq!((missing.problem(), missing.errors()), ((422, "invalid"), vec![("password", "missing")]));
}

#[tokio::test]
async fn a_field_of_a_form_that_is_there_twice_is_malformed_and_what_is_dropped_may_be() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let pairs = [("username", "ann@example.com"), ("password", PASSWORD), ("scope", "a")];
    for twice in [("username", "bob@example.com"), ("username", "ann@example.com"), ("password", PASSWORD)] {
        let form = [pairs.as_slice(), &[twice]].concat();
        assert_eq!(app.post("/auth/login").form(&form).send().await.problem(), (400, "malformed"), "{}", twice.0);
    }
    let dropped = [pairs.as_slice(), &[("scope", "b"), ("scope", "c"), ("email", "bob@example.com")]].concat();
    assert_eq!(app.post("/auth/login").form(&dropped).send().await.status, 200);
}

#[tokio::test]
async fn a_stranger_and_a_wrong_password_look_alike() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let mut answers = Vec::new();
    for email in ["ann@example.com", "nobody@example.com", "not an address"] {
        let body = json!({ "email": email, "password": "Wr0ng!password" });
        let mut answer = app.post("/auth/login").json(body).send().await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
        answer.json["request_id"] = json!(null);
        answers.push(answer.json);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn the_state_of_an_account_shows_only_to_its_owner() {
    let app = TestApp::open();
    let (admin, bob) = (app.admin("admin@example.com").await, app.member("bob@example.com").await);
    app.sign_up("ann@example.com").await;
    let off = app.patch(&format!("/users/{}", bob.id)).bearer(&admin.access).json(json!({ "is_active": false }));
    assert_eq!(off.send().await.status, 200);
    for (email, code) in [("ann@example.com", "email-not-verified"), ("bob@example.com", "account-disabled")] {
        assert_eq!(app.log_in(email).await.problem(), (403, code));
        let wrong = app.post("/auth/login").json(json!({ "email": email, "password": "Wr0ng!password" })).send().await;
        assert_eq!(wrong.problem(), (401, "invalid-credentials"));
    }
}

#[tokio::test]
async fn an_unverified_user_is_a_stranger_at_the_second_in_which_it_ends() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    app.sign_up("ann@example.com").await;
    app.clock.advance(2);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (403, "email-not-verified"));
    assert_eq!(app.sign_up("ann@example.com").await.problem(), (409, "email-taken"));
    app.clock.advance(1);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn a_password_is_the_same_in_every_form_of_unicode() {
    let app = TestApp::with(&[("EMAIL_VERIFICATION_ENABLED", "false")]);
    let body = |password: &str| json!({ "email": "zoe@example.com", "password": password });
    assert_eq!(app.post("/auth/signup").json(body("Cafe\u{301}-Cr\u{e8}me-42")).send().await.status, 201);
    assert_eq!(app.post("/auth/login").json(body("Caf\u{e9}-Cre\u{300}me-42")).send().await.status, 200);
}

#[tokio::test]
async fn an_old_hash_is_valid_and_replaced_at_the_first_login() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let key = "ann@example.com".parse::<user_core::email::Email>().unwrap().key();
    let stored = async || app.store().read_login(&key).await.unwrap().unwrap();
    let Login { user_id, password_hash, .. } = stored().await;
    let old = Hasher::new(8, 2).unwrap().hash(Password::typed(PASSWORD)).await.unwrap();
    app.store().rehash(&key, &user_id, &password_hash, &old).await.unwrap();
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert!(stored().await.password_hash.contains("m=64,t=1,p=1"));
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn a_sign_in_that_others_overtake_ends_as_many_sessions_as_are_too_many() {
    // The answer to a read of the sessions, which is given again after others have signed in.
    #[derive(Default)]
    struct Look {
        answer: String,
        stale: bool,
    }
    let look = Arc::new(Mutex::new(Look::default()));
    let seen = look.clone();
    let wire: Wire = Arc::new(move |target, _| {
        if !target.ends_with(".Query") {
            return Fate::Arrives;
        }
        let mut look = seen.lock().unwrap();
        if take(&mut look.stale) {
            return Fate::Refused(200, look.answer.clone());
        }
        let seen = seen.clone();
        Fate::Watched(Box::new(move |_, answer| seen.lock().unwrap().answer = String::from_utf8_lossy(answer).into()))
    });
    let app = TestApp::over(wire);
    app.member("ann@example.com").await;
    for _ in 1..40 {
        app.log_in("ann@example.com").await;
    }
    let before = take(&mut look.lock().unwrap().answer);
    for _ in 40..50 {
        app.log_in("ann@example.com").await;
    }
    assert_eq!(app.session_count().await, 50);
    *look.lock().unwrap() = Look { answer: before, stale: true };
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert!(!look.lock().unwrap().stale);
    assert_eq!(app.session_count().await, 50);
}
