use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn a_refresh_token_is_good_once_and_answers_its_successor_again_within_the_grace() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let one = shop.refresh(&ann.refresh).await;
    assert_eq!(one.status, 200);
    assert_ne!(one.text("refresh_token"), ann.refresh);
    shop.clock.advance(10);
    let again = shop.refresh(&ann.refresh).await;
    assert_eq!(again.raw, one.raw, "the very same pair");
    assert_eq!(shop.refresh(&one.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_used_token_after_the_grace_ends_the_session() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let next = shop.refresh(&ann.refresh).await;
    shop.clock.advance(11);
    assert_eq!(shop.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    for dead in [&ann.refresh, &next.text("refresh_token")] {
        assert_eq!(shop.refresh(dead).await.problem(), (401, "invalid-refresh-token"));
    }
    for dead in [&ann.access, &next.text("access_token")] {
        assert_eq!(shop.get("/users/me").bearer(dead).send().await.problem(), (401, "unauthenticated"));
    }
}

#[tokio::test]
async fn a_token_whose_successor_was_used_ends_the_session_even_within_the_grace() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let next = shop.refresh(&ann.refresh).await.text("refresh_token");
    assert_eq!(shop.refresh(&next).await.status, 200);
    assert_eq!(shop.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    assert_eq!(shop.refresh(&next).await.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn one_ended_session_leaves_the_others_alone() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let other = shop.log_in("ann@example.com").await;
    let next = shop.refresh(&ann.refresh).await.text("refresh_token");
    shop.refresh(&next).await;
    shop.refresh(&ann.refresh).await;
    assert_eq!(shop.get("/users/me").bearer(&other.text("access_token")).send().await.status, 200);
    assert_eq!(shop.refresh(&other.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_ends_at_its_very_second_and_each_turn_prolongs_it() {
    let shop = Shop::with(&[("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    let ann = shop.member("ann@example.com").await;
    shop.clock.advance(86_399);
    let next = shop.refresh(&ann.refresh).await.text("refresh_token");
    shop.clock.advance(86_400);
    assert_eq!(shop.refresh(&next).await.problem(), (401, "invalid-refresh-token"));
}

#[tokio::test]
async fn a_refresh_carries_the_role_of_now() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let role = shop.put(&format!("/users/{}/role", ann.id)).bearer(&admin.access).json(json!({ "role": "admin" }));
    assert_eq!(role.send().await.status, 200);
    let pair = shop.refresh(&ann.refresh).await;
    assert_eq!(shop.get("/users").bearer(&pair.text("access_token")).send().await.status, 200);
}

#[tokio::test]
async fn whoever_may_not_sign_in_may_not_refresh() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    for (email, edit) in
        [("ann@example.com", json!({ "is_active": false })), ("bob@example.com", json!({ "is_verified": false }))]
    {
        let member = shop.member(email).await;
        shop.patch(&format!("/users/{}", member.id)).bearer(&admin.access).json(edit).send().await;
        assert_eq!(shop.refresh(&member.refresh).await.problem(), (401, "invalid-refresh-token"));
    }
    let gone = shop.member("eve@example.com").await;
    shop.delete(&format!("/users/{}", gone.id)).bearer(&admin.access).send().await;
    assert_eq!(shop.refresh(&gone.refresh).await.problem(), (401, "invalid-refresh-token"));
}
