use crate::support::TestApp;

#[tokio::test]
async fn a_user_sees_its_own_view_by_every_name() {
    let app = TestApp::open();
    let ann = app.member("Ann@example.com").await;
    let me = app.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!(me.status, 200);
    let keys: Vec<_> = me.json.as_object().unwrap().keys().map(String::as_str).collect();
    let view =
        ["created_at", "email", "first_name", "id", "is_active", "is_verified", "last_name", "role", "updated_at"];
    assert_eq!(keys, view);
    assert_eq!(me.json["email"], "Ann@example.com", "as it was typed");
    assert!(me.text("created_at").ends_with('Z'));
    assert_eq!(me.header("etag"), "\"2\"", "verification was the second version");
    for path in ["/me".to_owned(), format!("/users/{}", ann.id)] {
        assert_eq!(app.get(&path).bearer(&ann.access).send().await.raw, me.raw);
    }
}

#[tokio::test]
async fn others_are_forbidden_whether_they_exist_or_not() {
    let app = TestApp::open();
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    for id in [bob.id.as_str(), "no-such-user", "%00", "a%3Db"] {
        let answer = app.get(&format!("/users/{id}")).bearer(&ann.access).send().await;
        assert_eq!(answer.problem(), (403, "forbidden"), "{id}");
    }
}

#[tokio::test]
async fn an_admin_reads_everybody_and_nobody_is_not_found() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let read = async |id: &str| app.get(&format!("/users/{id}")).bearer(&admin.access).send().await;
    assert_eq!(read(&ann.id).await.json["email"], "ann@example.com");
    let long = "x".repeat(3_000);
    for id in ["no-such-user", "%00", "%F0%9F%92%A9", "%FF", "a%2Fb", long.as_str()] {
        assert_eq!(read(id).await.problem(), (404, "not-found"), "{id}");
    }
    app.sign_up("late@example.com").await;
    let list = app.get("/users?email=late@example.com").bearer(&admin.access).send().await;
    let late = list.json["items"][0]["id"].as_str().unwrap();
    assert_eq!(read(late).await.status, 200);
    app.clock.advance(3);
    assert_eq!(read(late).await.problem(), (404, "not-found"), "its time is over");
}
