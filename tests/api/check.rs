//! The operator's check finds nothing in a healthy store, and reports each kind of damage by its name.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use userctl::check::{Report, check};

use crate::support::{PASSWORD, TestApp};

type Item = HashMap<String, AttributeValue>;

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn key(pk: &str, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

async fn report(app: &TestApp) -> Report {
    let report = Box::pin(check(&app.stage())).await.unwrap();
    assert!(!report.text().contains('@') && !report.json().to_string().contains('@'), "no address is told");
    report
}

async fn kinds(app: &TestApp) -> Vec<&'static str> {
    report(app).await.violations.iter().map(|violation| violation.kind).collect()
}

async fn items(app: &TestApp, table: &str) -> Vec<Item> {
    let scan = app.database_client().scan().table_name(table);
    scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap()
}

async fn put(app: &TestApp, table: &str, item: Item) {
    app.database_client().put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
}

async fn delete(app: &TestApp, table: &str, key: Item) {
    app.database_client().delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
}

/// Changes an item of the users table; `value` is bound to `:value`, if the expression names it.
async fn update(app: &TestApp, key: Item, expression: &str, value: Option<AttributeValue>) {
    let update = app.database_client().update_item().table_name("UsersTable").set_key(Some(key));
    let values = value.map(|value| HashMap::from([(":value".to_owned(), value)]));
    let update = update.update_expression(expression).set_expression_attribute_values(values);
    update.send().await.unwrap();
}

/// The key of the only user's item in the store.
async fn profile(app: &TestApp) -> Item {
    let items = items(app, "UsersTable").await;
    let item = items.iter().find(|item| item["sk"] == s("PROFILE")).unwrap();
    key(item["pk"].as_s().unwrap(), "PROFILE")
}

fn login(email: &str) -> Item {
    key(&format!("EMAIL#{email}"), "LOGIN")
}

/// A store with one unverified user.
async fn waiting() -> TestApp {
    let app = TestApp::open();
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    app
}

#[tokio::test]
async fn a_healthy_store_has_no_violation() {
    let app = TestApp::open();
    app.admin("admin@example.com").await;
    let (ann, bob) = (app.member("ann@example.com").await, app.member("bob@example.com").await);
    let gone = app.member("gone@example.com").await;
    assert_eq!(app.sign_up("young@example.com").await.status, 201);
    assert_eq!(app.request_email(&ann, "ann-new@example.com").await.status, 202);
    assert_eq!(app.request_email(&bob, "bob-new@example.com").await.status, 202);
    let token = app.mailed_token("bob-new@example.com").await;
    assert_eq!(app.confirm_email(&bob.access, &token).await.status, 200);
    let password = json!({ "password": PASSWORD });
    assert_eq!(app.delete("/users/me").bearer(&gone.access).json(password).send().await.status, 204);
    let found = report(&app).await;
    assert!(found.is_clean() && found.notes.is_empty(), "{}", found.text());
    let counts = (found.users, found.logins, found.reservations, found.sessions, found.admins);
    assert_eq!(counts, (4, 4, 1, 3, 1));
    assert_eq!(found.json()["violations"], json!([]));
}

#[tokio::test]
async fn users_whose_time_is_over_are_fine() {
    let app = waiting().await;
    app.clock.advance(172_800);
    assert!(report(&app).await.is_clean());
    assert_eq!(app.sign_up("ann@example.com").await.status, 201);
    let found = report(&app).await;
    assert_eq!((found.users, found.logins, found.violation_count), (2, 1, 0));
}

#[tokio::test]
async fn many_pages_are_read() {
    let app = TestApp::open();
    for n in 0..600 {
        let mut item = login(&format!("user{n}@example.com"));
        item.extend([("user_id".to_owned(), s("nobody")), ("reserved".to_owned(), AttributeValue::Bool(true))]);
        item.insert("expires_at".to_owned(), AttributeValue::N("1".to_owned()));
        put(&app, "UsersTable", item).await;
    }
    let found = report(&app).await;
    assert_eq!((found.reservations, found.violation_count), (600, 0));
}

#[tokio::test]
async fn a_user_without_its_login() {
    let app = waiting().await;
    delete(&app, "UsersTable", login("ann@example.com")).await;
    assert_eq!(kinds(&app).await, ["user-without-login"]);
}

#[tokio::test]
async fn a_login_whose_copies_differ() {
    for (copy, value) in [
        ("epoch", AttributeValue::N("9".to_owned())),
        ("user_role", s("admin")),
        ("is_active", AttributeValue::Bool(false)),
        ("is_verified", AttributeValue::Bool(true)),
        ("expires_at", AttributeValue::N("99999999999".to_owned())),
    ] {
        let app = waiting().await;
        update(&app, login("ann@example.com"), &format!("SET {copy} = :value"), Some(value)).await;
        assert_eq!(kinds(&app).await, ["login-differs"], "{copy}");
    }
}

#[tokio::test]
async fn a_login_without_its_user() {
    let app = waiting().await;
    delete(&app, "UsersTable", profile(&app).await).await;
    assert_eq!(kinds(&app).await, ["login-without-user"]);
}

#[tokio::test]
async fn a_login_at_an_address_that_is_not_its_users() {
    let app = waiting().await;
    let all = items(&app, "UsersTable").await;
    let mut second = all.into_iter().find(|item| item["sk"] == s("LOGIN")).unwrap();
    second.extend(login("other@example.com"));
    put(&app, "UsersTable", second).await;
    assert_eq!(kinds(&app).await, ["login-elsewhere"]);
}

#[tokio::test]
async fn a_reservation_without_its_user() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let reserve = |email: &str, user: &str, seconds| {
        let mut item = login(email);
        let until = app.clock.now().plus(seconds).0.to_string();
        item.extend([("user_id".to_owned(), s(user)), ("reserved".to_owned(), AttributeValue::Bool(true))]);
        item.insert("expires_at".to_owned(), AttributeValue::N(until));
        item
    };
    put(&app, "UsersTable", reserve("over@example.com", "nobody", 0)).await;
    put(&app, "UsersTable", reserve("unlisted@example.com", &ann.id, 100)).await;
    let found = report(&app).await;
    assert!(found.is_clean(), "{}", found.text());
    assert_eq!(found.notes.get("reservation-unlisted"), Some(&1));
    put(&app, "UsersTable", reserve("kept@example.com", "nobody", 100)).await;
    assert_eq!(kinds(&app).await, ["reservation-without-user"]);
}

#[tokio::test]
async fn a_wrong_count_of_administrators() {
    let app = TestApp::open();
    app.admin("admin@example.com").await;
    let count = key("META#ADMINS", "COUNT");
    update(&app, count.clone(), "SET working = :value", Some(AttributeValue::N("5".to_owned()))).await;
    let found = report(&app).await;
    assert_eq!(found.json()["violations"], json!([{ "kind": "admin-count", "ids": ["working:5", "found:1"] }]));
    delete(&app, "UsersTable", count).await;
    assert_eq!(kinds(&app).await, ["admin-count"]);
}

#[tokio::test]
async fn a_session_without_its_user() {
    let app = TestApp::open();
    app.member("ann@example.com").await;
    let all = items(&app, "EphemeralTable").await;
    let session = all.into_iter().find(|item| item["sk"].as_s().unwrap().starts_with("SESSION#"));
    let mut session = session.unwrap();
    session.extend([("pk".to_owned(), s("USER#nobody")), ("user_id".to_owned(), s("nobody"))]);
    put(&app, "EphemeralTable", session).await;
    assert_eq!(kinds(&app).await, ["session-without-user"]);
}

#[tokio::test]
async fn a_verified_user_who_would_expire() {
    let app = waiting().await;
    for key in [profile(&app).await, login("ann@example.com")] {
        update(&app, key, "SET is_verified = :value", Some(AttributeValue::Bool(true))).await;
    }
    assert_eq!(kinds(&app).await, ["verified-user-expires"]);
}

#[tokio::test]
async fn a_user_whom_cleanup_or_the_list_would_not_find() {
    for name in ["expiry_shard", "purge_after", "dir_shard"] {
        let app = waiting().await;
        update(&app, profile(&app).await, &format!("REMOVE {name}"), None).await;
        assert_eq!(kinds(&app).await, ["index-keys"], "{name}");
    }
}

#[tokio::test]
async fn a_user_whose_email_is_missing() {
    let app = waiting().await;
    for message in items(&app, "OutboxTable").await.into_iter().filter(|item| item.contains_key("kind")) {
        delete(&app, "OutboxTable", key(message["pk"].as_s().unwrap(), message["sk"].as_s().unwrap())).await;
    }
    assert_eq!(kinds(&app).await, ["message-missing"]);
}

#[tokio::test]
async fn an_item_that_cannot_be_read() {
    let app = waiting().await;
    update(&app, profile(&app).await, "SET version = :value", Some(s("one"))).await;
    assert_eq!(kinds(&app).await, ["unreadable"]);
}
