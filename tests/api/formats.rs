//! Two releases on the same data, as during a deployment and after a rollback: this release keeps what the next one wrote, and writes what
//! the last one reads.

pub(crate) mod last;

use std::collections::BTreeSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use template::Template;

use crate::forgeries::Forge;
use crate::support::TestApp;
use crate::support::crowd::Item;
use crate::support::errand::{ANN, NEW, errand};

const TABLES: [&str; 3] = ["UsersTable", "EphemeralTable", "OutboxTable"];

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn of<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// Additional attributes of a made-up next release, in every attribute type.
fn besides() -> Item {
    let list = ["a", "b"].map(str::to_owned).to_vec();
    [
        ("next_text", text("x")),
        ("next_number", AttributeValue::N("1.5".to_owned())),
        ("next_flag", AttributeValue::Bool(true)),
        ("next_nothing", AttributeValue::Null(true)),
        ("next_bytes", AttributeValue::B(Blob::new([0, 159]))),
        ("next_set", AttributeValue::Ss(list.clone())),
        ("next_map", AttributeValue::M([("deep".to_owned(), AttributeValue::Ss(list))].into())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn key(item: &Item) -> (String, String) {
    (of(item, "pk").to_owned(), of(item, "sk").to_owned())
}

/// Whether an item is a record, and not a count or a note of a single function.
fn is_record(item: &Item) -> bool {
    let kinds = ["PROFILE", "LOGIN", "EVENT#", "SESSION#", "LETTER#"];
    kinds.iter().any(|kind| of(item, "sk").starts_with(kind)) && !item.contains_key("reserved")
}

/// A message of a kind that this release does not know; it is due.
fn of_a_later_kind(app: &TestApp, message: &Item) -> Item {
    let mut later = message.clone();
    let due = AttributeValue::N((app.clock.now().0 - 10).to_string());
    later.extend([
        ("id".to_owned(), text("later")),
        ("sk".to_owned(), text("LETTER#later")),
        ("kind".to_owned(), text("factor-added")),
        ("state".to_owned(), text("pending")),
        ("retry_at".to_owned(), due),
        ("retry_shard".to_owned(), text("R#0")),
        ("attempts".to_owned(), AttributeValue::N("0".to_owned())),
    ]);
    later
}

/// Makes all records those of the next release, and makes Ann an auditor who reads Icelandic.
async fn become_the_next_release(app: &TestApp, ann: &str) {
    for table in TABLES {
        for mut item in app.raw_items(table).await.into_iter().filter(is_record) {
            item.extend(besides());
            let is_anns = of(&item, "user_id") == ann || of(&item, "id") == ann;
            if is_anns && item.contains_key("user_role") {
                item.insert("user_role".to_owned(), text("auditor"));
            }
            if is_anns && item.contains_key("language") {
                item.insert("language".to_owned(), text("is"));
            }
            if of(&item, "sk").starts_with("EVENT#") {
                item.insert("name".to_owned(), text("factor-added"));
                let actor = [("type".to_owned(), text("client")), ("id".to_owned(), text("wiki"))];
                item.insert("actor".to_owned(), AttributeValue::M(actor.into()));
            }
            app.put_item(table, item).await;
        }
    }
}

fn routes() -> Vec<String> {
    let template = Template::evaluate(|_| None).unwrap();
    let routes = template.routes().map(|(_, route)| route.key());
    routes.filter(|route| !route.starts_with("HEAD ") && route != "$default").collect()
}

#[tokio::test]
async fn no_call_loses_what_the_next_release_wrote() {
    for route in routes() {
        let app = TestApp::open();
        let call = Box::pin(errand(&app, &route)).await;
        let users = app.raw_items("UsersTable").await;
        let with = |email| users.iter().find(|item| of(item, "sk") == "PROFILE" && of(item, "email") == email);
        // Before an address is restored, Ann has left hers.
        let ann = of(with(ANN).or(with(NEW)).unwrap(), "id").to_owned();
        app.service.drain_streams().await.unwrap();
        become_the_next_release(&app, &ann).await;
        let mut before = BTreeSet::new();
        for table in TABLES {
            before.extend(app.raw_items(table).await.iter().filter(|item| is_record(item)).map(key));
        }
        let answer = call.send().await;
        assert!(answer.status.is_success(), "{route}: {}", answer.json);
        app.service.drain_streams().await.unwrap();
        app.service.invoke("MailerFunction", json!({})).await.unwrap();
        app.service.invoke("CleanupFunction", json!({})).await.unwrap();
        for table in TABLES {
            for item in app.raw_items(table).await.iter().filter(|item| is_record(item)) {
                let key = key(item);
                let is_anns = of(item, "user_id") == ann || of(item, "id") == ann;
                // Her login may have moved to another address; all other new items are of this release.
                if before.contains(&key) || (is_anns && key.1 == "LOGIN") {
                    let lost = besides().into_iter().filter(|(name, value)| item.get(name) != Some(value));
                    assert_eq!(lost.collect::<Vec<_>>(), [], "{route}: {key:?}");
                }
                if is_anns && item.contains_key("user_role") && !route.ends_with("/role") {
                    assert_eq!(of(item, "user_role"), "auditor", "{route}: {key:?}");
                }
                if is_anns && key.1 == "PROFILE" {
                    assert_eq!(of(item, "language"), "is", "{route}");
                }
            }
        }
    }
}

#[tokio::test]
async fn words_of_the_next_release_are_shown_and_give_nobody_more_rights() {
    let app = TestApp::open();
    let (admin, ann) = (app.admin("admin@example.com").await, app.member(ANN).await);
    become_the_next_release(&app, &ann.id).await;
    let me = app.get("/users/me").bearer(&ann.access).send().await;
    assert_eq!((me.status.as_u16(), me.text("role").as_str()), (200, "auditor"));
    assert_eq!(app.get("/users").bearer(&ann.access).send().await.status, 403);
    let events = app.get(&format!("/users/{}/events", ann.id)).bearer(&admin.access).send().await;
    let events = events.json["items"].as_array().unwrap().clone();
    assert!(events.iter().any(|event| event["name"] == "factor-added"));
    assert!(events.iter().any(|event| event["actor"] == json!({ "type": "client", "id": "wiki" })));
    assert_eq!(app.log_in(ANN).await.status, 200);
    app.forgot(ANN).await;
    let mail = &app.mails(ANN).await[0];
    assert!(mail["text"].as_str().unwrap().contains("password"), "in English, since there is no Icelandic yet");
}

#[tokio::test]
async fn a_message_of_the_next_release_waits_for_its_mailer_and_holds_up_nothing() {
    let app = TestApp::open();
    app.sign_up(ANN).await;
    let message = app.raw_items("OutboxTable").await.into_iter().next().unwrap();
    app.mails(ANN).await;
    let later = of_a_later_kind(&app, &message);
    // More messages than the mailer reads at once.
    for n in 0..30 {
        let copy =
            [("sk".to_owned(), text(&format!("LETTER#later-{n}"))), ("id".to_owned(), text(&format!("later-{n}")))];
        app.put_item("OutboxTable", later.clone().into_iter().chain(copy).collect()).await;
    }
    app.put_item("OutboxTable", later.clone()).await;
    let mut broken = later.clone();
    broken.extend([
        ("sk".to_owned(), text("LETTER#broken")),
        ("created_at".to_owned(), text("soon")),
        ("state".to_owned(), text("sent")),
    ]);
    app.put_item("OutboxTable", broken).await;
    // A message of this release that is due in the same partition, after them.
    let mut due = message.clone();
    let due_at = AttributeValue::N((app.clock.now().0 - 1).to_string());
    due.extend([("retry_shard".to_owned(), text("R#0")), ("retry_at".to_owned(), due_at)]);
    due.extend([("sk".to_owned(), text("LETTER#due")), ("id".to_owned(), text("due"))]);
    // The stream brings new messages, but only the schedule finds this one.
    for state in ["sent", "pending"] {
        due.insert("state".to_owned(), text(state));
        app.put_item("OutboxTable", due.clone()).await;
    }
    assert_eq!(app.mails(ANN).await.len(), 1);
    app.service.invoke("MailerFunction", json!({})).await.unwrap();
    assert_eq!(app.mails(ANN).await.len(), 2);
    let left = app.raw_items("OutboxTable").await;
    assert!(left.contains(&later), "it waits, untouched");
}

#[tokio::test]
async fn a_token_of_the_next_release_opens_what_its_known_claims_open() {
    let app = TestApp::open();
    let ann = app.member(ANN).await;
    let forge = Forge::new(&app, &ann).await;
    for (name, value) in [
        ("client_id", json!("wiki")),
        ("scope", json!("openid account")),
        ("acr", json!("aal1")),
        ("x", json!({"a": [1]})),
    ] {
        assert_eq!(app.me(&forge.with_claim(name, value)).await, 200, "{name}");
    }
    assert_eq!(app.me(&forge.with_claim("role", json!("auditor"))).await, 200, "the record decides");
}
