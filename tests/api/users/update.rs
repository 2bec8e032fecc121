use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let both = json!({ "first_name": "Ann", "last_name": "Bean" });
    let answer = app.patch("/users/me").bearer(&ann.access).json(both).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "\"3\""));
    let path = format!("/users/{}", ann.id);
    let answer = app.patch(&path).bearer(&ann.access).json(json!({ "last_name": null })).send().await;
    assert_eq!((&answer.json["first_name"], &answer.json["last_name"]), (&json!("Ann"), &json!(null)));
    let same = app.patch(&path).bearer(&ann.access).json(json!({})).send().await;
    assert_eq!(same.header("etag"), "\"4\"", "nothing changed");
}

#[tokio::test]
async fn wrong_values_are_refused_and_nothing_changes() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let cases = [
        (json!({ "first_name": 1 }), "invalid"),
        (json!({ "first_name": "x".repeat(101) }), "invalid"),
        (json!({ "first_name": "a\u{0}b" }), "invalid"),
        (json!({ "first_name": "New", "is_active": null }), "invalid"),
        (json!({ "first_name": "New", "email": "eve@example.com" }), "unknown-field"),
        (json!({ "first_name": "New", "role": "admin" }), "unknown-field"),
        (json!({ "first_name": "New", "password": "x" }), "unknown-field"),
    ];
    for (body, code) in cases {
        let answer = app.patch("/users/me").bearer(&ann.access).json(body.clone()).send().await;
        assert_eq!(answer.problem(), (422, code), "{body}");
    }
    assert_eq!(app.get("/me").bearer(&ann.access).send().await.header("etag"), "\"2\"");
}

#[tokio::test]
async fn a_name_that_cannot_be_seen_or_turns_text_round_is_refused_with_its_code() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    for (name, code) in [
        ("A\u{9f}", "control-character"),
        ("A\u{2028}nn", "line-separator"),
        ("A\u{2029}nn", "line-separator"),
        ("A\u{61c}nn", "bidirectional-control"),
        ("\u{2067}Ann\u{2069}", "bidirectional-control"),
        ("\u{200d}", "invisible"),
        ("\u{2800} \u{2800}", "invisible"),
        ("\u{301}\u{301}", "invisible"),
    ] {
        for path in ["/users/me", &path] {
            let answer = app.patch(path).bearer(&ann.access).json(json!({ "last_name": name })).send().await;
            assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), vec![("last_name", code)]), "{name:?}");
        }
        let record = json!({ "first_name": name, "last_name": "Bean", "is_active": true, "is_verified": true });
        let answer = app.put(&path).bearer(&admin.access).json(record).send().await;
        assert_eq!((answer.problem(), answer.errors()), ((422, "invalid"), vec![("first_name", code)]), "{name:?}");
    }
    let joined = json!({ "first_name": "\u{645}\u{6cc}\u{200c}\u{646}\u{627}", "last_name": "e\u{301}" });
    assert_eq!(app.patch("/users/me").bearer(&ann.access).json(joined.clone()).send().await.status, 200);
    let me = app.get("/me").bearer(&ann.access).send().await;
    assert_eq!((&me.json["first_name"], &me.json["last_name"]), (&joined["first_name"], &joined["last_name"]));
}

#[tokio::test]
async fn flags_are_for_admins() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    for body in
        [json!({ "is_active": true }), json!({ "is_verified": true }), json!({ "first_name": "x", "is_active": false })]
    {
        for path in ["/users/me", &path] {
            let answer = app.patch(path).bearer(&ann.access).json(body.clone()).send().await;
            assert_eq!(answer.problem(), (403, "forbidden"), "{body}");
        }
    }
    let record = json!({ "first_name": "Ann", "last_name": null, "is_active": true, "is_verified": true });
    assert_eq!(app.put(&path).bearer(&ann.access).json(record.clone()).send().await.problem(), (403, "forbidden"));
    assert_eq!(app.put(&path).bearer(&admin.access).json(record).send().await.json["first_name"], "Ann");
}

#[tokio::test]
async fn a_put_needs_the_whole_record() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let answer =
        app.put(&format!("/users/{}", ann.id)).bearer(&admin.access).json(json!({ "first_name": "A" })).send().await;
    assert_eq!(answer.problem(), (422, "invalid"));
    assert_eq!(answer.errors(), [("last_name", "missing"), ("is_active", "missing"), ("is_verified", "missing")]);
}

#[tokio::test]
async fn a_stale_condition_is_refused_on_every_change() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let path = format!("/users/{}", ann.id);
    let etag = app.get(&path).bearer(&admin.access).send().await.header("etag").to_owned();
    let patch = async |tag: &str, name: &str| {
        app.patch(&path).bearer(&admin.access).header("if-match", tag).json(json!({ "first_name": name })).send().await
    };
    assert_eq!(patch(&etag, "One").await.status, 200);
    assert_eq!(patch(&etag, "Two").await.problem(), (412, "stale"));
    assert_eq!(patch("\"77\", W/\"3\"", "Two").await.problem(), (412, "stale"), "a weak tag never matches");
    assert_eq!(patch("\"77\", \"3\"", "Two").await.status, 200, "one of a list");
    assert_eq!(patch("*", "Three").await.status, 200);
    let record = json!({ "first_name": "A", "last_name": null, "is_active": true, "is_verified": true });
    assert_eq!(
        app.put(&path).bearer(&admin.access).header("if-match", &etag).json(record).send().await.problem(),
        (412, "stale")
    );
    let role = app.put(&format!("{path}/role")).bearer(&admin.access).header("if-match", &etag);
    assert_eq!(role.json(json!({ "role": "admin" })).send().await.problem(), (412, "stale"));
    assert_eq!(
        app.delete(&path).bearer(&admin.access).header("if-match", &etag).send().await.problem(),
        (412, "stale")
    );
}

#[tokio::test]
async fn deactivation_is_felt_by_the_next_request_and_lasts_for_old_tokens() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member("ann@example.com").await);
    let set = async |active: bool| {
        let body = json!({ "is_active": active });
        app.patch(&format!("/users/{}", ann.id)).bearer(&admin.access).json(body).send().await.status
    };
    assert_eq!(set(false).await, 200);
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    assert_eq!(set(true).await, 200);
    assert_eq!(app.get("/users/me").bearer(&ann.access).send().await.problem(), (401, "unauthenticated"));
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn an_admin_ends_the_wait_of_an_unverified_user() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    let admin = app.admin("admin@example.com").await;
    app.sign_up("ann@example.com").await;
    let message = app.mailed_token("ann@example.com").await;
    let page = app.get("/users?email=ann@example.com").bearer(&admin.access).send().await;
    let path = format!("/users/{}", page.json["items"][0]["id"].as_str().unwrap());
    let answer = app.patch(&path).bearer(&admin.access).json(json!({ "is_verified": true })).send().await;
    assert_eq!(answer.json["is_verified"], true);
    assert_eq!(app.verify(&message).await.problem(), (400, "invalid-token"));
    app.clock.advance(3 * 86_400);
    app.service.invoke("CleanupFunction", json!({})).await.unwrap();
    assert_eq!(app.log_in("ann@example.com").await.status, 200);
}

#[tokio::test]
async fn nobody_switches_the_last_admin_off() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let path = format!("/users/{}", admin.id);
    let record = json!({ "first_name": null, "last_name": null, "is_active": false, "is_verified": true });
    assert_eq!(app.put(&path).bearer(&admin.access).json(record).send().await.problem(), (409, "last-admin"));
    for body in [json!({ "is_active": false }), json!({ "is_verified": false })] {
        assert_eq!(app.patch(&path).bearer(&admin.access).json(body).send().await.problem(), (409, "last-admin"));
    }
    app.admin("second@example.com").await;
    let body = json!({ "is_active": false });
    assert_eq!(app.patch(&path).bearer(&admin.access).json(body).send().await.status, 200);
}
