//! Sessions as they existed before there was a limit, or after their user was removed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::TestApp;

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Whether an item is a session.
pub(crate) fn is_session(item: &Item) -> bool {
    item["sk"].as_s().is_ok_and(|key| key.starts_with("SESSION#"))
}

impl TestApp {
    /// Every item of a table, unchanged.
    pub(crate) async fn raw_items(&self, table: &str) -> Vec<Item> {
        let scan = self.database_client().scan().table_name(table);
        scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.unwrap()
    }

    /// Writes an item unchanged.
    pub(crate) async fn put_item(&self, table: &str, item: Item) {
        self.database_client().put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }

    /// Copies a session of this user so many times.
    pub(crate) async fn multiply_session(&self, user: &str, times: usize) {
        let own = |item: &Item| is_session(item) && item["user_id"].as_s().is_ok_and(|id| id == user);
        let session = self.raw_items("EphemeralTable").await.into_iter().find(own).unwrap();
        for n in 0..times {
            let text = |text: String| AttributeValue::S(text);
            let (id, key) = (text(format!("copy-{n}")), text(format!("SESSION#copy-{n}")));
            let copy = session.clone().into_iter().chain([("id".to_owned(), id), ("sk".to_owned(), key)]);
            self.put_item("EphemeralTable", copy.collect()).await;
        }
    }
}
