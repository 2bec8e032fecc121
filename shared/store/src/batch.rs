//! Reads and writes of the table of record without a condition: one item, or many in one round trip.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{KeysAndAttributes, PutRequest, WriteRequest};
use user_core::error::Error;

use super::failure::failed;
use super::{BATCH_ATTEMPTS, Item, Store};

/// How many items one batch can read.
pub const READS: usize = 100;
/// How many items one batch can write.
pub const WRITES: usize = 25;

/// The pause before the unprocessed part of a batch is sent again; longer each time.
fn pause(turn: usize) -> Duration {
    Duration::from_millis(20 << turn.min(BATCH_ATTEMPTS))
}

impl Store {
    /// The items with these keys, up to [`READS`], strongly consistent and in any order.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`].
    pub async fn read_many(&self, keys: Vec<Item>) -> Result<Vec<Item>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let all = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let mut wanted = HashMap::from([(self.users.clone(), all.map_err(Error::internal)?)]);
        let mut found = Vec::new();
        for turn in 0..BATCH_ATTEMPTS {
            let answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await.map_err(failed)?;
            found.extend(answer.responses.unwrap_or_default().remove(&self.users).unwrap_or_default());
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(pause(turn)).await;
        }
        Err(Error::Busy)
    }

    /// Writes an item, and replaces one with the same key.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn put(&self, item: Item) -> Result<(), Error> {
        self.client.put_item().table_name(&self.users).set_item(Some(item)).send().await.map(|_| ()).map_err(failed)
    }

    /// Writes items, up to [`WRITES`], and replaces those with the same keys.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`].
    pub async fn write_many(&self, items: Vec<Item>) -> Result<(), Error> {
        if items.is_empty() {
            return Ok(());
        }
        let put = |item| PutRequest::builder().set_item(Some(item)).build().map_err(Error::internal);
        let writes = items.into_iter().map(put).collect::<Result<Vec<_>, Error>>()?;
        let writes = writes.into_iter().map(|put| WriteRequest::builder().put_request(put).build()).collect();
        let mut wanted = HashMap::from([(self.users.clone(), writes)]);
        for turn in 0..BATCH_ATTEMPTS {
            let answer = self.client.batch_write_item().set_request_items(Some(wanted)).send().await.map_err(failed)?;
            wanted = answer.unprocessed_items.unwrap_or_default();
            if wanted.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(pause(turn)).await;
        }
        Err(Error::Busy)
    }
}
