use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, Shop};

async fn wish(shop: &Shop, member: &Member, new: &str) -> Answer {
    let body = json!({ "new_email": new, "password": PASSWORD });
    shop.post("/users/me/email").bearer(&member.access).json(body).send().await
}

async fn prove(shop: &Shop, call: &str, token: &str) -> Answer {
    shop.post(&format!("/auth/{call}-email")).json(json!({ "token": token })).send().await
}

#[tokio::test]
async fn the_old_address_signs_in_until_the_new_one_is_proven() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    assert_eq!(wish(&shop, &ann, "new@example.com").await.status, 202);
    let letter = shop.mailed_token("new@example.com").await;
    assert_eq!(shop.mails("ann@example.com").await[0]["kind"], "email-change");
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
    assert_eq!(shop.log_in("new@example.com").await.problem(), (401, "invalid-credentials"));
    assert_eq!(shop.sign_up("new@example.com").await.problem(), (409, "email-taken"), "it is reserved");
    assert_eq!(prove(&shop, "confirm", &letter).await.status, 200);
    assert_eq!(prove(&shop, "confirm", &letter).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.log_in("new@example.com").await.status, 200);
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let me = shop.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(me.text("email"), "new@example.com", "sessions live on");
    assert_eq!(
        shop.sign_up("ann@example.com").await.problem(),
        (409, "email-taken"),
        "for a week it can be taken back"
    );
    shop.clock.advance(7 * 86_400);
    assert_eq!(shop.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn a_wish_needs_the_password_and_a_free_address() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.member("bob@example.com").await;
    let body = json!({ "new_email": "new@example.com", "password": "Wr0ng!password" });
    let wrong = shop.post("/users/me/email").bearer(&ann.access).json(body).send().await;
    assert_eq!(wrong.problem(), (401, "invalid-credentials"));
    assert_eq!(wish(&shop, &ann, "BOB@example.com").await.problem(), (409, "email-taken"));
    assert_eq!(wish(&shop, &ann, "ANN@example.com").await.problem(), (422, "invalid"));
    assert_eq!(wish(&shop, &ann, "plain").await.problem(), (422, "invalid"));
    assert_eq!(shop.mails("bob@example.com").await.len(), 1, "only bob's own verification");
}

#[tokio::test]
async fn an_unproven_address_is_free_again_after_a_day_or_with_another_wish() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    wish(&shop, &ann, "one@example.com").await;
    let first = shop.mailed_token("one@example.com").await;
    wish(&shop, &ann, "two@example.com").await;
    assert_eq!(prove(&shop, "confirm", &first).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.sign_up("one@example.com").await.status, 201);
    let second = shop.mailed_token("two@example.com").await;
    shop.clock.advance(86_400);
    assert_eq!(prove(&shop, "confirm", &second).await.problem(), (400, "invalid-token"));
    assert_eq!(shop.sign_up("two@example.com").await.status, 201);
    assert_eq!(shop.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn the_notice_takes_a_change_back_before_and_after_it_is_proven() {
    for proven in [false, true] {
        let shop = Shop::open();
        let ann = shop.member("ann@example.com").await;
        wish(&shop, &ann, "thief@example.com").await;
        let (proof, back) = (shop.mailed_token("thief@example.com").await, shop.mailed_token("ann@example.com").await);
        if proven {
            assert_eq!(prove(&shop, "confirm", &proof).await.status, 200);
        }
        shop.clock.advance(86_399);
        assert_eq!(prove(&shop, "revert", &back).await.status, 200);
        assert_eq!(prove(&shop, "revert", &back).await.problem(), (400, "invalid-token"));
        assert_eq!(prove(&shop, "confirm", &proof).await.problem(), (400, "invalid-token"));
        assert_eq!(shop.me(&ann.access).await, 401, "all sessions are ended");
        assert_eq!(shop.log_in("ann@example.com").await.status, 200);
        assert_eq!(shop.log_in("thief@example.com").await.problem(), (401, "invalid-credentials"));
        assert_eq!(shop.sign_up("thief@example.com").await.status, 201, "the other address is free");
    }
}

#[tokio::test]
async fn a_deleted_user_frees_every_address() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    wish(&shop, &ann, "two@example.com").await;
    prove(&shop, "confirm", &shop.mailed_token("two@example.com").await).await;
    wish(&shop, &ann, "three@example.com").await;
    assert_eq!(shop.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).send().await.status, 204);
    for email in ["ann@example.com", "two@example.com", "three@example.com"] {
        assert_eq!(shop.sign_up(email).await.status, 201, "{email}");
    }
}
