use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn a_deleted_user_is_gone_at_once_and_its_address_free() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    assert_eq!(shop.delete(&path).bearer(&admin.access).send().await.status, 204);
    assert_eq!(shop.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    assert_eq!(shop.get(&path).bearer(&admin.access).send().await.problem(), (404, "not-found"));
    assert_eq!(shop.delete(&path).bearer(&admin.access).send().await.problem(), (404, "not-found"));
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let page = shop.get("/users").bearer(&admin.access).send().await;
    assert_eq!(page.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(shop.session_count().await, 1, "only the admin's session is left");
    assert_eq!(shop.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn nobody_but_an_admin_deletes() {
    let shop = Shop::open();
    let (ann, bob) = (shop.member("ann@example.com").await, shop.member("bob@example.com").await);
    for id in [&ann.id, &bob.id] {
        assert_eq!(shop.delete(&format!("/users/{id}")).bearer(&ann.access).send().await.problem(), (403, "forbidden"));
    }
}

#[tokio::test]
async fn the_last_admin_stays() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let path = format!("/users/{}", admin.id);
    assert_eq!(shop.delete(&path).bearer(&admin.access).send().await.problem(), (409, "last-admin"));
    let second = shop.admin("second@example.com").await;
    assert_eq!(shop.delete(&path).bearer(&admin.access).send().await.status, 204);
    let own = shop.delete(&format!("/users/{}", second.id)).bearer(&second.access);
    assert_eq!(own.send().await.problem(), (409, "last-admin"));
}

#[tokio::test]
async fn many_sessions_are_all_removed() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    for _ in 0..60 {
        shop.log_in("ann@example.com").await;
    }
    let answer = shop.delete(&format!("/users/{}", ann.id)).bearer(&admin.access).json(json!({})).send().await;
    assert_eq!(answer.status, 204);
    assert_eq!(shop.session_count().await, 1);
}
