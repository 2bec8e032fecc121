use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, TestApp};

async fn delete(app: &TestApp, member: &Member, password: &str) -> Answer {
    app.delete("/users/me").bearer(&member.access).json(json!({ "password": password })).send().await
}

#[tokio::test]
async fn an_account_goes_for_its_password_and_frees_the_address() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    assert_eq!(delete(&app, &ann, "Wr0ng!password").await.problem(), (401, "invalid-credentials"));
    assert_eq!(app.me(&ann.access).await, 200);
    assert_eq!(delete(&app, &ann, PASSWORD).await.status, 204);
    assert_eq!(app.me(&ann.access).await, 401);
    assert_eq!(app.items("UsersTable").await.len() + app.session_count().await, 0);
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn the_last_admin_cannot_leave() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    assert_eq!(delete(&app, &admin, PASSWORD).await.problem(), (409, "last-admin"));
    app.admin("second@example.com").await;
    assert_eq!(delete(&app, &admin, PASSWORD).await.status, 204);
}
