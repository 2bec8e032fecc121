use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

/// The stream records of all messages in the outbox.
fn records(app: &TestApp) -> Vec<Value> {
    let ask = |request: Value| serde_json::from_value(request).unwrap();
    let database = &app.aws().database;
    let streams =
        serde_json::to_value(database.list_streams(serde_json::from_value(json!({})).unwrap()).unwrap()).unwrap();
    let arn = streams["Streams"][0]["StreamArn"].clone();
    let stream = database.describe_stream(serde_json::from_value(json!({ "StreamArn": arn })).unwrap()).unwrap();
    let shard = serde_json::to_value(stream).unwrap()["StreamDescription"]["Shards"][0]["ShardId"].clone();
    let start = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = database.get_shard_iterator(ask(start)).unwrap().shard_iterator;
    let records =
        database.get_records(serde_json::from_value(json!({ "ShardIterator": iterator })).unwrap()).unwrap().records;
    records
        .iter()
        .map(|record| serde_json::to_value(record).unwrap())
        .filter(|record| record["eventName"] == "INSERT")
        .collect()
}

async fn deliver(app: &TestApp, records: Vec<Value>) -> Value {
    app.service.invoke("MailerFunction", json!({ "Records": records })).await.unwrap()
}

#[tokio::test]
async fn a_record_that_comes_again_is_not_sent_again() {
    let app = TestApp::open();
    app.sign_up("ann@example.com").await;
    for _ in 0..3 {
        assert_eq!(deliver(&app, records(&app)).await, json!({ "batchItemFailures": [] }));
    }
    assert_eq!(app.mails("ann@example.com").await.len(), 1);
    let message = &app.items("OutboxTable").await[0];
    assert!(message["state"].as_str().unwrap().contains("sent"));
    assert!(message["message_id"].as_str().unwrap().contains("console-"));
}

#[tokio::test]
async fn only_the_records_that_failed_are_named() {
    let app = TestApp::open();
    for name in ["ann", "bob", "cleo"] {
        app.sign_up(&format!("{name}@example.com")).await;
    }
    let mut batch = records(&app);
    batch[1]["dynamodb"]["NewImage"] = json!({ "pk": { "S": "LETTER#broken" } });
    let failed = batch[1]["dynamodb"]["SequenceNumber"].clone();
    let answer = deliver(&app, batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": failed }] }));
    assert_eq!(app.service.inbox.mails(None).unwrap().len(), 2, "the others were sent");
    assert_eq!(app.mails("bob@example.com").await.len(), 1, "and so is the third, when its record comes again whole");
    assert_eq!(app.service.inbox.mails(None).unwrap().len(), 3);
}

#[tokio::test]
async fn the_message_of_somebody_who_is_gone_or_needs_none_is_dropped() {
    let app = TestApp::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    app.sign_up("ann@example.com").await;
    app.clock.advance(3);
    assert_eq!(app.mails("ann@example.com").await.len(), 0);
    assert!(app.items("OutboxTable").await[0]["state"].as_str().unwrap().contains("dropped"));
}

#[tokio::test]
async fn no_table_holds_a_usable_token() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    let message = app.mailed_token("bob@example.com").await;
    for table in ["UsersTable", "EphemeralTable", "OutboxTable"] {
        let text = format!("{:?}", app.items(table).await);
        for secret in [&message, &ann.access, &ann.refresh] {
            assert!(!text.contains(secret.split('.').nth(2).unwrap()), "{table}");
        }
    }
}

#[tokio::test]
async fn names_in_an_email_are_text_and_nothing_else() {
    let app = TestApp::open();
    let eve = app.member("eve@example.com").await;
    let name = json!({ "first_name": "<img src=x>{link}" });
    assert_eq!(app.patch("/users/me").bearer(&eve.access).json(name).send().await.status, 200);
    app.forgot("eve@example.com").await;
    let html = app.mails("eve@example.com").await[0]["html"].as_str().unwrap().to_owned();
    assert!(!html.contains("<img") && html.contains("&lt;img src=x&gt;{link}"), "{html}");
}

#[tokio::test]
async fn no_text_of_a_strangers_choice_reaches_an_address_that_is_not_proven() {
    for settings in [&[][..], &[("SIGNUP_ENUMERATION", "private")]] {
        let app = TestApp::with(settings);
        let lure = "You won! Claim at https://evil.example";
        let body = |email: &str| json!({ "email": email, "password": PASSWORD, "first_name": lure, "last_name": lure });
        assert_eq!(app.post("/auth/signup").json(body("ann@example.com")).send().await.status, 201);
        app.post("/auth/signup").json(body("ann@example.com")).send().await;
        app.post("/auth/resend-verification").json(json!({ "email": "ann@example.com" })).send().await;
        app.forgot("ann@example.com").await;
        let eve = app.member("eve@example.com").await;
        app.patch("/users/me").bearer(&eve.access).json(json!({ "first_name": lure })).send().await;
        assert_eq!(app.request_email(&eve, "bob@example.com").await.status, 202);
        let mut mails = app.mails("ann@example.com").await;
        mails.extend(app.mails("bob@example.com").await);
        assert!(mails.len() >= 4, "{}", mails.len());
        for mail in mails {
            assert!(!mail.to_string().contains("evil.example"), "{} says it", mail["kind"]);
        }
    }
}

#[tokio::test]
async fn the_mailer_writes_nothing_to_the_table_of_users() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.sign_up("bob@example.com").await;
    app.forgot("ann@example.com").await;
    app.post("/auth/resend-verification").json(json!({ "email": "bob@example.com" })).send().await;
    app.request_email(&ann, "new@example.com").await;
    let versions = async || {
        let items = app.items("UsersTable").await;
        items.iter().map(|item| [&item["pk"], &item["sk"], &item["version"]].map(Value::to_string)).collect::<Vec<_>>()
    };
    let before = versions().await;
    assert_eq!(app.mails("ann@example.com").await.len(), 3);
    assert_eq!(versions().await, before);
    for item in app.items("UsersTable").await {
        let text = item.to_string();
        assert!(!text.contains("ticket") && !text.contains("token"), "{text}");
    }
}

#[tokio::test]
async fn a_message_that_is_late_is_not_sent_for_what_was_voided_meanwhile() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    app.request_email(&ann, "new@example.com").await;
    app.post("/auth/logout-all").bearer(&ann.access).send().await;
    assert_eq!(app.mails("new@example.com").await.len(), 0, "its link would do nothing");
}
