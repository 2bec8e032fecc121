use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, Shop};

async fn delete(shop: &Shop, member: &Member, password: &str) -> Answer {
    shop.delete("/users/me").bearer(&member.access).json(json!({ "password": password })).send().await
}

#[tokio::test]
async fn an_account_goes_for_its_password_and_frees_the_address() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    assert_eq!(delete(&shop, &ann, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    assert_eq!(shop.me(&ann.access).await, 200);
    assert_eq!(delete(&shop, &ann, PASSWORD).await.status, 204);
    assert_eq!(shop.me(&ann.access).await, 401);
    assert_eq!(shop.items("UsersTable").await.len() + shop.session_count().await, 0);
    assert_eq!(shop.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn the_last_admin_cannot_leave() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    assert_eq!(delete(&shop, &admin, PASSWORD).await.problem(), (409, "last-admin"));
    shop.admin("second@example.com").await;
    assert_eq!(delete(&shop, &admin, PASSWORD).await.status, 204);
}
