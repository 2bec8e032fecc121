//! An emergency whose new keys cannot be read: everything signed before stays void, nothing is signed, and this state ends by itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use local::aws::{Fate, Wire};
use serde_json::json;
use user_app::keyring::CONFIRM_SECONDS;
use user_core::error::Error;
use user_store::keys::Mark;

use super::{emergency, header, jwks, rotate};
use crate::support::{Answer, Member, TestApp};

/// The answer to functions that read the secret.
#[derive(Clone)]
enum Read {
    Present,
    Denied,
    Failing,
    Lost,
    /// A version before the current one, which Secrets Manager may return for a while.
    Old(String),
}

impl Read {
    fn fate(self) -> Fate {
        let error =
            |status, kind: &str| Fate::Refused(status, json!({ "__type": kind, "Message": "made up" }).to_string());
        match self {
            Self::Present => Fate::Arrives,
            Self::Denied => error(400, "AccessDeniedException"),
            Self::Failing => error(500, "InternalServiceError"),
            Self::Lost => Fate::Lost,
            Self::Old(secret) => {
                Fate::Refused(200, json!({ "ARN": "a", "Name": "a", "SecretString": secret }).to_string())
            }
        }
    }
}

/// A service whose keys have been rotated once, the answer to its reads of the secret, and the number of these reads.
struct Stack {
    app: TestApp,
    read: Arc<Mutex<Read>>,
    reads: Arc<AtomicUsize>,
}

impl Stack {
    async fn new(algorithm: &str) -> Self {
        let (read, reads) = (Arc::new(Mutex::new(Read::Present)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (read.clone(), reads.clone());
        let wire: Wire = Arc::new(move |target, body| {
            // A read that names a version gets that version.
            let named = String::from_utf8_lossy(body).contains("VersionId");
            if target != "secretsmanager.GetSecretValue" || named {
                return Fate::Arrives;
            }
            count.fetch_add(1, Ordering::SeqCst);
            now.lock().unwrap().clone().fate()
        });
        let app = TestApp::over_with(wire, &[("JWT_ALGORITHM", algorithm), ("JWKS_CACHE_SECONDS", "60")]);
        app.service.rotate_what_is_due().await.unwrap();
        app.clock.advance(CONFIRM_SECONDS);
        Self { app, read, reads }
    }

    fn set(&self, read: &Read) {
        *self.read.lock().unwrap() = read.clone();
    }

    fn secret(&self) -> String {
        self.app.aws().secrets.current("SigningSecret").unwrap()
    }
}

/// Every call that reads or signs a token.
async fn calls(app: &TestApp, admin: &Member, message: &str, cursor: &str) -> [(&'static str, Answer); 8] {
    let list = format!("/users?limit=1&cursor={cursor}");
    [
        ("me", app.get("/users/me").bearer(&admin.access).send().await),
        ("list", app.get(&list).bearer(&admin.access).send().await),
        ("logout-all", app.post("/auth/logout-all").bearer(&admin.access).send().await),
        ("refresh", app.refresh(&admin.refresh).await),
        ("verify", app.verify(message).await),
        ("login", app.log_in("admin@example.com").await),
        ("logout", app.post("/auth/logout").json(json!({ "refresh_token": admin.refresh })).send().await),
        ("jwks", app.get("/.well-known/jwks.json").send().await),
    ]
}

#[tokio::test]
async fn what_was_signed_before_is_void_also_while_the_new_secret_cannot_be_read() {
    for (n, algorithm) in [(0, "HS256"), (1, "ES256"), (2, "EdDSA"), (3, "HS256")] {
        let stack = Stack::new(algorithm).await;
        let app = &stack.app;
        let admin = app.admin("admin@example.com").await;
        app.sign_up("bob@example.com").await;
        let message = app.mailed_token("bob@example.com").await;
        let cursor = app.get("/users?limit=1").bearer(&admin.access).send().await.text("next_cursor");
        let read = [Read::Denied, Read::Failing, Read::Lost, Read::Old(stack.secret())][n].clone();
        stack.set(&read);
        emergency(app).await;
        app.clock.advance(CONFIRM_SECONDS);
        for _ in 0..2 {
            for (name, answer) in calls(app, &admin, &message, &cursor).await {
                assert_eq!(answer.problem(), (503, "unavailable"), "{algorithm} {name}");
                assert_eq!(answer.header("retry-after"), "1", "{name}");
            }
            app.clock.advance(300);
        }
        let full = app.get("/health/full").send().await;
        assert_eq!(full.json["checks"]["signing_keys"]["status"], "unhealthy");
        assert_eq!(app.forgot("admin@example.com").await.status, 202);
        assert_eq!(app.mails("admin@example.com").await.len(), 0, "a link would be signed by void keys");

        stack.set(&Read::Present);
        app.clock.advance(1);
        let expected = [401, 401, 401, 401, 400, 200, 204, 200];
        let answers = calls(app, &admin, &message, &cursor).await;
        assert_eq!(
            answers.each_ref().map(|(_, answer)| answer.status.as_u16()),
            expected,
            "{algorithm}: it ends by itself"
        );
        let access = answers[5].1.text("access_token");
        assert_eq!(app.me(&access).await, 200);
        assert_eq!(
            app.get(&format!("/users?cursor={cursor}")).bearer(&access).send().await.problem(),
            (422, "invalid")
        );
        app.clock.advance(3_600);
        app.service.invoke("MailerFunction", json!({})).await.unwrap();
        let reset = app.mailed_token("admin@example.com").await;
        assert_eq!(header(&reset)["kid"], header(&access)["kid"], "the message waited for the new keys");
    }
}

#[tokio::test]
async fn an_ordinary_rotation_whose_secret_cannot_be_read_signs_nobody_out() {
    let stack = Stack::new("ES256").await;
    let app = &stack.app;
    for after_an_emergency in [false, true] {
        if after_an_emergency {
            stack.set(&Read::Present);
            emergency(app).await;
            app.clock.advance(CONFIRM_SECONDS);
        }
        let email = format!("ann-{after_an_emergency}@example.com");
        let ann = app.member(&email).await;
        assert_eq!(jwks(app).await.len(), 1);
        let old = stack.secret();
        rotate(app).await;
        for read in [Read::Denied, Read::Failing, Read::Lost, Read::Old(old)] {
            stack.set(&read);
            app.clock.advance(CONFIRM_SECONDS);
            assert_eq!(app.me(&ann.access).await, 200);
            let again = app.log_in(&email).await;
            assert_eq!(app.me(&again.text("access_token")).await, 200);
            assert_eq!(app.refresh(&again.text("refresh_token")).await.status, 200);
            assert_eq!(app.get("/.well-known/jwks.json").send().await.status, 200);
        }
        stack.set(&Read::Present);
    }
}

#[tokio::test]
async fn a_rotation_after_an_emergency_does_not_make_it_forgotten() {
    let stack = Stack::new("HS256").await;
    let app = &stack.app;
    let ann = app.member("ann@example.com").await;
    emergency(app).await;
    let old = stack.secret();
    rotate(app).await;
    assert_eq!(app.store().read_key_mark().await.unwrap(), Mark { generation: 3, emergency: 2 });
    stack.set(&Read::Denied);
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (503, "unavailable"));
    // The emergency's own keys, although not the newest.
    stack.set(&Read::Old(old));
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!(app.me(&ann.access).await, 401);
    let new = app.log_in("ann@example.com").await;
    assert_eq!(app.me(&new.text("access_token")).await, 200);
}

#[tokio::test]
async fn void_keys_never_come_back_neither_into_an_instance_nor_by_a_rotation() {
    let stack = Stack::new("HS256").await;
    let app = &stack.app;
    let (ann, old) = (app.member("ann@example.com").await, Read::Old(stack.secret()));
    emergency(app).await;
    app.clock.advance(CONFIRM_SECONDS);
    let new = app.log_in("ann@example.com").await.text("access_token");
    assert_eq!([app.me(&ann.access).await, app.me(&new).await], [401, 200]);
    stack.set(&old);
    for seconds in [1, 2, 300, 300] {
        app.clock.advance(seconds);
        assert_eq!([app.me(&ann.access).await, app.me(&new).await], [401, 200], "{seconds}");
    }
    let refused = app.service.rotate("SigningSecret").await.unwrap_err();
    assert!(matches!(refused.downcast_ref::<Error>(), Some(Error::Unavailable)), "{refused}");
    stack.set(&Read::Present);
    rotate(app).await;
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!([app.me(&ann.access).await, app.me(&new).await], [401, 200]);
}

#[tokio::test]
async fn an_emergency_is_heard_also_where_the_table_comes_from_another_stack() {
    let (stack, other) = (Stack::new("HS256").await, Stack::new("HS256").await);
    let app = &stack.app;
    let ann = app.member("ann@example.com").await;
    // A copy of the other stack's table has this mark.
    for _ in 0..5 {
        emergency(&other.app).await;
    }
    let keys = other.app.store().read_keys().await.unwrap();
    app.store().announce_keys(&keys).await.unwrap();
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (503, "unavailable"));
    emergency(app).await;
    app.clock.advance(CONFIRM_SECONDS);
    assert_eq!(app.me(&ann.access).await, 401);
    let new = app.log_in("ann@example.com").await.text("access_token");
    assert_eq!(app.me(&new).await, 200);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_asked_for_twice_a_second_at_most() {
    let stack = Stack::new("HS256").await;
    let app = &stack.app;
    let ann = app.member("ann@example.com").await;
    stack.set(&Read::Denied);
    emergency(app).await;
    for _ in 0..3 {
        app.clock.advance(CONFIRM_SECONDS);
        for call in [true, false] {
            stack.reads.store(0, Ordering::SeqCst);
            for _ in 0..50 {
                let status =
                    if call { app.me(&ann.access).await } else { app.log_in("ann@example.com").await.status.as_u16() };
                assert_eq!(status, 503);
            }
            assert!((1..=2).contains(&stack.reads.load(Ordering::SeqCst)), "{}", stack.reads.load(Ordering::SeqCst));
        }
    }
}
