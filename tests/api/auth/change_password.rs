use serde_json::json;

use crate::support::{Answer, Member, PASSWORD, TestApp};

const NEW: &str = "Sh0rt-black-now";

async fn change(app: &TestApp, member: &Member, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    app.put("/users/me/password").bearer(&member.access).json(body).send().await
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_tells_the_owner() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let other = app.log_in("ann@example.com").await;
    assert_eq!(change(&app, &ann, "Wr0ng!password", NEW).await.problem(), (401, "invalid-credentials"));
    let weak = change(&app, &ann, PASSWORD, "short").await;
    assert_eq!((weak.problem(), weak.errors()[0].0), ((422, "invalid"), "new_password"));
    assert_eq!(change(&app, &ann, PASSWORD, NEW).await.status, 204);
    assert_eq!((app.me(&ann.access).await, app.me(&other.text("access_token")).await), (200, 401));
    assert_eq!(app.refresh(&ann.refresh).await.status, 200, "this session can go on");
    assert_eq!(app.refresh(&other.text("refresh_token")).await.problem(), (401, "invalid-refresh-token"));
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let mails = app.mails("ann@example.com").await;
    assert_eq!((&mails[0]["kind"], &mails[0]["link"]), (&json!("password-changed"), &json!("")));
}

#[tokio::test]
async fn a_pending_reset_link_is_void_after_a_change() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.forgot("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    assert_eq!(change(&app, &ann, PASSWORD, NEW).await.status, 204);
    assert_eq!(app.reset(&message, PASSWORD).await.problem(), (400, "invalid-token"));
}
