//! Strangers' requests delay nobody and cost next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::aws::{Fate, Wire};
use serde_json::json;

use crate::support::{PASSWORD, TestApp};

/// Counts of calls to AWS services: reads, writes, and reads of secrets.
#[derive(Default)]
pub(super) struct Tally {
    reads: AtomicUsize,
    writes: AtomicUsize,
    secrets: AtomicUsize,
}

impl Tally {
    /// A tally and the wire that counts for it.
    pub(super) fn new() -> (Arc<Self>, Wire) {
        let tally = Arc::new(Self::default());
        let kept = tally.clone();
        let wire: Wire = Arc::new(move |target, _| {
            let reads =
                ["GetItem", "BatchGetItem", "Query", "Scan"].iter().any(|name| target.ends_with(&format!(".{name}")));
            let count = match target.split('.').next() {
                Some("secretsmanager") => &kept.secrets,
                _ if reads => &kept.reads,
                _ => &kept.writes,
            };
            count.fetch_add(1, Ordering::SeqCst);
            Fate::Arrives
        });
        (tally, wire)
    }

    /// Reads, writes and reads of secrets since the last call of this method.
    pub(super) fn take(&self) -> [usize; 3] {
        [&self.reads, &self.writes, &self.secrets].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_thousand_refused_requests_that_name_a_thousand_addresses_cost_next_to_nothing() {
    for path in ["/auth/login", "/auth/forgot-password", "/auth/resend-verification", "/auth/signup"] {
        let (tally, wire) = Tally::new();
        let app = TestApp::over_with(wire, &[("RATE_LIMIT_AUTH", "5")]);
        let ask = async |n: usize| {
            let mut body = json!({ "email": format!("user{n}@example.com") });
            if ["/auth/login", "/auth/signup"].contains(&path) {
                body["password"] = json!(PASSWORD);
            }
            app.post(path).json(body).send().await.status.as_u16()
        };
        for n in 0..5 {
            assert_ne!(ask(n).await, 429, "{path}");
        }
        tally.take();
        for n in 0..1_000 {
            assert_eq!(ask(n).await, 429, "{path}");
        }
        let [reads, writes, _] = tally.take();
        eprintln!("1,000 refused requests of {path}: {reads} reads, {writes} writes");
        assert!(writes <= 2 && reads <= 2, "{path}: {reads} reads, {writes} writes");
        for item in app.items("EphemeralTable").await {
            let text = item.to_string();
            assert!(!text.contains("user999") && !text.contains("user5@"), "a refused request left {text}");
        }
    }
}

#[tokio::test]
async fn a_refused_source_holds_up_nobody_whom_it_names() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    let ann = app.member("ann@example.com").await;
    app.clock.advance(120);
    for n in 0..5 {
        app.stranger(&format!("nobody{n}@example.com"), "Wr0ng!password").await;
    }
    for _ in 0..20 {
        assert_eq!(app.stranger("ann@example.com", "Wr0ng!password").await.status, 429);
    }
    assert_eq!(
        app.stranger_at([192, 0, 2, 2], "ann@example.com").await.status,
        200,
        "the right password from elsewhere"
    );
    assert_eq!(app.forgot("ann@example.com").await.status, 202);
    let passwords = json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" });
    let changed = app.put("/users/me/password").from([192, 0, 2, 1]).bearer(&ann.access).json(passwords).send().await;
    assert_eq!(changed.status, 204, "signed in, even from the very source that is refused");
}

#[tokio::test]
async fn wrong_passwords_count_wherever_they_are_given_and_are_events() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let wrong = "Wr0ng!password";
    let guess = async |n: usize| {
        let call = match n % 4 {
            0 => app
                .put("/users/me/password")
                .json(json!({ "current_password": wrong, "new_password": "Sh0rt-black-now" })),
            1 => app.post("/users/me/email").json(json!({ "new_email": "new@example.com", "password": wrong })),
            2 => app.post("/auth/step-up").json(json!({ "password": wrong })),
            _ => app.delete("/users/me").json(json!({ "password": wrong })),
        };
        call.bearer(&ann.access).from([192, 0, 2, 9]).send().await
    };
    for n in 0..11 {
        app.clock.advance(100);
        assert_eq!(guess(n).await.problem(), (401, "invalid-credentials"));
    }
    for n in 0..3 {
        let held = guess(n).await;
        assert_eq!((held.problem(), held.header("retry-after")), ((429, "throttled"), "2"));
    }
    let there = app.stranger_at([192, 0, 2, 9], "ann@example.com").await;
    assert_eq!(there.status, 429, "whoever signs in from there is held up by them, too");
    let path = format!("/users/{}/events?limit=100", ann.id);
    let events = app.get(&path).bearer(&admin.access).send().await.json;
    let failed = events["items"].as_array().unwrap().iter().filter(|event| event["name"] == "sign-in-failed");
    let mine = failed.filter(|event| event["actor"]["id"] == json!(ann.id) && event["ip"] == "192.0.2.9");
    assert_eq!(mine.count(), 11);
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "the owner comes in from elsewhere");
    assert_eq!(guess(0).await.status, 429);
    app.clock.advance(100);
    assert_eq!(guess(0).await.status, 401);
}

#[tokio::test]
async fn what_strangers_try_at_sign_in_does_not_hold_up_who_is_signed_in() {
    let app = TestApp::with(&[("RATE_LIMIT_AUTH", "5")]);
    let ann = app.member("ann@example.com").await;
    for n in 0..14 {
        app.clock.advance(120);
        assert_eq!(app.stranger("ann@example.com", "Wr0ng!password").await.status, 401, "{n}");
    }
    assert_eq!(app.stranger("ann@example.com", PASSWORD).await.status, 429);
    let passwords = json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" });
    let abroad = app.put("/users/me/password").from([198, 51, 100, 7]).bearer(&ann.access).json(passwords);
    assert_eq!(abroad.send().await.status, 204);
}

#[tokio::test]
async fn a_refused_source_does_not_make_the_service_read_its_secret() {
    let (tally, wire) = Tally::new();
    let app = TestApp::over_with(wire, &[("RATE_LIMIT", "5")]);
    let token = |n: usize| {
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": format!("unknown{n}") });
        format!("{}.e30.AAAA", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    let ask = async |n: usize| {
        let bearer = app.get("/users/me").bearer(&token(n)).send().await.status.as_u16();
        let refresh = app.refresh(&token(n)).await.status.as_u16();
        [bearer, refresh]
    };
    for n in 0..3 {
        ask(n).await;
    }
    tally.take();
    for n in 0..100 {
        app.clock.advance(i64::from(n % 30 == 0));
        assert_eq!(ask(n).await, [429, 429]);
    }
    let [reads, writes, secrets] = tally.take();
    assert_eq!(secrets, 0);
    assert!(reads + writes < 10, "{reads} reads, {writes} writes");
}
