use serde_json::json;

use crate::support::{PASSWORD, Shop};

const NEW: &str = "Sh0rt-black-now";

#[tokio::test]
async fn a_letter_sets_a_new_password_once_and_ends_every_session() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.forgot("ann@example.com").await;
    let letter = shop.mailed_token("ann@example.com").await;
    let weak = shop.reset(&letter, "short").await;
    assert_eq!((weak.problem(), weak.errors()[0].0), ((422, "invalid"), "new_password"));
    assert_eq!(shop.reset(&letter, NEW).await.status, 200);
    assert_eq!(shop.reset(&letter, PASSWORD).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.me(&ann.access).await, 401);
    assert_eq!(shop.refresh(&ann.refresh).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(shop.post("/auth/login").json(body).send().await.status, 200);
    assert_eq!(shop.mails("ann@example.com").await[0]["kind"], "password-changed");
}

#[tokio::test]
async fn a_link_is_valid_for_seventy_minutes_and_asking_again_voids_nothing() {
    for (seconds, status) in [(4_199, 200), (4_200, 400)] {
        let shop = Shop::open();
        shop.member("ann@example.com").await;
        shop.forgot("ann@example.com").await;
        let first = shop.mailed_token("ann@example.com").await;
        shop.clock.advance(100);
        shop.forgot("ann@example.com").await;
        let second = shop.mailed_token("ann@example.com").await;
        shop.clock.advance(seconds - 100);
        assert_eq!(shop.reset(&first, NEW).await.status, status);
        let used = if status == 200 { 400 } else { 200 };
        assert_eq!(shop.reset(&second, NEW).await.status, used, "one reset voids every other link");
    }
}

#[tokio::test]
async fn a_mailbox_gets_five_recovery_emails_and_then_one_an_hour_and_always_has_a_valid_link() {
    let shop = Shop::open();
    shop.member("ann@example.com").await;
    let recovery = async || {
        let mails = shop.mails("ann@example.com").await;
        mails.iter().filter(|mail| mail["kind"] == "reset-password").count()
    };
    // A stranger asks every ten minutes for four hours.
    let mut received = Vec::new();
    for _ in 0..24 {
        assert_eq!(shop.forgot("ann@example.com").await.status, 202, "no answer tells");
        received.push(recovery().await);
        let newest = shop.mailed_token("ann@example.com").await;
        assert_eq!(shop.reset(&newest, "short").await.problem(), (422, "invalid"), "it would set a password");
        shop.clock.advance(600);
    }
    assert_eq!(received[..6], [1, 2, 3, 4, 5, 5]);
    assert_eq!(received[23], 5 + 3, "{received:?}");
    let newest = shop.mailed_token("ann@example.com").await;
    assert_eq!(shop.reset(&newest, NEW).await.status, 200, "and the owner was never without one");
}

#[tokio::test]
async fn however_many_ask_at_once_a_mailbox_gets_five() {
    let shop = Shop::open();
    shop.member("ann@example.com").await;
    for _ in 0..25 {
        shop.forgot("ann@example.com").await;
    }
    // The mailer takes them in batches of ten, all at once.
    let mails = shop.mails("ann@example.com").await;
    assert_eq!(mails.iter().filter(|mail| mail["kind"] == "reset-password").count(), 5);
    shop.clock.advance(600);
    shop.service.invoke("MailerFunction", json!({})).await.unwrap();
    assert_eq!(shop.mails("ann@example.com").await.len(), mails.len(), "none is left to be tried again");
}

#[tokio::test]
async fn what_others_ask_for_does_not_use_up_an_owners_recovery() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    let eve = shop.member("eve@example.com").await;
    for _ in 0..8 {
        shop.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
        shop.request_email(&eve, "ann@example.com").await;
    }
    shop.mails("ann@example.com").await;
    shop.forgot("ann@example.com").await;
    assert_eq!(shop.reset(&shop.mailed_link("ann@example.com", "reset-password").await, NEW).await.status, 200);
    let (bob, new) = (shop.member("bob@example.com").await, "new@example.com");
    for _ in 0..8 {
        shop.request_email(&eve, new).await;
    }
    shop.mails(new).await;
    shop.request_email(&bob, new).await;
    let mails = shop.mails(new).await;
    let links = mails.iter().filter(|mail| mail["kind"] == "confirm-email");
    assert_eq!(links.count(), 5 + 1, "each account has its own");
}

#[tokio::test]
async fn the_owner_of_a_mailbox_takes_over_a_waiting_sign_up() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    let squatters = shop.mailed_token("ann@example.com").await;
    shop.forgot("ann@example.com").await;
    assert_eq!(shop.reset(&shop.mailed_token("ann@example.com").await, NEW).await.status, 200);
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(shop.post("/auth/login").json(body).send().await.status, 200, "it is verified, too");
    assert_eq!(shop.verify(&squatters).await.problem(), (400, "invalid-token"));
    shop.clock.advance(10 * 86_400);
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    let body = json!({ "email": "ann@example.com", "password": NEW });
    assert_eq!(shop.post("/auth/login").json(body).send().await.status, 200, "and it stays");
}

#[tokio::test]
async fn whoever_was_switched_off_after_asking_cannot_reset() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    shop.forgot("ann@example.com").await;
    let letter = shop.mailed_token("ann@example.com").await;
    let path = format!("/users/{}", ann.id);
    for active in [false, true] {
        shop.patch(&path).bearer(&admin.access).json(json!({ "is_active": active })).send().await;
        assert_eq!(shop.reset(&letter, NEW).await.problem(), (400, "invalid-token"), "{active}");
    }
}

#[tokio::test]
async fn letters_of_other_kinds_do_not_reset() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.sign_up("bob@example.com").await;
    let verification = shop.mailed_token("bob@example.com").await;
    for token in [&verification, &ann.access, &ann.refresh, "a.b.c"] {
        assert_eq!(shop.reset(token, NEW).await.problem(), (400, "invalid-token"));
    }
    shop.forgot("ann@example.com").await;
    let reset = shop.mailed_token("ann@example.com").await;
    assert_eq!(shop.verify(&reset).await.problem(), (400, "invalid-token"));
}
