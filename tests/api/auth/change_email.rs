use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, TestApp};

/// Confirms a new address with a password, without an access token.
async fn confirm_by(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post("/auth/confirm-email").json(json!({ "token": token, "password": password })).send().await
}

/// Ann, who has moved from `ann@example.com` to `new@example.com`, with the link that restores the old address.
async fn moved(app: &TestApp) -> (Member, String) {
    let ann = app.member("ann@example.com").await;
    assert_eq!(app.request_email(&ann, "new@example.com").await.status, 202);
    let link = app.mailed_token("new@example.com").await;
    assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
    (ann, app.mailed_token("ann@example.com").await)
}

#[tokio::test]
async fn the_old_address_signs_in_until_the_account_confirms_the_new_one() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let other = app.signed_in("ann@example.com").await;
    assert_eq!(app.request_email(&ann, "new@example.com").await.status, 202);
    let link = app.mailed_token("new@example.com").await;
    assert_eq!(app.mails("ann@example.com").await[0]["kind"], "email-change");
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    assert_eq!(app.log_in("new@example.com").await.problem(), (401, "invalid-credentials"));
    assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
    assert_eq!(app.confirm_email(&ann.access, &link).await.problem(), (400, "invalid-token"));
    assert_eq!(app.log_in("new@example.com").await.status, 200);
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let me = app.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(me.text("email"), "new@example.com", "the session that confirmed lives on");
    assert_eq!(app.me(&other.access).await, 401, "the others end");
    assert_eq!(app.mails("ann@example.com").await[0]["kind"], "email-changed");
    assert_eq!(app.sign_up("ann@example.com").await.problem(), (409, "email-taken"), "for a week it can be taken back");
    app.clock.advance(7 * 86_400);
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn only_the_account_itself_confirms() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    app.request_email(&ann, "new@example.com").await;
    let link = app.mailed_token("new@example.com").await;
    let alone = app.post("/auth/confirm-email").json(json!({ "token": link })).send().await;
    assert_eq!(alone.problem(), (401, "unauthenticated"));
    assert_eq!(app.confirm_email(&bob.access, &link).await.problem(), (400, "invalid-token"));
    assert_eq!(app.confirm_email("a.b.c", &link).await.problem(), (401, "unauthenticated"));
    assert_eq!(confirm_by(&app, &link, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    assert_eq!(confirm_by(&app, "a.b.c", PASSWORD).await.problem(), (400, "invalid-token"));
    let both = json!({ "token": link, "password": "Wr0ng!password" });
    let both = app.post("/auth/confirm-email").bearer(&ann.access).json(both).send().await;
    assert_eq!(both.problem(), (401, "invalid-credentials"), "what is sent counts");
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "nothing has moved");
    let wrong = json!({ "token": link, "password": 1 });
    assert_eq!(app.post("/auth/confirm-email").json(wrong).send().await.errors(), [("password", "wrong-type")]);
    assert_eq!(confirm_by(&app, &link, PASSWORD).await.status, 200, "the password will do as well");
    assert_eq!(confirm_by(&app, &link, PASSWORD).await.problem(), (400, "invalid-token"));
    assert_eq!(app.me(&ann.access).await, 401, "no session confirmed, so all have ended");
    assert_eq!(app.log_in("new@example.com").await.status, 200);
}

#[tokio::test]
async fn a_request_needs_the_password_and_an_address_that_nobody_has_proven() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.member("bob@example.com").await;
    let body = json!({ "new_email": "new@example.com", "password": "Wr0ng!password" });
    let wrong = app.post("/users/me/email").bearer(&ann.access).json(body).send().await;
    assert_eq!(wrong.problem(), (401, "invalid-credentials"));
    assert_eq!(app.request_email(&ann, "BOB@example.com").await.problem(), (409, "email-taken"));
    assert_eq!(app.request_email(&ann, "ANN@example.com").await.problem(), (422, "invalid"));
    assert_eq!(app.request_email(&ann, "plain").await.problem(), (422, "invalid"));
    assert_eq!(app.mails("bob@example.com").await.len(), 1, "only bob's own verification");
}

#[tokio::test]
async fn a_request_reserves_nothing_and_whoever_proves_the_address_first_has_it() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    for (member, new) in [(&ann, "one@example.com"), (&bob, "one@example.com"), (&ann, "two@example.com")] {
        assert_eq!(app.request_email(member, new).await.status, 202);
    }
    assert_eq!(app.sign_up("one@example.com").await.status, 201);
    let bobs = app.mailed_link("one@example.com", "confirm-email").await;
    assert_eq!(app.verify(&app.mailed_link("one@example.com", "verify-email").await).await.status, 200);
    assert_eq!(app.confirm_email(&bob.access, &bobs).await.problem(), (409, "email-taken"));
    assert_eq!(app.log_in("bob@example.com").await.status, 200, "bob stays where he was");
    assert_eq!(app.log_in("one@example.com").await.status, 200);
}

#[tokio::test]
async fn a_sign_up_that_nobody_has_proven_gives_way_to_whoever_proves_the_address() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    assert_eq!(app.sign_up("new@example.com").await.status, 201);
    let squatters = app.mailed_token("new@example.com").await;
    assert_eq!(app.request_email(&ann, "new@example.com").await.status, 202, "a claim never blocks a fact");
    assert_eq!(app.confirm_email(&ann.access, &app.mailed_token("new@example.com").await).await.status, 200);
    assert_eq!(app.verify(&squatters).await.problem(), (400, "invalid-token"));
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.text("email"), "new@example.com");
    let report = Box::pin(userctl::check::check(&app.stage())).await.unwrap();
    assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    app.clock.advance(172_860);
    app.service.invoke("CleanupFunction", json!({})).await.unwrap();
    assert_eq!(app.log_in("new@example.com").await.status, 200, "cleanup finds nothing of it");
}

#[tokio::test]
async fn a_request_is_void_after_a_day_or_with_another_one() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.request_email(&ann, "one@example.com").await;
    let first = app.mailed_token("one@example.com").await;
    app.request_email(&ann, "two@example.com").await;
    assert_eq!(app.confirm_email(&ann.access, &first).await.problem(), (400, "invalid-token"));
    let second = app.mailed_token("two@example.com").await;
    app.clock.advance(86_400);
    let ann = app.signed_in("ann@example.com").await;
    assert_eq!(app.confirm_email(&ann.access, &second).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn asking_for_the_same_address_again_voids_no_link() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.request_email(&ann, "new@example.com").await;
    let first = app.mailed_token("new@example.com").await;
    app.clock.advance(5);
    app.request_email(&ann, "new@example.com").await;
    assert_ne!(app.mailed_token("new@example.com").await, first);
    assert_eq!(app.confirm_email(&ann.access, &first).await.status, 200);
}

#[tokio::test]
async fn the_notice_takes_a_change_back_before_and_after_it_is_confirmed() {
    for confirmed in [false, true] {
        let app = TestApp::open();
        let ann = app.member("ann@example.com").await;
        app.request_email(&ann, "thief@example.com").await;
        let (link, back) = (app.mailed_token("thief@example.com").await, app.mailed_token("ann@example.com").await);
        if confirmed {
            assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
        }
        app.clock.advance(86_399);
        assert_eq!(app.revert_email(&back).await.status, 200);
        assert_eq!(app.revert_email(&back).await.problem(), (400, "invalid-token"));
        assert_eq!(confirm_by(&app, &link, PASSWORD).await.problem(), (400, "invalid-token"));
        assert_eq!(app.me(&ann.access).await, 401, "all sessions are ended");
        for address in ["ann@example.com", "thief@example.com"] {
            assert_eq!(app.log_in(address).await.problem(), (401, "invalid-credentials"), "the password is void");
        }
        let mail = &app.mails("ann@example.com").await[0];
        assert_eq!(mail["kind"], "reset-password", "it came by itself");
        assert_eq!(app.reset(mail["token"].as_str().unwrap(), PASSWORD).await.status, 200);
        assert_eq!(app.log_in("ann@example.com").await.status, 200);
        assert_eq!(app.sign_up("thief@example.com").await.status, 201, "the other address is free");
    }
}

#[tokio::test]
async fn whoever_asks_for_recovery_at_an_address_that_the_account_left_gets_the_way_back() {
    let app = TestApp::open();
    let (_, first) = moved(&app).await;
    app.clock.advance(1);
    app.forgot("ann@example.com").await;
    let mail = app.mails("ann@example.com").await.remove(0);
    assert_eq!(mail["kind"], "email-changed");
    assert_ne!(mail["token"], first);
    assert_eq!(app.revert_email(mail["token"].as_str().unwrap()).await.status, 200);
    assert_eq!(app.revert_email(&first).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn a_link_to_take_an_address_back_ends_after_a_week_to_the_second() {
    for (seconds, status) in [(7 * 86_400 - 1, 200), (7 * 86_400, 400)] {
        let app = TestApp::open();
        let (_, back) = moved(&app).await;
        app.clock.advance(seconds);
        assert_eq!(app.revert_email(&back).await.status, status);
    }
}

#[tokio::test]
async fn an_account_goes_back_to_an_address_that_it_left_itself() {
    let app = TestApp::open();
    let (ann, first) = moved(&app).await;
    assert_eq!(app.request_email(&ann, "ann@example.com").await.status, 202);
    let link = app.mailed_link("ann@example.com", "confirm-email").await;
    assert_eq!(app.confirm_email(&ann.access, &link).await.status, 200);
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
    let report = Box::pin(userctl::check::check(&app.stage())).await.unwrap();
    assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    assert_eq!(app.mails("new@example.com").await[0]["kind"], "email-reverted", "a notice without a link");
    assert_eq!(app.revert_email(&first).await.problem(), (400, "invalid-token"), "it is where it was");
    assert_eq!(app.sign_up("new@example.com").await.status, 201, "the other address is free");
}

#[tokio::test]
async fn only_five_addresses_can_be_taken_back_at_once() {
    let app = TestApp::open();
    let ann = app.member("a0@example.com").await;
    for n in 1..6 {
        let new = format!("a{n}@example.com");
        assert_eq!(app.request_email(&ann, &new).await.status, 202);
        assert_eq!(app.confirm_email(&ann.access, &app.mailed_token(&new).await).await.status, 200);
    }
    let enough = app.request_email(&ann, "a6@example.com").await;
    assert_eq!((enough.problem(), enough.header("retry-after")), ((429, "throttled"), "604800"));
    app.clock.advance(7 * 86_400);
    let ann = app.signed_in("a5@example.com").await;
    assert_eq!(app.request_email(&ann, "a6@example.com").await.status, 202);
}

#[tokio::test]
async fn a_deleted_user_frees_every_address() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let (ann, _) = moved(&app).await;
    app.request_email(&ann, "three@example.com").await;
    assert_eq!(app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    for email in ["ann@example.com", "new@example.com", "three@example.com"] {
        assert_eq!(app.sign_up(email).await.status, 201, "{email}");
    }
}
