use serde_json::{Value, json};

use crate::support::Shop;

/// The stream record of every letter in the outbox.
fn records(shop: &Shop) -> Vec<Value> {
    let ask = |request: Value| serde_json::from_value(request).unwrap();
    let database = &shop.aws().database;
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

async fn deliver(shop: &Shop, records: Vec<Value>) -> Value {
    shop.service.invoke("MailerFunction", json!({ "Records": records })).await.unwrap()
}

#[tokio::test]
async fn a_record_that_comes_again_is_not_sent_again() {
    let shop = Shop::open();
    shop.sign_up("ann@example.com").await;
    for _ in 0..3 {
        assert_eq!(deliver(&shop, records(&shop)).await, json!({ "batchItemFailures": [] }));
    }
    assert_eq!(shop.mails("ann@example.com").await.len(), 1);
    let letter = &shop.items("OutboxTable").await[0];
    assert!(letter["state"].as_str().unwrap().contains("sent"));
    assert!(letter["message_id"].as_str().unwrap().contains("console-"));
}

#[tokio::test]
async fn only_the_records_that_failed_are_named() {
    let shop = Shop::open();
    for name in ["ann", "bob", "cleo"] {
        shop.sign_up(&format!("{name}@example.com")).await;
    }
    let mut batch = records(&shop);
    batch[1]["dynamodb"]["NewImage"] = json!({ "pk": { "S": "LETTER#broken" } });
    let failed = batch[1]["dynamodb"]["SequenceNumber"].clone();
    let answer = deliver(&shop, batch).await;
    assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": failed }] }));
    assert_eq!(shop.service.inbox.mails(None).unwrap().len(), 2, "the others were sent");
    assert_eq!(shop.mails("bob@example.com").await.len(), 1, "and so is the third, when its record comes again whole");
    assert_eq!(shop.service.inbox.mails(None).unwrap().len(), 3);
}

#[tokio::test]
async fn the_letter_of_somebody_who_is_gone_or_needs_none_is_dropped() {
    let shop = Shop::with(&[("UNVERIFIED_USER_TTL_SECONDS", "3")]);
    shop.sign_up("ann@example.com").await;
    shop.clock.advance(3);
    assert_eq!(shop.mails("ann@example.com").await.len(), 0);
    assert!(shop.items("OutboxTable").await[0]["state"].as_str().unwrap().contains("dropped"));
}

#[tokio::test]
async fn no_table_holds_a_usable_token() {
    let shop = Shop::open();
    let ann = shop.member("ann@example.com").await;
    shop.sign_up("bob@example.com").await;
    let letter = shop.mailed_token("bob@example.com").await;
    for table in ["UsersTable", "EphemeralTable", "OutboxTable"] {
        let text = format!("{:?}", shop.items(table).await);
        for secret in [&letter, &ann.access, &ann.refresh] {
            assert!(!text.contains(secret.split('.').nth(2).unwrap()), "{table}");
        }
    }
}

#[tokio::test]
async fn names_in_a_letter_are_text_and_nothing_else() {
    let shop = Shop::open();
    let body =
        json!({ "email": "eve@example.com", "password": crate::support::PASSWORD, "first_name": "<img src=x>{link}" });
    shop.post("/auth/signup").json(body).send().await;
    let html = shop.mails("eve@example.com").await[0]["html"].as_str().unwrap().to_owned();
    assert!(!html.contains("<img") && html.contains("&lt;img src=x&gt;{link}"), "{html}");
}
