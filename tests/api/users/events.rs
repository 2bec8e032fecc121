use serde_json::{Value, json};
use user_core::user::Role;

use crate::support::{Member, PASSWORD, Shop};

async fn events(shop: &Shop, admin: &Member, user: &str) -> Vec<Value> {
    let answer = shop.get(&format!("/users/{user}/events?limit=100")).bearer(&admin.access).send().await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json["items"].as_array().unwrap().clone()
}

/// The names of a user's events, oldest first.
async fn names(shop: &Shop, admin: &Member, user: &str) -> Vec<String> {
    let events = events(shop, admin, user).await;
    events.iter().rev().map(|event| event["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_life_of_an_account_is_told_in_order() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let step = || shop.clock.advance(1);
    shop.sign_up("ann@example.com").await;
    step();
    shop.verify(&shop.mailed_token("ann@example.com").await).await;
    step();
    shop.stranger("ann@example.com", "Wr0ng!password").await;
    step();
    let pair = shop.log_in("ann@example.com").await;
    let (access, refresh) = (pair.text("access_token"), pair.text("refresh_token"));
    let id = shop.get("/users/me").bearer(&access).send().await.text("id");
    step();
    let names_only = json!({ "first_name": "Ann" });
    shop.patch("/users/me").bearer(&access).json(names_only).send().await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" });
    assert_eq!(shop.put("/users/me/password").bearer(&access).json(passwords).send().await.status, 204);
    step();
    let flags = async |flags: Value| {
        shop.patch(&format!("/users/{id}")).bearer(&admin.access).json(flags).send().await;
        step();
    };
    for flag in [json!({ "is_active": false }), json!({ "is_active": true }), json!({ "is_verified": false })] {
        flags(flag).await;
    }
    flags(json!({ "is_verified": true })).await;
    let role = format!("/users/{id}/role");
    shop.put(&role).bearer(&admin.access).json(json!({ "role": "admin" })).send().await;
    step();
    shop.forgot("ann@example.com").await;
    shop.reset(&shop.mailed_token("ann@example.com").await, PASSWORD).await;
    step();
    let pair = shop.log_in("ann@example.com").await;
    step();
    shop.post("/auth/logout-all").bearer(&pair.text("access_token")).send().await;
    step();
    shop.delete(&format!("/users/{id}")).bearer(&admin.access).send().await;
    assert_eq!(shop.refresh(&refresh).await.status, 401);
    let expected = [
        "signed-up",
        "email-verified",
        "sign-in-failed",
        "signed-in",
        "password-changed",
        "deactivated",
        "reactivated",
        "email-unverified",
        "email-verified",
        "role-changed",
        "password-changed",
        "signed-in",
        "signed-out-everywhere",
        "deleted",
    ];
    assert_eq!(names(&shop, &admin, &id).await, expected, "and they outlive the account");
}

#[tokio::test]
async fn an_event_says_who_did_it_from_where_and_in_which_request() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let ann = shop.member("ann@example.com").await;
    shop.clock.advance(1);
    let path = format!("/users/{}/role", ann.id);
    let call = shop.put(&path).bearer(&admin.access).from([192, 0, 2, 7]);
    let changed = call.json(json!({ "role": "admin" })).send().await;
    let event = events(&shop, &admin, &ann.id).await.remove(0);
    assert_eq!(event["actor"], json!({ "type": "user", "id": admin.id }));
    assert_eq!((event["ip"].as_str(), event["detail"].as_str()), (Some("192.0.2.7"), Some("admin")));
    assert_eq!(event["request_id"], changed.header("x-request-id"));
    assert_eq!((&event["name"], &event["user_id"]), (&json!("role-changed"), &json!(ann.id)));
    assert_eq!(event["created_at"], shop.clock.now().to_string());
    shop.clock.advance(1);
    userctl::command::set_role(&shop.stage(), &"ann@example.com".parse().unwrap(), Role::User).await.unwrap();
    assert_eq!(events(&shop, &admin, &ann.id).await[0]["actor"], json!({ "type": "operator" }));
    shop.clock.advance(1);
    shop.stranger("ann@example.com", "Wr0ng!password").await;
    assert_eq!(events(&shop, &admin, &ann.id).await[0]["actor"], json!({ "type": "anonymous" }));
}

#[tokio::test]
async fn a_change_of_address_and_a_stolen_token_are_told() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let ann = shop.member("ann@example.com").await;
    shop.clock.advance(1);
    assert_eq!(shop.request_email(&ann, "new@example.com").await.status, 202);
    let (proof, notice) = (shop.mailed_token("new@example.com").await, shop.mailed_token("ann@example.com").await);
    shop.clock.advance(1);
    assert_eq!(shop.confirm_email(&ann.access, &proof).await.status, 200);
    shop.refresh(&ann.refresh).await;
    shop.clock.advance(11);
    assert_eq!(shop.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    shop.clock.advance(1);
    assert_eq!(shop.revert_email(&notice).await.status, 200);
    let told = names(&shop, &admin, &ann.id).await.split_off(3);
    assert_eq!(told, ["email-change-requested", "email-changed", "refresh-token-reused", "email-reverted"]);
}

#[tokio::test]
async fn events_come_in_pages_newest_first_and_go_after_ninety_days() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    let ann = shop.member("ann@example.com").await;
    for _ in 0..5 {
        shop.clock.advance(1);
        shop.stranger("ann@example.com", "Wr0ng!password").await;
    }
    let all = events(&shop, &admin, &ann.id).await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/users/{}/events?limit=3{cursor}", ann.id);
        let page = shop.get(&path).bearer(&admin.access).send().await;
        paged.extend(page.json["items"].as_array().unwrap().clone());
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        let elsewhere = format!("/users/{}/events?limit=3{cursor}", admin.id);
        assert_eq!(shop.get(&elsewhere).bearer(&admin.access).send().await.problem(), (422, "invalid"));
    }
    assert_eq!((all.len(), &paged), (8, &all));
    assert!(all.windows(2).all(|pair| pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str()));
    shop.clock.advance(90 * 86_400 - 5);
    let admin = shop.signed_in("admin@example.com").await;
    assert_eq!(events(&shop, &admin, &ann.id).await.len(), 5, "the first three are over");
}

#[tokio::test]
async fn an_unknown_user_has_no_events_and_a_failed_login_of_nobody_is_nobodys() {
    let shop = Shop::open();
    let admin = shop.admin("admin@example.com").await;
    shop.stranger("nobody@example.com", PASSWORD).await;
    for id in ["unknown", "", &"x".repeat(3_000)] {
        let path = format!("/users/{id}/events");
        let status = shop.get(&path).bearer(&admin.access).send().await.status;
        assert_eq!(status, 404, "{}", &path[..path.len().min(40)]);
    }
    let limit = shop.get(&format!("/users/{}/events?limit=0", admin.id)).bearer(&admin.access).send().await;
    assert_eq!(limit.errors(), [("limit", "out-of-range")]);
}
