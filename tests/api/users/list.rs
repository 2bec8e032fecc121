use std::collections::BTreeSet;

use crate::support::{Answer, Member, TestApp};

async fn list(app: &TestApp, admin: &Member, query: &str) -> Answer {
    app.get(&format!("/users{query}")).bearer(&admin.access).send().await
}

fn emails(page: &Answer) -> Vec<&str> {
    page.json["items"].as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn pages_show_every_user_once_newest_first() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    for i in 0..30 {
        app.clock.advance(1);
        app.sign_up(&format!("user{i}@example.com")).await;
    }
    for limit in [1, 2, 7, 30, 31, 100] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&app, &admin, &format!("?limit={limit}{cursor}")).await;
            seen.extend(emails(&page).into_iter().map(str::to_owned));
            let Some(next) = page.json["next_cursor"].as_str() else {
                break;
            };
            assert_eq!(page.json["items"].as_array().unwrap().len(), limit);
            cursor = format!("&cursor={next}");
        }
        let mut expected: Vec<_> = (0..30).rev().map(|i| format!("user{i}@example.com")).collect();
        expected.push("admin@example.com".to_owned());
        assert_eq!(seen, expected, "limit {limit}");
    }
    assert_eq!(list(&app, &admin, "").await.json["items"].as_array().unwrap().len(), 31);
}

#[tokio::test]
async fn filters_hold_and_find_the_few_among_many() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    app.member("ann@example.com").await;
    for i in 0..20 {
        app.sign_up(&format!("user{i}@example.com")).await;
    }
    assert_eq!(emails(&list(&app, &admin, "?role=ADMIN").await), ["admin@example.com"]);
    let verified: BTreeSet<_> = ["admin@example.com", "ann@example.com"].into();
    assert_eq!(
        emails(&list(&app, &admin, "?verified=true&limit=5").await).into_iter().collect::<BTreeSet<_>>(),
        verified
    );
    assert_eq!(emails(&list(&app, &admin, "?verified=false").await).len(), 20);
    assert_eq!(emails(&list(&app, &admin, "?email=ANN@example.com").await), ["ann@example.com"]);
    assert_eq!(emails(&list(&app, &admin, "?email=ann@example.com&role=admin").await).len(), 0);
    assert_eq!(emails(&list(&app, &admin, "?email=nobody@example.com").await).len(), 0);
}

#[tokio::test]
async fn expired_sign_ups_are_not_listed() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    let admin = app.admin("admin@example.com").await;
    app.sign_up("ann@example.com").await;
    app.clock.advance(2);
    assert_eq!(emails(&list(&app, &admin, "").await).len(), 2);
    app.clock.advance(1);
    assert_eq!(emails(&list(&app, &admin, "").await), ["admin@example.com"]);
    assert_eq!(emails(&list(&app, &admin, "?email=ann@example.com").await).len(), 0);
}

#[tokio::test]
async fn wrong_queries_are_named() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let answer = list(&app, &admin, "?limit=0&role=barista&verified=maybe&email=plain").await;
    assert_eq!(answer.problem(), (422, "invalid"));
    let expected =
        [("limit", "out-of-range"), ("role", "unknown-role"), ("verified", "wrong-type"), ("email", "invalid-email")];
    assert_eq!(answer.errors(), expected);
    for limit in ["101", "-1", "x", "", "1.5", "99999999999999999999"] {
        assert_eq!(list(&app, &admin, &format!("?limit={limit}")).await.problem(), (422, "invalid"), "{limit}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_there_twice_or_unknown_is_named_beside_all_that_is_wrong() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    let events = format!("/{}/events", admin.id);
    for path in ["", &events] {
        let twice = list(&app, &admin, &format!("{path}?limit=1&l%69mit=1&cursor=x&cursor=x")).await;
        assert_eq!(twice.problem(), (422, "invalid"), "{path}");
        assert_eq!(twice.errors(), [("cursor", "repeated"), ("limit", "repeated")], "{path}");
        let query = "?limit=0&emial=ann@example.com&emial=x&Limit=1&limit=1";
        let answer = list(&app, &admin, &format!("{path}{query}")).await;
        assert_eq!(answer.problem(), (422, "unknown-field"), "{path}");
        let wrong = [("limit", "repeated"), ("Limit", "unknown-field"), ("emial", "unknown-field")];
        assert_eq!(answer.errors(), wrong, "{path}");
    }
    let filters = list(&app, &admin, &format!("{events}?role=admin&verified=true")).await;
    assert_eq!(filters.errors(), [("role", "unknown-field"), ("verified", "unknown-field")], "these are the list's");
}

#[tokio::test]
async fn a_cursor_is_valid_only_as_it_was_given_and_only_for_its_filters() {
    let app = TestApp::open();
    let admin = app.admin("admin@example.com").await;
    app.sign_up("ann@example.com").await;
    let page = list(&app, &admin, "?limit=1").await;
    let cursor = page.text("next_cursor");
    assert_eq!(list(&app, &admin, &format!("?limit=2&cursor={cursor}")).await.status, 200);
    let (place, tag) = cursor.split_once('.').unwrap();
    let forged = [
        "",
        ".",
        "x",
        place,
        &format!("{place}."),
        &format!("AA.{tag}"),
        &format!("{cursor}A"),
        &cursor.to_lowercase(),
    ];
    for cursor in forged {
        assert_eq!(list(&app, &admin, &format!("?cursor={cursor}")).await.problem(), (422, "invalid"), "{cursor}");
    }
    let other = list(&app, &admin, &format!("?role=admin&cursor={cursor}")).await;
    assert_eq!((other.problem(), other.errors()), ((422, "invalid"), vec![("cursor", "invalid-cursor")]));
}
