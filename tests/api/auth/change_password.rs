use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, Shop};

const NEW: &str = "Sh0rt-black-now";

async fn change(shop: &Shop, member: &Member, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    shop.put("/users/me/password").bearer(&member.access).json(body).send().await
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_tells_the_owner() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let other = shop.log_in("ann@example.com").await;
    assert_eq!(change(&shop, &ann, "Wr0ng!password", NEW).await.problem(), (401, "invalid-credentials"));
    let weak = change(&shop, &ann, PASSWORD, "short").await;
    assert_eq!((weak.problem(), weak.errors()[0].0), ((422, "invalid"), "new_password"));
    assert_eq!(change(&shop, &ann, PASSWORD, NEW).await.status, 204);
    assert_eq!((shop.me(&ann.access).await, shop.me(&other.text("access_token")).await), (200, 401));
    assert_eq!(shop.refresh(&ann.refresh).await.status, 200, "this session can go on");
    assert_eq!(shop.refresh(&other.text("refresh_token")).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(shop.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let mails = shop.mails("ann@example.com").await;
    assert_eq!((&mails[0]["kind"], &mails[0]["link"]), (&json!("password-changed"), &json!("")));
}

#[tokio::test]
async fn a_pending_reset_letter_is_void_after_a_change() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.forgot("ann@example.com").await;
    let letter = shop.mailed_token("ann@example.com").await;
    assert_eq!(change(&shop, &ann, PASSWORD, NEW).await.status, 204);
    assert_eq!(shop.reset(&letter, PASSWORD).await.problem(), (400, "invalid-token"));
}
