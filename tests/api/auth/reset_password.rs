use serde_json::json;

use crate::support::{PASSWORD, TestApp};

const NEW: &str = "Sh0rt-black-now";

#[tokio::test]
async fn a_link_sets_a_new_password_once_and_ends_every_session() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.forgot("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    let weak = app.reset(&message, "short").await;
    assert_eq!((weak.problem(), weak.errors()[0].0), ((422, "invalid"), "new_password"));
    assert_eq!(app.reset(&message, NEW).await.status, 200);
    assert_eq!(app.reset(&message, PASSWORD).await.problem(), (400, "invalid-token"));
    assert_eq!(app.me(&ann.access).await, 401);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(app.post("/auth/login").json(body).send().await.status, 200);
    assert_eq!(app.mails("ann@example.com").await[0]["kind"], "password-changed");
}

#[tokio::test]
async fn a_link_is_valid_for_seventy_minutes_and_asking_again_voids_nothing() {
    for (seconds, status) in [(4_199, 200), (4_200, 400)] {
        let app = TestApp::open();
        app.member("ann@example.com").await;
        app.forgot("ann@example.com").await;
        let first = app.mailed_token("ann@example.com").await;
        app.clock.advance(100);
        app.forgot("ann@example.com").await;
        let second = app.mailed_token("ann@example.com").await;
        app.clock.advance(seconds - 100);
        assert_eq!(app.reset(&first, NEW).await.status, status);
        let used = if status == 200 { 400 } else { 200 };
        assert_eq!(app.reset(&second, NEW).await.status, used, "one reset voids every other link");
    }
}

#[tokio::test]
async fn a_mailbox_gets_five_recovery_emails_and_then_one_an_hour_and_always_has_a_valid_link() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let recovery = async || {
        let mails = app.mails("ann@example.com").await;
        mails.iter().filter(|mail| mail["kind"] == "reset-password").count()
    };
    // A stranger asks every ten minutes for four hours.
    let mut received = Vec::new();
    for _ in 0..24 {
        assert_eq!(app.forgot("ann@example.com").await.status, 202, "no answer tells");
        received.push(recovery().await);
        let newest = app.mailed_token("ann@example.com").await;
        assert_eq!(app.reset(&newest, "short").await.problem(), (422, "invalid"), "it would set a password");
        app.clock.advance(600);
    }
    assert_eq!(received[..6], [1, 2, 3, 4, 5, 5]);
    assert_eq!(received[23], 5 + 3, "{received:?}");
    let newest = app.mailed_token("ann@example.com").await;
    assert_eq!(app.reset(&newest, NEW).await.status, 200, "and the owner was never without one");
}

#[tokio::test]
async fn however_many_ask_at_once_a_mailbox_gets_five() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    for _ in 0..25 {
        app.forgot("ann@example.com").await;
    }
    // The mailer takes them in batches of ten, all at once.
    let mails = app.mails("ann@example.com").await;
    assert_eq!(mails.iter().filter(|mail| mail["kind"] == "reset-password").count(), 5);
    app.clock.advance(600);
    app.service.invoke("MailerFunction", json!({})).await.unwrap();
    assert_eq!(app.mails("ann@example.com").await.len(), mails.len(), "none is left to be tried again");
}

#[tokio::test]
async fn what_others_ask_for_does_not_use_up_an_owners_recovery() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    let eve = app.member("eve@example.com").await;
    for _ in 0..8 {
        app.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
        app.request_email(&eve, "ann@example.com").await;
    }
    app.mails("ann@example.com").await;
    app.forgot("ann@example.com").await;
    assert_eq!(app.reset(&app.mailed_link("ann@example.com", "reset-password").await, NEW).await.status, 200);
    let (bob, new) = (app.member("bob@example.com").await, "new@example.com");
    for _ in 0..8 {
        app.request_email(&eve, new).await;
    }
    app.mails(new).await;
    app.request_email(&bob, new).await;
    let mails = app.mails(new).await;
    let links = mails.iter().filter(|mail| mail["kind"] == "confirm-email");
    assert_eq!(links.count(), 5 + 1, "each account has its own");
}

#[tokio::test]
async fn the_owner_of_a_mailbox_takes_over_a_waiting_sign_up() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    let squatters = app.mailed_token("ann@example.com").await;
    app.forgot("ann@example.com").await;
    assert_eq!(app.reset(&app.mailed_token("ann@example.com").await, NEW).await.status, 200);
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(app.post("/auth/login").json(body).send().await.status, 200, "it is verified, too");
    assert_eq!(app.verify(&squatters).await.problem(), (400, "invalid-token"));
    app.clock.advance(10 * 86_400);
    app.service.invoke("CleanupFunction", json!({})).await.unwrap();
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(app.post("/auth/login").json(body).send().await.status, 200, "and it stays");
}

#[tokio::test]
async fn whoever_was_switched_off_after_asking_cannot_reset() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    app.forgot("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    let path = format!("/users/{}", ann.id);
    for active in [false, true] {
        app.patch(&path).bearer(&admin.access).json(json!({ "is_active": active })).send().await;
        assert_eq!(app.reset(&message, NEW).await.problem(), (400, "invalid-token"), "{active}");
    }
}

#[tokio::test]
async fn links_of_other_kinds_do_not_reset() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    let verification = app.mailed_token("bob@example.com").await;
    for token in [&verification, &ann.access, &ann.refresh, "a.b.c"] {
        assert_eq!(app.reset(token, NEW).await.problem(), (400, "invalid-token"));
    }
    app.forgot("ann@example.com").await;
    let reset = app.mailed_token("ann@example.com").await;
    assert_eq!(app.verify(&reset).await.problem(), (400, "invalid-token"));
}
