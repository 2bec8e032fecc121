use serde_json::json;
use userctl::check::check;

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn a_deleted_user_is_gone_at_once_and_its_address_free() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.status, 204);
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    assert_eq!(app.get(&path).bearer(&admin.access).send().await.problem(), (404, "not-found"));
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.problem(), (404, "not-found"));
    assert_eq!(app.log_in("ann@example.com").await.problem(), (401, "invalid-credentials"));
    let page = app.get("/users").bearer(&admin.access).send().await;
    assert_eq!(page.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(app.session_count().await, 1, "only the admin's session is left");
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
}

#[tokio::test]
async fn nobody_but_an_admin_deletes() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    for id in [&ann.id, &bob.id] {
        assert_eq!(app.delete(&format!("/users/{id}")).bearer(&ann.access).send().await.problem(), (403, "forbidden"));
    }
}

#[tokio::test]
async fn the_last_admin_stays() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let path = format!("/users/{}", admin.id);
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.problem(), (409, "last-admin"));
    let second = app.admin("second@example.com").await;
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.status, 204);
    let own = app.delete(&format!("/users/{}", second.id)).bearer(&second.access);
    assert_eq!(own.send().await.problem(), (409, "last-admin"));
}

#[tokio::test]
async fn all_sessions_go_with_their_user_however_many() {
    for by_herself in [false, true] {
        let app = TestApp::open();
        let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
        app.multiply_session(&ann.id, 1_200).await;
        let call = match by_herself {
            true => app.delete("/users/me").bearer(&ann.access).json(json!({ "password": PASSWORD })),
            false => app.delete(&format!("/users/{}", ann.id)).bearer(&admin.access),
        };
        assert_eq!(call.send().await.status, 204);
        assert_eq!(app.session_count().await, 1, "the admin's");
        let report = Box::pin(check(&app.stage())).await.unwrap();
        assert!(report.is_clean() && report.notes.is_empty(), "{}", report.text());
    }
}

#[tokio::test]
async fn a_refused_deletion_ends_no_session() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let own = app.delete("/users/me").bearer(&admin.access).json(json!({ "password": PASSWORD }));
    assert_eq!(own.send().await.problem(), (409, "last-admin"));
    let path = format!("/users/{}", admin.id);
    assert_eq!(app.delete(&path).bearer(&admin.access).send().await.problem(), (409, "last-admin"));
    let path = format!("/users/{}", ann.id);
    let stale = app.delete(&path).bearer(&admin.access).header("if-match", "\"99\"");
    assert_eq!(stale.send().await.problem(), (412, "stale"));
    assert_eq!((app.me(&admin.access).await, app.me(&ann.access).await), (200, 200));
    assert_eq!(app.session_count().await, 2);
}
