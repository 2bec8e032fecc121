use serde_json::json;
use userctl::check::check;

use crate::support::{PASSWORD, Shop};

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
async fn all_sessions_go_with_their_user_however_many() {
    for by_herself in [false, true] {
        let shop = Shop::open();
        let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
        shop.multiply_session(&ann.id, 1_200).await;
        let call = match by_herself {
            true => shop.delete("/users/me").bearer(&ann.access).json(json!({ "password": PASSWORD })),
            false => shop.delete(&format!("/users/{}", ann.id)).bearer(&admin.access),
        };
        assert_eq!(call.send().await.status, 204);
        assert_eq!(shop.session_count().await, 1, "the admin's");
        let report = Box::pin(check(&shop.stage())).await.unwrap();
        assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    }
}

#[tokio::test]
async fn a_refused_deletion_ends_no_session() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let own = shop.delete("/users/me").bearer(&admin.access).json(json!({ "password": PASSWORD }));
    assert_eq!(own.send().await.problem(), (409, "last-admin"));
    let path = format!("/users/{}", admin.id);
    assert_eq!(shop.delete(&path).bearer(&admin.access).send().await.problem(), (409, "last-admin"));
    let path = format!("/users/{}", ann.id);
    let stale = shop.delete(&path).bearer(&admin.access).header("if-match", "\"99\"");
    assert_eq!(stale.send().await.problem(), (412, "stale"));
    assert_eq!((shop.me(&admin.access).await, shop.me(&ann.access).await), (200, 200));
    assert_eq!(shop.session_count().await, 2);
}
