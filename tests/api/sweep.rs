//! Sessions that remain when a deletion breaks off, or when somebody signs in meanwhile: they give no access, the operator's check reports
//! them, and cleanup ends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use local::aws::{Fate, Wire};
use serde_json::{Value, json};
use userctl::check::{Report, check};

use crate::support::TestApp;
use crate::support::crowd::is_session;

async fn clean(app: &TestApp) -> Value {
    app.service.invoke("CleanupFunction", json!({})).await.unwrap()
}

async fn report(app: &TestApp) -> Report {
    Box::pin(check(&app.stage())).await.unwrap()
}

/// How many sessions the check counts as to be swept; the check must find no violation.
async fn to_be_swept(app: &TestApp) -> u64 {
    let report = report(app).await;
    assert!(report.is_clean(), "{}", report.text());
    report.notes.get("session-to-be-swept").copied().unwrap_or(0)
}

/// A wire on which only a set number of calls of an operation still arrive; all further calls are refused.
fn breaks(operation: &'static str) -> (Arc<AtomicUsize>, Wire) {
    let left = Arc::new(AtomicUsize::new(usize::MAX / 2));
    let seen = left.clone();
    let wire: Wire = Arc::new(move |target, _| {
        let arrives = |left: usize| left.checked_sub(1);
        if target.ends_with(operation) && seen.fetch_update(Ordering::SeqCst, Ordering::SeqCst, arrives).is_err() {
            let body = json!({ "__type": "InternalServerError", "message": "made up" });
            return Fate::Refused(500, body.to_string());
        }
        Fate::Arrives
    });
    (left, wire)
}

#[tokio::test]
async fn a_deletion_that_breaks_off_is_brought_to_its_end_by_cleanup() {
    // Before the first session, and in the middle of them.
    for (operation, arriving) in [(".Query", 0), (".DeleteItem", 20)] {
        let (left, wire) = breaks(operation);
        let app = TestApp::over(wire);
        let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
        app.multiply_session(&ann.id, 99).await;
        left.store(arriving, Ordering::SeqCst);
        let path = format!("/users/{}", ann.id);
        assert_eq!(app.delete(&path).bearer(&admin.access).send().await.status, 204);
        assert_eq!(app.delete(&path).bearer(&admin.access).send().await.problem(), (404, "not-found"));
        assert_eq!((app.me(&ann.access).await, app.refresh(&ann.refresh).await.status.as_u16()), (401, 401));
        assert_eq!(to_be_swept(&app).await, 100 - arriving as u64);
        left.store(usize::MAX / 2, Ordering::SeqCst);
        assert_eq!(app.sign_up("ann@example.com").await.status, 201, "the address is free at once");

        assert_eq!(clean(&app).await["swept"], 0, "a minute of slack");
        app.clock.advance(60);
        let instance = user_app::App::new(
            app.service.config.clone(),
            app.clock.clone(),
            app.store(),
            (cleanup::KEY_USE, app.store().read_verification_keys().await.unwrap()),
        );
        let hasty = cleanup::handle(&instance.unwrap(), Duration::ZERO).await.unwrap();
        assert_eq!((hasty.complete, hasty.swept), (false, 0), "a run without time stops itself");
        assert_eq!(clean(&app).await["swept"], 1);
        assert_eq!((app.session_count().await, to_be_swept(&app).await), (1, 0));
        assert_eq!(clean(&app).await["swept"], 0, "once");
    }
}

#[tokio::test]
async fn a_sweep_that_fails_is_done_by_the_next_run() {
    let (left, wire) = breaks(".DeleteItem");
    let app = TestApp::over(wire);
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    left.store(0, Ordering::SeqCst);
    assert_eq!(app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    app.clock.advance(60);
    let report = clean(&app).await;
    assert_eq!((&report["swept"], &report["failed"]), (&json!(0), &json!(1)));
    assert_eq!(to_be_swept(&app).await, 1);
    left.store(usize::MAX / 2, Ordering::SeqCst);
    assert_eq!(clean(&app).await["swept"], 1);
    assert_eq!(app.session_count().await, 1);
}

#[tokio::test]
async fn a_session_that_a_sign_in_writes_after_the_deletion_is_swept() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let own = |id: &str| AttributeValue::S(id.to_owned());
    let items = app.raw_items("EphemeralTable").await;
    let session = items.into_iter().find(|item| is_session(item) && item["user_id"] == own(&ann.id)).unwrap();
    assert_eq!(app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    app.put_item("EphemeralTable", session.clone()).await;
    assert_eq!((app.me(&ann.access).await, to_be_swept(&app).await), (401, 1));
    app.clock.advance(60);
    assert_eq!(clean(&app).await["swept"], 1);
    assert_eq!((app.session_count().await, to_be_swept(&app).await), (1, 0));
    // A session that appears after the sweep has no known cause.
    app.put_item("EphemeralTable", session).await;
    let kinds: Vec<_> = report(&app).await.violations.iter().map(|violation| violation.kind).collect();
    assert_eq!(kinds, ["session-without-user"]);
}

#[tokio::test]
async fn a_session_that_begins_long_after_the_deletion_is_not_excused() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let session = app
        .raw_items("EphemeralTable")
        .await
        .into_iter()
        .rfind(|item| is_session(item) && item["user_id"] == AttributeValue::S(ann.id.clone()));
    assert_eq!(app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    let mut session = session.unwrap();
    session.insert("created_at".to_owned(), AttributeValue::N((app.clock.now().0 + 61).to_string()));
    app.put_item("EphemeralTable", session).await;
    let kinds: Vec<_> = report(&app).await.violations.iter().map(|violation| violation.kind).collect();
    assert_eq!(kinds, ["session-without-user"]);
}

#[tokio::test]
async fn the_sessions_of_a_user_who_is_there_again_stay() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let (users, sessions) = (app.raw_items("UsersTable").await, app.raw_items("EphemeralTable").await);
    assert_eq!(app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    // The restore of a backup, and a session that remained from before.
    for item in users {
        app.put_item("UsersTable", item).await;
    }
    for session in sessions.into_iter().filter(is_session) {
        app.put_item("EphemeralTable", session).await;
    }
    app.clock.advance(61);
    let again = app.signed_in("ann@example.com").await;
    assert_eq!(clean(&app).await["swept"], 1);
    assert_eq!((app.me(&ann.access).await, app.me(&again.access).await), (401, 200));
}
