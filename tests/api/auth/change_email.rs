use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, Shop};

/// Confirms a new address without an access token, by a password.
async fn confirm_by(shop: &Shop, token: &str, password: &str) -> Answer {
    shop.post("/auth/confirm-email").json(json!({ "token": token, "password": password })).send().await
}

/// Ann, who has moved from `ann@example.com` to `new@example.com`, with the link that takes it back.
async fn moved(shop: &Shop) -> (Member, String) {
    let ann = shop.member("ann@example.com").await;
    assert_eq!(shop.request_email(&ann, "new@example.com").await.status, 202);
    let link = shop.mailed_token("new@example.com").await;
    assert_eq!(shop.confirm_email(&ann.access, &link).await.status, 200);
    (ann, shop.mailed_token("ann@example.com").await)
}

#[tokio::test]
async fn the_old_address_signs_in_until_the_account_confirms_the_new_one() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let other = shop.signed_in("ann@example.com").await;
    assert_eq!(shop.request_email(&ann, "new@example.com").await.status, 202);
    let link = shop.mailed_token("new@example.com").await;
    assert_eq!(shop.mails("ann@example.com").await[0]["kind"], "email-change");
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
    assert_eq!(shop.log_in("new@example.com").await.problem(), (401, "invalid-credentials"));
    assert_eq!(shop.confirm_email(&ann.access, &link).await.status, 200);
    assert_eq!(shop.confirm_email(&ann.access, &link).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.log_in("new@example.com").await.status, 200);
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let me = shop.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(me.text("email"), "new@example.com", "the session that confirmed lives on");
    assert_eq!(shop.me(&other.access).await, 401, "the others end");
    assert_eq!(shop.mails("ann@example.com").await[0]["kind"], "email-changed");
    assert_eq!(
        shop.sign_up("ann@example.com").await.problem(),
        (409, "email-taken"),
        "for a week it can be taken back"
    );
    shop.clock.advance(7 * 86_400);
    assert_eq!(shop.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn only_the_account_itself_confirms() {
    let shop = Shop::open();
    let (ann, bob) = (shop.member("ann@example.com").await, shop.member("bob@example.com").await);
    shop.request_email(&ann, "new@example.com").await;
    let link = shop.mailed_token("new@example.com").await;
    let alone = shop.post("/auth/confirm-email").json(json!({ "token": link })).send().await;
    assert_eq!(alone.problem(), (401, "unauthenticated"));
    assert_eq!(shop.confirm_email(&bob.access, &link).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.confirm_email("a.b.c", &link).await.problem(), (401, "unauthenticated"));
    assert_eq!(confirm_by(&shop, &link, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    assert_eq!(confirm_by(&shop, "a.b.c", PASSWORD).await.problem(), (400, "invalid-token"));
    let both = json!({ "token": link, "password": "Wr0ng!password" });
    let both = shop.post("/auth/confirm-email").bearer(&ann.access).json(both).send().await;
    assert_eq!(both.problem(), (401, "invalid-credentials"), "what is sent counts");
    assert_eq!(shop.log_in("ann@example.com").await.status, 200, "nothing has moved");
    let wrong = json!({ "token": link, "password": 1 });
    assert_eq!(shop.post("/auth/confirm-email").json(wrong).send().await.errors(), [("password", "wrong-type")]);
    assert_eq!(confirm_by(&shop, &link, PASSWORD).await.status, 200, "the password will do as well");
    assert_eq!(confirm_by(&shop, &link, PASSWORD).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.me(&ann.access).await, 401, "no session confirmed, so all have ended");
    assert_eq!(shop.log_in("new@example.com").await.status, 200);
}

#[tokio::test]
async fn a_request_needs_the_password_and_an_address_that_nobody_has_proven() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.member("bob@example.com").await;
    let body = json!({ "new_email": "new@example.com", "password": "Wr0ng!password" });
    let wrong = shop.post("/users/me/email").bearer(&ann.access).json(body).send().await;
    assert_eq!(wrong.problem(), (401, "invalid-credentials"));
    assert_eq!(shop.request_email(&ann, "BOB@example.com").await.problem(), (409, "email-taken"));
    assert_eq!(shop.request_email(&ann, "ANN@example.com").await.problem(), (422, "invalid"));
    assert_eq!(shop.request_email(&ann, "plain").await.problem(), (422, "invalid"));
    assert_eq!(shop.mails("bob@example.com").await.len(), 1, "only bob's own verification");
}

#[tokio::test]
async fn a_request_reserves_nothing_and_whoever_proves_the_address_first_has_it() {
    let shop = Shop::open();
    let (ann, bob) = (shop.member("ann@example.com").await, shop.member("bob@example.com").await);
    for (member, new) in [(&ann, "one@example.com"), (&bob, "one@example.com"), (&ann, "two@example.com")] {
        assert_eq!(shop.request_email(member, new).await.status, 202);
    }
    assert_eq!(shop.sign_up("one@example.com").await.status, 201);
    let bobs = shop.mailed_link("one@example.com", "confirm-email").await;
    assert_eq!(shop.verify(&shop.mailed_link("one@example.com", "verify-email").await).await.status, 200);
    assert_eq!(shop.confirm_email(&bob.access, &bobs).await.problem(), (409, "email-taken"));
    assert_eq!(shop.log_in("bob@example.com").await.status, 200, "bob stays where he was");
    assert_eq!(shop.log_in("one@example.com").await.status, 200);
}

#[tokio::test]
async fn a_sign_up_that_nobody_has_proven_gives_way_to_whoever_proves_the_address() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    assert_eq!(shop.sign_up("new@example.com").await.status, 201);
    let squatters = shop.mailed_token("new@example.com").await;
    assert_eq!(shop.request_email(&ann, "new@example.com").await.status, 202, "a claim never blocks a fact");
    assert_eq!(shop.confirm_email(&ann.access, &shop.mailed_token("new@example.com").await).await.status, 200);
    assert_eq!(shop.verify(&squatters).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.get("/users/me").bearer(&ann.access).send().await.text("email"), "new@example.com");
    let report = Box::pin(userctl::check::check(&shop.stage())).await.unwrap();
    assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    shop.clock.advance(172_860);
    shop.service.invoke("CleanupFunction", json!({})).await.unwrap();
    assert_eq!(shop.log_in("new@example.com").await.status, 200, "cleanup finds nothing of it");
}

#[tokio::test]
async fn a_request_is_void_after_a_day_or_with_another_one() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.request_email(&ann, "one@example.com").await;
    let first = shop.mailed_token("one@example.com").await;
    shop.request_email(&ann, "two@example.com").await;
    assert_eq!(shop.confirm_email(&ann.access, &first).await.problem(), (400, "invalid-token"));
    let second = shop.mailed_token("two@example.com").await;
    shop.clock.advance(86_400);
    let ann = shop.signed_in("ann@example.com").await;
    assert_eq!(shop.confirm_email(&ann.access, &second).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn asking_for_the_same_address_again_voids_no_link() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.request_email(&ann, "new@example.com").await;
    let first = shop.mailed_token("new@example.com").await;
    shop.clock.advance(5);
    shop.request_email(&ann, "new@example.com").await;
    assert_ne!(shop.mailed_token("new@example.com").await, first);
    assert_eq!(shop.confirm_email(&ann.access, &first).await.status, 200);
}

#[tokio::test]
async fn the_notice_takes_a_change_back_before_and_after_it_is_confirmed() {
    for confirmed in [false, true] {
        let shop = Shop::open();
        let ann = shop.member("ann@example.com").await;
        shop.request_email(&ann, "thief@example.com").await;
        let (link, back) = (shop.mailed_token("thief@example.com").await, shop.mailed_token("ann@example.com").await);
        if confirmed {
            assert_eq!(shop.confirm_email(&ann.access, &link).await.status, 200);
        }
        shop.clock.advance(86_399);
        assert_eq!(shop.revert_email(&back).await.status, 200);
        assert_eq!(shop.revert_email(&back).await.problem(), (400, "invalid-token"));
        assert_eq!(confirm_by(&shop, &link, PASSWORD).await.problem(), (400, "invalid-token"));
        assert_eq!(shop.me(&ann.access).await, 401, "all sessions are ended");
        for address in ["ann@example.com", "thief@example.com"] {
            assert_eq!(shop.log_in(address).await.problem(), (401, "invalid-credentials"), "the password is void");
        }
        let mail = &shop.mails("ann@example.com").await[0];
        assert_eq!(mail["kind"], "reset-password", "it came by itself");
        assert_eq!(shop.reset(mail["token"].as_str().unwrap(), PASSWORD).await.status, 200);
        assert_eq!(shop.log_in("ann@example.com").await.status, 200);
        assert_eq!(shop.sign_up("thief@example.com").await.status, 201, "the other address is free");
    }
}

#[tokio::test]
async fn whoever_asks_for_recovery_at_an_address_that_the_account_left_gets_the_way_back() {
    let shop = Shop::open();
    let (_, first) = moved(&shop).await;
    shop.clock.advance(1);
    shop.forgot("ann@example.com").await;
    let mail = shop.mails("ann@example.com").await.remove(0);
    assert_eq!(mail["kind"], "email-changed");
    assert_ne!(mail["token"], first);
    assert_eq!(shop.revert_email(mail["token"].as_str().unwrap()).await.status, 200);
    assert_eq!(shop.revert_email(&first).await.problem(), (400, "invalid-token"));
}

#[tokio::test]
async fn a_link_to_take_an_address_back_ends_after_a_week_to_the_second() {
    for (seconds, status) in [(7 * 86_400 - 1, 200), (7 * 86_400, 400)] {
        let shop = Shop::open();
        let (_, back) = moved(&shop).await;
        shop.clock.advance(seconds);
        assert_eq!(shop.revert_email(&back).await.status, status);
    }
}

#[tokio::test]
async fn an_account_goes_back_to_an_address_that_it_left_itself() {
    let shop = Shop::open();
    let (ann, first) = moved(&shop).await;
    assert_eq!(shop.request_email(&ann, "ann@example.com").await.status, 202);
    let link = shop.mailed_link("ann@example.com", "confirm-email").await;
    assert_eq!(shop.confirm_email(&ann.access, &link).await.status, 200);
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
    let report = Box::pin(userctl::check::check(&shop.stage())).await.unwrap();
    assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    assert_eq!(shop.mails("new@example.com").await[0]["kind"], "email-reverted", "a notice without a link");
    assert_eq!(shop.revert_email(&first).await.problem(), (400, "invalid-token"), "it is where it was");
    assert_eq!(shop.sign_up("new@example.com").await.status, 201, "the other address is free");
}

#[tokio::test]
async fn only_five_addresses_can_be_taken_back_at_once() {
    let shop = Shop::open();
    let ann = shop.member("a0@example.com").await;
    for n in 1..6 {
        let new = format!("a{n}@example.com");
        assert_eq!(shop.request_email(&ann, &new).await.status, 202);
        assert_eq!(shop.confirm_email(&ann.access, &shop.mailed_token(&new).await).await.status, 200);
    }
    let enough = shop.request_email(&ann, "a6@example.com").await;
    assert_eq!((enough.problem(), enough.header("retry-after")), ((429, "throttled"), "604800"));
    shop.clock.advance(7 * 86_400);
    let ann = shop.signed_in("a5@example.com").await;
    assert_eq!(shop.request_email(&ann, "a6@example.com").await.status, 202);
}

#[tokio::test]
async fn a_deleted_user_frees_every_address() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let (ann, _) = moved(&shop).await;
    shop.request_email(&ann, "three@example.com").await;
    assert_eq!(shop.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    for email in ["ann@example.com", "new@example.com", "three@example.com"] {
        assert_eq!(shop.sign_up(email).await.status, 201, "{email}");
    }
}
