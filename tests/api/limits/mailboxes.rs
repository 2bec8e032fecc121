//! The number of requested emails to a mailbox: five of each kind at once and then one an hour, so that its owner always has a valid link.

use serde_json::json;

use crate::support::{Member, PASSWORD, TestApp};

const ANN: &str = "ann@example.com";
const VICTIM: &str = "victim@example.com";

async fn count(app: &TestApp, to: &str, kind: &str) -> usize {
    app.mails(to).await.iter().filter(|mail| mail["kind"] == kind).count()
}

/// Ends every session of the account and starts another one.
async fn again(app: &TestApp, email: &str, member: &Member) -> Member {
    app.post("/auth/logout-all").bearer(&member.access).send().await;
    app.signed_in(email).await
}

#[tokio::test]
async fn an_account_that_ends_its_epochs_does_not_get_more_into_a_strangers_mailbox() {
    let app = TestApp::open();
    let mut eve = app.member("eve@evil.example").await;
    for _ in 0..4 {
        for _ in 0..6 {
            assert_eq!(app.request_email(&eve, VICTIM).await.status, 202);
            app.mails(VICTIM).await;
        }
        eve = again(&app, "eve@evil.example", &eve).await;
    }
    assert_eq!(count(&app, VICTIM, "confirm-email").await, 5);
    app.clock.advance(3_600);
    let eve = app.signed_in("eve@evil.example").await;
    app.request_email(&eve, VICTIM).await;
    assert_eq!(count(&app, VICTIM, "confirm-email").await, 6);
}

#[tokio::test]
async fn notices_of_changes_that_are_asked_for_have_a_cap_and_the_first_of_an_epoch_always_comes() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    for n in 0..20 {
        assert_eq!(app.request_email(&ann, &format!("t{n}@evil.example")).await.status, 202);
    }
    assert_eq!(count(&app, ANN, "email-change").await, 5);
    let first = app.mails(ANN).await.into_iter().rfind(|mail| mail["kind"] == "email-change").unwrap();
    let back = app.revert_email(first["token"].as_str().unwrap()).await;
    assert_eq!(back.status, 200, "the first one's link prevents the last change, too");
    assert_eq!(app.reset(&app.mailed_link(ANN, "reset-password").await, PASSWORD).await.status, 200);
    let ann = app.signed_in(ANN).await;
    app.request_email(&ann, "t@evil.example").await;
    assert_eq!(count(&app, ANN, "email-change").await, 6);
}

#[tokio::test]
async fn a_former_address_gets_no_more_ways_back_by_new_epochs_of_the_account() {
    let app = TestApp::open();
    let mut ann = app.member(ANN).await;
    app.request_email(&ann, "t@evil.example").await;
    let link = app.mailed_link("t@evil.example", "confirm-email").await;
    assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
    let notice = count(&app, ANN, "email-changed").await;
    for _ in 0..3 {
        for _ in 0..6 {
            app.forgot(ANN).await;
            app.mails(ANN).await;
        }
        ann = again(&app, "t@evil.example", &ann).await;
    }
    assert_eq!(count(&app, ANN, "email-changed").await, notice + 5);
    let back = app.mailed_link(ANN, "email-changed").await;
    assert_eq!(app.revert_email(&back).await.status, 200, "each is valid all the same");
}

#[tokio::test]
async fn a_new_account_has_the_whole_allowance_whatever_was_asked_for_at_its_address_before() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "60")]);
    app.sign_up(VICTIM).await;
    for _ in 0..6 {
        app.forgot(VICTIM).await;
        app.mails(VICTIM).await;
    }
    assert_eq!(count(&app, VICTIM, "reset-password").await, 5);
    app.clock.advance(60);
    assert_eq!(app.sign_up(VICTIM).await.status, 201);
    app.forgot(VICTIM).await;
    assert_eq!(count(&app, VICTIM, "reset-password").await, 6);
    assert_eq!(app.reset(&app.mailed_link(VICTIM, "reset-password").await, PASSWORD).await.status, 200);
    let body = json!({ "email": VICTIM, "password": PASSWORD });
    assert_eq!(app.post("/auth/login").json(body).send().await.status, 200);
}
