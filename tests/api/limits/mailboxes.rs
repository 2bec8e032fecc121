//! What a mailbox gets that somebody asks for: five of a purpose at once and then one an hour, and never so few that its owner is left
//! without a valid link.

use serde_json::json;

use crate::support::{Member, PASSWORD, Shop};

const ANN: &str = "ann@example.com";
const VICTIM: &str = "victim@example.com";

async fn count(shop: &Shop, to: &str, kind: &str) -> usize {
    shop.mails(to).await.iter().filter(|mail| mail["kind"] == kind).count()
}

/// Ends every session of the account and begins another one.
async fn again(shop: &Shop, email: &str, member: &Member) -> Member {
    shop.post("/auth/logout-all").bearer(&member.access).send().await;
    shop.signed_in(email).await
}

#[tokio::test]
async fn an_account_that_ends_its_epochs_does_not_get_more_into_a_strangers_mailbox() {
    let shop = Shop::open();
    let mut eve = shop.member("eve@evil.example").await;
    for _ in 0..4 {
        for _ in 0..6 {
            assert_eq!(shop.request_email(&eve, VICTIM).await.status, 202);
            shop.mails(VICTIM).await;
        }
        eve = again(&shop, "eve@evil.example", &eve).await;
    }
    assert_eq!(count(&shop, VICTIM, "confirm-email").await, 5);
    shop.clock.advance(3_600);
    let eve = shop.signed_in("eve@evil.example").await;
    shop.request_email(&eve, VICTIM).await;
    assert_eq!(count(&shop, VICTIM, "confirm-email").await, 6);
}

#[tokio::test]
async fn notices_of_changes_that_are_asked_for_have_a_cap_and_the_first_of_an_epoch_always_comes() {
    let shop = Shop::open();
    let ann = shop.member(ANN).await;
    for n in 0..20 {
        assert_eq!(shop.request_email(&ann, &format!("t{n}@evil.example")).await.status, 202);
    }
    assert_eq!(count(&shop, ANN, "email-change").await, 5);
    let first = shop.mails(ANN).await.into_iter().rfind(|mail| mail["kind"] == "email-change").unwrap();
    let back = shop.revert_email(first["token"].as_str().unwrap()).await;
    assert_eq!(back.status, 200, "the first one's link prevents the last change, too");
    assert_eq!(shop.reset(&shop.mailed_link(ANN, "reset-password").await, PASSWORD).await.status, 200);
    let ann = shop.signed_in(ANN).await;
    shop.request_email(&ann, "t@evil.example").await;
    assert_eq!(count(&shop, ANN, "email-change").await, 6);
}

#[tokio::test]
async fn a_former_address_gets_no_more_ways_back_by_new_epochs_of_the_account() {
    let shop = Shop::open();
    let mut ann = shop.member(ANN).await;
    shop.request_email(&ann, "t@evil.example").await;
    let link = shop.mailed_link("t@evil.example", "confirm-email").await;
    assert_eq!(shop.confirm_email(&ann.access, &link).await.status, 200);
    let notice = count(&shop, ANN, "email-changed").await;
    for _ in 0..3 {
        for _ in 0..6 {
            shop.forgot(ANN).await;
            shop.mails(ANN).await;
        }
        ann = again(&shop, "t@evil.example", &ann).await;
    }
    assert_eq!(count(&shop, ANN, "email-changed").await, notice + 5);
    let back = shop.mailed_link(ANN, "email-changed").await;
    assert_eq!(shop.revert_email(&back).await.status, 200, "each is valid all the same");
}

#[tokio::test]
async fn a_new_account_has_the_whole_allowance_whatever_was_asked_for_at_its_address_before() {
    let shop = Shop::with(&[("UNVERIFIED_USER_TTL_SECONDS", "60")]);
    shop.sign_up(VICTIM).await;
    for _ in 0..6 {
        shop.forgot(VICTIM).await;
        shop.mails(VICTIM).await;
    }
    assert_eq!(count(&shop, VICTIM, "reset-password").await, 5);
    shop.clock.advance(60);
    assert_eq!(shop.sign_up(VICTIM).await.status, 201);
    shop.forgot(VICTIM).await;
    assert_eq!(count(&shop, VICTIM, "reset-password").await, 6);
    assert_eq!(shop.reset(&shop.mailed_link(VICTIM, "reset-password").await, PASSWORD).await.status, 200);
    let body = json!({ "email": VICTIM, "password": PASSWORD });
    assert_eq!(shop.post("/auth/login").json(body).send().await.status, 200);
}
