//! Rate limits and the back-off after wrong passwords.

mod accounts;
mod mailboxes;
mod strangers;

use serde_json::json;
use user_app::keyring::KeyUse;

use crate::support::{Answer, PASSWORD, TestApp};

async fn guess(app: &TestApp, email: &str) -> Answer {
    app.post("/auth/login").json(json!({ "email": email, "password": "Wr0ng!password" })).send().await
}

#[tokio::test]
async fn the_sixth_password_of_a_minute_is_refused_and_the_answers_say_how_one_stands() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    for left in (0..5).rev() {
        let answer = guess(&app, "nobody@example.com").await;
        assert_eq!(answer.problem(), (401, "invalid-credentials"));
        assert_eq!(answer.header("ratelimit-policy"), "\"auth\";q=5;w=60");
        assert!(
            answer.header("ratelimit").starts_with(&format!("\"auth\";r={left};t=")),
            "{}",
            answer.header("ratelimit")
        );
    }
    let refused = guess(&app, "nobody@example.com").await;
    assert_eq!(refused.problem(), (429, "throttled"));
    let seconds: i64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.header("ratelimit").contains("r=0"));
    app.clock.advance(seconds - 1);
    assert_eq!(guess(&app, "nobody@example.com").await.problem(), (429, "throttled"));
    app.clock.advance(1);
    assert_eq!(guess(&app, "nobody@example.com").await.problem(), (401, "invalid-credentials"));
}

#[tokio::test]
async fn the_source_address_is_counted_whatever_the_account() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    for i in 0..5 {
        assert_eq!(guess(&app, &format!("user{i}@example.com")).await.status, 401);
    }
    assert_eq!(guess(&app, "user6@example.com").await.status, 429);
    let spoofed = app
        .post("/auth/login")
        .header("x-forwarded-for", "192.0.2.7")
        .json(json!({ "email": "a@b.example", "password": "x" }));
    assert_eq!(spoofed.send().await.status, 429, "a header does not change where one comes from");
    assert_eq!(app.sign_up("ann@example.com").await.status, 429, "all calls of the class share the limit");
    assert_eq!(app.get("/health").send().await.status, 200);
}

#[tokio::test]
async fn general_calls_and_admin_calls_have_limits_of_their_own() {
    let app = TestApp::with(&[("RATE_LIMIT", "10"), ("RATE_LIMIT_ADMIN", "3")]);
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    for _ in 0..3 {
        assert_eq!(app.get("/users").bearer(&admin.access).send().await.status, 200);
    }
    let refused = app.get("/users").bearer(&admin.access).send().await;
    assert_eq!((refused.problem(), refused.header("ratelimit-policy")), ((429, "throttled"), "\"admin\";q=3;w=60"));
    assert_eq!(app.me(&admin.access).await, 200);
    while app.me(&ann.access).await == 200 {}
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (429, "throttled"));
    assert_eq!(app.me(&admin.access).await, 200, "each user for itself");
    let guesses = async || app.get("/users/me").bearer("a.b.c").send().await.status.as_u16();
    while guesses().await == 401 {}
    assert_eq!(guesses().await, 429, "whoever guesses tokens is counted by source");
}

#[tokio::test]
async fn who_is_counted_ahead_gets_every_request_of_the_limit_and_sees_how_many_are_left() {
    let app = TestApp::with(&[("RATE_LIMIT", "200")]);
    // Signing in has made one request already.
    let ann = app.member("ann@example.com").await;
    for left in (0..199).rev() {
        let answer = app.get("/users/me").bearer(&ann.access).send().await;
        let standing = answer.header("ratelimit");
        assert!(
            answer.status == 200 && standing.starts_with(&format!("\"general\";r={left};t=")),
            "{left}: {standing}"
        );
    }
    assert_eq!(app.me(&ann.access).await, 429);
}

#[tokio::test]
async fn two_instances_count_together() {
    let one = TestApp::with(&[("RATE_LIMIT_AUTH", "20")]);
    let memory = one.clock.clone();
    let keys = one.store().read_keys().await.unwrap();
    let instance = || {
        user_app::App::new(one.service.config.clone(), memory.clone(), one.store(), (KeyUse::Sign, keys.clone()))
            .unwrap()
    };
    let (a, b) = (instance(), instance());
    let mut admitted = 0;
    for turn in 0..100 {
        let instance = if turn % 2 == 0 { &a } else { &b };
        let class = user_core::limit::Class::Auth;
        let (input, now) = (user_core::limit::Input::Requested, instance.clock.now());
        let answer = instance.limiter.apply(&instance.store, class, "source:x", input, now).await.unwrap();
        admitted += usize::from(answer.unwrap().admitted);
    }
    assert!((18..=22).contains(&admitted), "{admitted}");
}

#[tokio::test]
async fn without_its_table_auth_refuses_and_the_rest_goes_on() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let gone = json!({ "TableName": "EphemeralTable" });
    app.aws().database.delete_table(serde_json::from_value(gone).unwrap()).unwrap();
    assert_eq!(app.log_in("ann@example.com").await.problem(), (503, "unavailable"));
    let verify = app.verify("a.b.c").await;
    assert_eq!(verify.problem(), (400, "invalid-token"), "it is not counted and goes on");
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.status, 500, "sessions are gone with their table");
}

#[tokio::test]
async fn many_wrong_passwords_slow_strangers_down_and_never_shut_the_owner_out() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    app.member("ann@example.com").await;
    for email in ["ann@example.com", "nobody@example.com"] {
        for _ in 0..11 {
            app.clock.advance(120);
            assert_eq!(app.stranger(email, "Wr0ng!password").await.problem(), (401, "invalid-credentials"), "{email}");
        }
        let held = app.stranger(email, "Wr0ng!password").await;
        assert_eq!((held.problem(), held.header("retry-after")), ((429, "throttled"), "2"), "{email}");
        app.clock.advance(2);
        assert_eq!(app.stranger(email, "Wr0ng!password").await.status, 401, "{email}");
        assert_eq!(app.stranger(email, PASSWORD).await.header("retry-after"), "4", "even with the right password");
    }
    app.clock.advance(120);
    assert_eq!(app.stranger("ann@example.com", "Wr0ng!password").await.status, 401);
    assert_eq!(app.stranger("ann@example.com", PASSWORD).await.status, 429);
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "from elsewhere there is no wait");
    let still = app.stranger("ann@example.com", PASSWORD).await;
    assert_eq!(still.status, 429, "nor does a stranger's wait tell that the owner came");
    app.clock.advance(120);
    assert_eq!(app.stranger("ann@example.com", PASSWORD).await.status, 200);
    assert_eq!(app.stranger("ann@example.com", "Wr0ng!password").await.status, 401);
    assert_eq!(app.stranger("ann@example.com", PASSWORD).await.status, 200, "the right one forgets the row");
}
