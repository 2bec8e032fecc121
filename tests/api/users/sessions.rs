use serde_json::json;

use crate::support::{PASSWORD, Shop};

#[tokio::test]
async fn sessions_show_where_they_come_from_and_which_is_this_one() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    shop.post("/auth/login").header("user-agent", "laptop").json(body).send().await;
    shop.clock.advance(59);
    let list = async || shop.get("/users/me/sessions").bearer(&ann.access).send().await.json;
    let before = list().await;
    assert_eq!(before.as_array().unwrap().len(), 2);
    let find = |list: &serde_json::Value, current: bool| {
        list.as_array().unwrap().iter().find(|session| session["current"] == current).unwrap().clone()
    };
    let other = find(&before, false);
    assert_eq!((&other["user_agent"], &other["ip"]), (&json!("laptop"), &json!("127.0.0.1")));
    assert_eq!(find(&before, true)["last_used_at"], find(&before, true)["created_at"], "written once a minute");
    shop.clock.advance(1);
    list().await;
    let after = find(&list().await, true);
    assert_ne!(after["last_used_at"], after["created_at"]);
}

#[tokio::test]
async fn one_session_is_ended_and_no_stranger_s() {
    let shop = Shop::open();
    let (ann, bob) = (shop.member("ann@example.com").await, shop.member("bob@example.com").await);
    let other = shop.log_in("ann@example.com").await.text("access_token");
    let sessions = shop.get("/users/me/sessions").bearer(&other).send().await.json;
    let first = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap()["id"].clone();
    let path = format!("/users/me/sessions/{}", first.as_str().unwrap());
    assert_eq!(shop.delete(&path).bearer(&bob.access).send().await.problem(), (404, "not-found"));
    assert_eq!(shop.delete(&path).bearer(&other).send().await.status, 204);
    assert_eq!(shop.delete(&path).bearer(&other).send().await.problem(), (404, "not-found"));
    assert_eq!((shop.me(&ann.access).await, shop.me(&other).await), (401, 200));
    let long = format!("/users/me/sessions/{}", "x".repeat(3_000));
    assert_eq!(shop.delete(&long).bearer(&other).send().await.problem(), (404, "not-found"));
}

#[tokio::test]
async fn ended_sessions_are_not_listed() {
    let shop = Shop::with(&[("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    shop.member("ann@example.com").await;
    shop.clock.advance(86_400);
    let ann = shop.log_in("ann@example.com").await.text("access_token");
    let count =
        async |access: &str| shop.get("/users/me/sessions").bearer(access).send().await.json.as_array().map(Vec::len);
    assert_eq!(count(&ann).await, Some(1));
    shop.log_in("ann@example.com").await;
    shop.post("/auth/logout-all").bearer(&ann).send().await;
    let again = shop.log_in("ann@example.com").await.text("access_token");
    assert_eq!(count(&again).await, Some(1));
}
