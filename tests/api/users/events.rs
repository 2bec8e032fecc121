use serde_json::{Value, json};
use user_core::user::Role;

use crate::support::{Member, PASSWORD, TestApp};

async fn events(app: &TestApp, admin: &Member, user: &str) -> Vec<Value> {
    let answer = app.get(&format!("/users/{user}/events?limit=100")).bearer(&admin.access).send().await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json["items"].as_array().unwrap().clone()
}

/// The names of a user's events, oldest first.
async fn names(app: &TestApp, admin: &Member, user: &str) -> Vec<String> {
    let events = events(app, admin, user).await;
    events.iter().rev().map(|event| event["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_life_of_an_account_is_told_in_order() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let step = || app.clock.advance(1);
    app.sign_up("ann@example.com").await;
    step();
    app.verify(&app.mailed_token("ann@example.com").await).await;
    step();
    app.stranger("ann@example.com", "Wr0ng!password").await;
    step();
    let pair = app.log_in("ann@example.com").await;
    let (access, refresh) = (pair.text("access_token"), pair.text("refresh_token"));
    let id = app.get("/users/me").bearer(&access).send().await.text("id");
    step();
    let names_only = json!({ "first_name": "Ann" });
    app.patch("/users/me").bearer(&access).json(names_only).send().await;
    let passwords = json!({ "current_password": PASSWORD, "new_password": "Sh0rt-black-now" });
    assert_eq!(app.put("/users/me/password").bearer(&access).json(passwords).send().await.status, 204);
    step();
    let flags = async |flags: Value| {
        app.patch(&format!("/users/{id}")).bearer(&admin.access).json(flags).send().await;
        step();
    };
    for flag in [json!({ "is_active": false }), json!({ "is_active": true }), json!({ "is_verified": false })] {
        flags(flag).await;
    }
    flags(json!({ "is_verified": true })).await;
    let role = format!("/users/{id}/role");
    app.put(&role).bearer(&admin.access).json(json!({ "role": "admin" })).send().await;
    step();
    app.forgot("ann@example.com").await;
    app.reset(&app.mailed_token("ann@example.com").await, PASSWORD).await;
    step();
    let pair = app.log_in("ann@example.com").await;
    step();
    app.post("/auth/logout-all").bearer(&pair.text("access_token")).send().await;
    step();
    app.delete(&format!("/users/{id}")).bearer(&admin.access).send().await;
    assert_eq!(app.refresh(&refresh).await.status, 401);
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
    assert_eq!(names(&app, &admin, &id).await, expected, "and they outlive the account");
}

#[tokio::test]
async fn an_event_says_who_did_it_from_where_and_in_which_request() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let ann = app.member("ann@example.com").await;
    app.clock.advance(1);
    let path = format!("/users/{}/role", ann.id);
    let call = app.put(&path).bearer(&admin.access).from([192, 0, 2, 7]);
    let changed = call.json(json!({ "role": "admin" })).send().await;
    let event = events(&app, &admin, &ann.id).await.remove(0);
    assert_eq!(event["actor"], json!({ "type": "user", "id": admin.id }));
    assert_eq!((event["ip"].as_str(), event["detail"].as_str()), (Some("192.0.2.7"), Some("admin")));
    assert_eq!(event["request_id"], changed.header("x-request-id"));
    assert_eq!((&event["name"], &event["user_id"]), (&json!("role-changed"), &json!(ann.id)));
    assert_eq!(event["created_at"], app.clock.now().to_string());
    app.clock.advance(1);
    userctl::command::set_role(&app.stage(), &"ann@example.com".parse().unwrap(), Role::User).await.unwrap();
    assert_eq!(events(&app, &admin, &ann.id).await[0]["actor"], json!({ "type": "operator" }));
    app.clock.advance(1);
    app.stranger("ann@example.com", "Wr0ng!password").await;
    assert_eq!(events(&app, &admin, &ann.id).await[0]["actor"], json!({ "type": "anonymous" }));
}

#[tokio::test]
async fn a_change_of_address_and_a_stolen_token_are_told() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let ann = app.member("ann@example.com").await;
    app.clock.advance(1);
    assert_eq!(app.request_email(&ann, "new@example.com").await.status, 202);
    let (proof, notice) = (app.mailed_token("new@example.com").await, app.mailed_token("ann@example.com").await);
    app.clock.advance(1);
    assert_eq!(app.confirm_email(&ann.access, &proof).await.status, 200);
    app.refresh(&ann.refresh).await;
    app.clock.advance(11);
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "refresh-token-reused"));
    app.clock.advance(1);
    assert_eq!(app.revert_email(&notice).await.status, 200);
    let told = names(&app, &admin, &ann.id).await.split_off(3);
    assert_eq!(told, ["email-change-requested", "email-changed", "refresh-token-reused", "email-reverted"]);
}

#[tokio::test]
async fn events_come_in_pages_newest_first_and_go_after_ninety_days() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let ann = app.member("ann@example.com").await;
    for _ in 0..5 {
        app.clock.advance(1);
        app.stranger("ann@example.com", "Wr0ng!password").await;
    }
    let all = events(&app, &admin, &ann.id).await;
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/users/{}/events?limit=3{cursor}", ann.id);
        let page = app.get(&path).bearer(&admin.access).send().await;
        paged.extend(page.json["items"].as_array().unwrap().clone());
        let Some(next) = page.json["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        let elsewhere = format!("/users/{}/events?limit=3{cursor}", admin.id);
        assert_eq!(app.get(&elsewhere).bearer(&admin.access).send().await.problem(), (422, "invalid"));
    }
    assert_eq!((all.len(), &paged), (8, &all));
    assert!(all.windows(2).all(|pair| pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str()));
    app.clock.advance(90 * 86_400 - 5);
    let admin = app.signed_in("admin@example.com").await;
    assert_eq!(events(&app, &admin, &ann.id).await.len(), 5, "the first three are over");
}

#[tokio::test]
async fn an_unknown_user_has_no_events_and_a_failed_login_of_nobody_is_nobodys() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    app.stranger("nobody@example.com", PASSWORD).await;
    for id in ["unknown", "", &"x".repeat(3_000)] {
        let path = format!("/users/{id}/events");
        let status = app.get(&path).bearer(&admin.access).send().await.status;
        assert_eq!(status, 404, "{}", &path[..path.len().min(40)]);
    }
    let limit = app.get(&format!("/users/{}/events?limit=0", admin.id)).bearer(&admin.access).send().await;
    assert_eq!(limit.errors(), [("limit", "out-of-range")]);
}
