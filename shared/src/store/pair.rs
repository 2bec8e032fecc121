//! One item of the table of record and one of the ephemeral table, as both stand now, in one round trip.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;

use super::failure::failed;
use super::{BATCH_ATTEMPTS, Item, Store};
use crate::error::Error;

impl Store {
    pub(super) async fn read_pair(&self, record: Item, ephemeral: Item) -> Result<(Option<Item>, Option<Item>), Error> {
        let one =
            |key: Item| KeysAndAttributes::builder().keys(key).consistent_read(true).build().map_err(Error::internal);
        let mut wanted = HashMap::from([(self.users.clone(), one(record)?), (self.ephemeral.clone(), one(ephemeral)?)]);
        let (mut found, mut found_ephemeral) = (None, None);
        for _ in 0..BATCH_ATTEMPTS {
            let answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await.map_err(failed)?;
            let mut tables = answer.responses.unwrap_or_default();
            found = tables.remove(&self.users).and_then(|mut items| items.pop()).or(found);
            found_ephemeral = tables.remove(&self.ephemeral).and_then(|mut items| items.pop()).or(found_ephemeral);
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok((found, found_ephemeral));
            }
        }
        Err(Error::Unavailable)
    }
}
