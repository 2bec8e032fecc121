use serde_json::{Value, json};

use crate::support::{Member, PASSWORD, TestApp};

async fn list(app: &TestApp, path: &str, access: &str) -> Vec<Value> {
    let answer = app.get(path).bearer(access).send().await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json.as_array().unwrap().clone()
}

#[tokio::test]
async fn sessions_show_where_they_come_from_and_which_is_this_one() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    app.post("/auth/login").header("user-agent", "laptop").json(body).send().await;
    app.clock.advance(59);
    let list = async || app.get("/users/me/sessions").bearer(&ann.access).send().await.json;
    let before = list().await;
    assert_eq!(before.as_array().unwrap().len(), 2);
    let find = |list: &serde_json::Value, current: bool| {
        list.as_array().unwrap().iter().find(|session| session["current"] == current).unwrap().clone()
    };
    let other = find(&before, false);
    assert_eq!((&other["user_agent"], &other["ip"]), (&json!("laptop"), &json!("127.0.0.1")));
    assert_eq!(find(&before, true)["last_used_at"], find(&before, true)["created_at"], "written once a minute");
    app.clock.advance(1);
    list().await;
    let after = find(&list().await, true);
    assert_ne!(after["last_used_at"], after["created_at"]);
}

#[tokio::test]
async fn one_session_is_ended_and_no_stranger_s() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    let other = app.log_in("ann@example.com").await.text("access_token");
    let sessions = app.get("/users/me/sessions").bearer(&other).send().await.json;
    let first = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap()["id"].clone();
    let path = format!("/users/me/sessions/{}", first.as_str().unwrap());
    assert_eq!(app.delete(&path).bearer(&bob.access).send().await.problem(), (404, "not-found"));
    assert_eq!(app.delete(&path).bearer(&other).send().await.status, 204);
    assert_eq!(app.delete(&path).bearer(&other).send().await.problem(), (404, "not-found"));
    assert_eq!((app.me(&ann.access).await, app.me(&other).await), (401, 200));
    let long = format!("/users/me/sessions/{}", "x".repeat(3_000));
    assert_eq!(app.delete(&long).bearer(&other).send().await.problem(), (404, "not-found"));
}

#[tokio::test]
async fn ended_sessions_are_not_listed() {
    let app = TestApp::with(&[("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    app.member("ann@example.com").await;
    app.clock.advance(86_400);
    let ann = app.log_in("ann@example.com").await.text("access_token");
    let count =
        async |access: &str| app.get("/users/me/sessions").bearer(access).send().await.json.as_array().map(Vec::len);
    assert_eq!(count(&ann).await, Some(1));
    app.log_in("ann@example.com").await;
    app.post("/auth/logout-all").bearer(&ann).send().await;
    let again = app.log_in("ann@example.com").await.text("access_token");
    assert_eq!(count(&again).await, Some(1));
}

#[tokio::test]
async fn the_51st_sign_in_ends_the_session_that_was_unused_longest() {
    let app = TestApp::open();
    let mut members = vec![app.member("ann@example.com").await];
    for _ in 1..50 {
        app.clock.advance(1);
        members.push(app.signed_in("ann@example.com").await);
    }
    assert_eq!(list(&app, "/users/me/sessions", &members[49].access).await.len(), 50);
    app.clock.advance(60);
    // A call counts as a use of the session, and so does a refresh.
    assert_eq!(app.me(&members[0].access).await, 200);
    assert_eq!(app.refresh(&members[1].refresh).await.status, 200);
    app.clock.advance(1);
    members.push(app.signed_in("ann@example.com").await);
    let mut ended = Vec::new();
    for (n, Member { access, .. }) in members.iter().enumerate() {
        if app.me(access).await == 401 {
            ended.push(n);
        }
    }
    assert_eq!(ended, [2]);
    assert_eq!(app.refresh(&members[2].refresh).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(list(&app, "/users/me/sessions", &members[0].access).await.len(), 50);
}

#[tokio::test]
async fn sessions_that_are_over_do_not_count_and_do_not_pile_up() {
    let app = TestApp::with(&[("JWT_REFRESH_TOKEN_EXPIRE_DAYS", "1")]);
    app.member("ann@example.com").await;
    for _ in 0..29 {
        app.log_in("ann@example.com").await;
    }
    app.clock.advance(86_400);
    let mut tokens = Vec::new();
    for _ in 0..50 {
        tokens.push(app.log_in("ann@example.com").await.text("access_token"));
    }
    for token in &tokens {
        assert_eq!(app.me(token).await, 200);
    }
    assert_eq!(app.session_count().await, 50);
    for _ in 0..60 {
        assert_eq!(app.log_in("ann@example.com").await.status, 200);
        userctl::command::sign_out(&app.stage(), &"ann@example.com".parse().unwrap()).await.unwrap();
    }
    assert_eq!(app.session_count().await, 50, "nor do those that a new epoch has ended");
}

#[tokio::test]
async fn who_has_more_sessions_from_before_sees_50_and_keeps_50_at_the_next_sign_in() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.multiply_session(&ann.id, 1_200).await;
    let seen = list(&app, "/users/me/sessions", &ann.access).await;
    assert_eq!((seen.len(), &seen[0]["current"]), (50, &json!(true)));
    app.clock.advance(1);
    let next = app.signed_in("ann@example.com").await;
    assert_eq!(app.session_count().await, 50);
    assert_eq!(list(&app, "/users/me/sessions", &next.access).await.len(), 50);
}

#[tokio::test]
async fn an_administrator_sees_where_a_user_is_signed_in() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    app.clock.advance(1);
    app.stranger("ann@example.com", PASSWORD).await;
    let seen = list(&app, &format!("/users/{}/sessions", ann.id), &admin.access).await;
    let ips: Vec<_> = seen.iter().map(|session| (&session["ip"], &session["current"])).collect();
    assert_eq!(ips, [(&json!("192.0.2.1"), &json!(false)), (&json!("127.0.0.1"), &json!(false))]);
    assert_eq!(
        seen,
        list(&app, "/users/me/sessions", &ann.access).await.into_iter().map(elsewhere).collect::<Vec<_>>()
    );
    let own = list(&app, &format!("/users/{}/sessions", admin.id), &admin.access).await;
    assert_eq!((own.len(), &own[0]["current"]), (1, &json!(true)));
}

/// A session as it appears to another session.
fn elsewhere(mut session: Value) -> Value {
    session["current"] = json!(false);
    session
}

#[tokio::test]
async fn an_administrator_signs_a_user_out_everywhere_and_voids_what_was_mailed() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    app.forgot("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    app.clock.advance(1);
    let path = format!("/users/{}/sessions", ann.id);
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.status, 204);
    assert_eq!((app.me(&ann.access).await, app.me(&admin.access).await), (401, 200));
    assert_eq!(app.refresh(&ann.refresh).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(app.reset(&message, "Sh0rt-black-now").await.problem(), (400, "invalid-token"));
    assert_eq!(list(&app, &path, &admin.access).await, [json!(null); 0]);
    let events = app.get(&format!("/users/{}/events?limit=1", ann.id)).bearer(&admin.access).send().await;
    let event = &events.json["items"][0];
    assert_eq!(event["name"], "signed-out-everywhere");
    assert_eq!(event["actor"], json!({ "type": "user", "id": admin.id }));
    assert_eq!(app.log_in("ann@example.com").await.status, 200, "and can come in again");
    let own = format!("/users/{}/sessions", admin.id);
    assert_eq!(app.delete(&own).bearer(&admin.access).send().await.status, 204);
    assert_eq!(app.me(&admin.access).await, 401, "an administrator, too");
}

#[tokio::test]
async fn sessions_of_users_that_do_not_exist_are_not_found_and_only_for_administrators() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    app.sign_up("late@example.com").await;
    let stored = app.store().read_login(&"late@example.com".parse::<user_core::email::Email>().unwrap().key()).await;
    let late = stored.unwrap().unwrap().user_id.as_str().to_owned();
    let waiting = format!("/users/{late}/sessions");
    assert_eq!(list(&app, &waiting, &admin.access).await, [json!(null); 0]);
    app.clock.advance(172_800);
    let (admin, ann_again) = (app.signed_in("admin@example.com").await, app.signed_in("ann@example.com").await);
    for id in ["unknown", late.as_str(), &"x".repeat(3_000), &ann.id] {
        for method in ["GET", "DELETE"] {
            let call = || app.call(method.parse().unwrap(), &format!("/users/{id}/sessions"));
            assert_eq!(call().bearer(&ann_again.access).send().await.problem(), (403, "forbidden"));
            if id != ann.id {
                assert_eq!(call().bearer(&admin.access).send().await.problem(), (404, "not-found"));
            }
        }
    }
}
