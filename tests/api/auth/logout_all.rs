use crate::support::Shop;

#[tokio::test]
async fn every_session_ends_at_once_and_a_new_one_can_begin() {
    let shop = Shop::open();
    let (ann, bob) = (shop.member("ann@example.com").await, shop.member("bob@example.com").await);
    let other = shop.log_in("ann@example.com").await;
    assert_eq!(shop.post("/auth/logout-all").bearer(&ann.access).send().await.status, 204);
    for access in [&ann.access, &other.text("access_token")] {
        assert_eq!(shop.me(access).await, 401);
    }
    for refresh in [&ann.refresh, &other.text("refresh_token")] {
        assert_eq!(shop.refresh(refresh).await.problem(), (401, "invalid-refresh-token"));
    }
    assert_eq!(shop.me(&shop.log_in("ann@example.com").await.text("access_token")).await, 200, "in the same second");
    assert_eq!(shop.me(&bob.access).await, 200);
}
