use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_role_is_felt_by_the_next_request_of_its_user() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}/role", ann.id);
    let list = async || app.get("/users").bearer(&ann.access).send().await.status;
    assert_eq!(list().await, 403);
    let promoted = app.put(&path).bearer(&admin.access).json(json!({ "role": "ADMIN" })).send().await;
    assert_eq!((promoted.status.as_u16(), &promoted.json["role"]), (200, &json!("admin")));
    assert_eq!(list().await, 200, "the token of before");
    let demoted = app.patch(&path).bearer(&admin.access).json(json!({ "role": "user" })).send().await;
    assert_eq!(demoted.json["role"], "user");
    assert_eq!(list().await, 403);
}

#[tokio::test]
async fn only_known_roles_are_given_and_only_by_admins() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}/role", ann.id);
    for body in [json!({ "role": "barista" }), json!({ "role": 1 }), json!({ "role": null }), json!({})] {
        let answer = app.put(&path).bearer(&admin.access).json(body.clone()).send().await;
        assert_eq!(answer.problem(), (422, "invalid"), "{body}");
    }
    let own = app.put(&path).bearer(&ann.access).json(json!({ "role": "admin" })).send().await;
    assert_eq!(own.problem(), (403, "forbidden"));
    let nobody = app.put("/users/nobody/role").bearer(&admin.access).json(json!({ "role": "admin" })).send().await;
    assert_eq!(nobody.problem(), (404, "not-found"));
}

#[tokio::test]
async fn the_last_admin_is_not_demoted_and_an_unverified_one_does_not_count() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    app.sign_up("ann@example.com").await;
    let page = app.get("/users?email=ann@example.com").bearer(&admin.access).send().await;
    let ann = page.json["items"][0]["id"].as_str().unwrap().to_owned();
    let give = async |id: &str, role: &str| {
        app.put(&format!("/users/{id}/role")).bearer(&admin.access).json(json!({ "role": role })).send().await
    };
    assert_eq!(give(&admin.id, "user").await.problem(), (409, "last-admin"));
    assert_eq!(give(&ann, "admin").await.status, 200);
    assert_eq!(give(&admin.id, "user").await.problem(), (409, "last-admin"), "Ann cannot sign in yet");
    app.verify(&app.mailed_token("ann@example.com").await).await;
    assert_eq!(give(&admin.id, "user").await.status, 200);
}
