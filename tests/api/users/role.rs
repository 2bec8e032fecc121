use serde_json::json;

use crate::support::Shop;

#[tokio::test]
async fn a_role_is_felt_by_the_next_request_of_its_user() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let path = format!("/users/{}/role", ann.id);
    let list = async || shop.get("/users").bearer(&ann.access).send().await.status;
    assert_eq!(list().await, 403);
    let promoted = shop.put(&path).bearer(&admin.access).json(json!({ "role": "ADMIN" })).send().await;
    assert_eq!((promoted.status.as_u16(), &promoted.json["role"]), (200, &json!("admin")));
    assert_eq!(list().await, 200, "the token of before");
    let demoted = shop.patch(&path).bearer(&admin.access).json(json!({ "role": "user" })).send().await;
    assert_eq!(demoted.json["role"], "user");
    assert_eq!(list().await, 403);
}

#[tokio::test]
async fn only_known_roles_are_given_and_only_by_admins() {
    let shop = Shop::open();
    let (admin, ann) = (shop.admin("admin@example.com").await, shop.member("ann@example.com").await);
    let path = format!("/users/{}/role", ann.id);
    for body in [json!({ "role": "barista" }), json!({ "role": 1 }), json!({ "role": null }), json!({})] {
        let answer = shop.put(&path).bearer(&admin.access).json(body.clone()).send().await;
        assert_eq!(answer.problem(), (422, "invalid"), "{body}");
    }
    let own = shop.put(&path).bearer(&ann.access).json(json!({ "role": "admin" })).send().await;
    assert_eq!(own.problem(), (403, "forbidden"));
    let nobody = shop.put("/users/nobody/role").bearer(&admin.access).json(json!({ "role": "admin" })).send().await;
    assert_eq!(nobody.problem(), (404, "not-found"));
}

#[tokio::test]
async fn the_last_admin_is_not_demoted_and_an_unverified_one_does_not_count() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    shop.sign_up("ann@example.com").await;
    let page = shop.get("/users?email=ann@example.com").bearer(&admin.access).send().await;
    let ann = page.json["items"][0]["id"].as_str().unwrap().to_owned();
    let give = async |id: &str, role: &str| {
        shop.put(&format!("/users/{id}/role")).bearer(&admin.access).json(json!({ "role": role })).send().await
    };
    assert_eq!(give(&admin.id, "user").await.problem(), (409, "last-admin"));
    assert_eq!(give(&ann, "admin").await.status, 200);
    assert_eq!(give(&admin.id, "user").await.problem(), (409, "last-admin"), "Ann cannot sign in yet");
    shop.verify(&shop.mailed_token("ann@example.com").await).await;
    assert_eq!(give(&admin.id, "user").await.status, 200);
}
