//! One item of the table of record and some of the ephemeral table, strongly consistent, in one round trip.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use user_core::error::Error;

use super::failure::failed;
use super::{BATCH_ATTEMPTS, Item, Store};

impl Store {
    /// The item at `record`, and those at the keys of `ephemeral` in the same order.
    pub(super) async fn read_beside<const N: usize>(
        &self,
        record: Item,
        ephemeral: [Item; N],
    ) -> Result<(Option<Item>, [Option<Item>; N]), Error> {
        let all = |keys: &[Item]| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys.to_vec())).consistent_read(true);
            keys.build().map_err(Error::internal)
        };
        let mut wanted =
            HashMap::from([(self.users.clone(), all(&[record])?), (self.ephemeral.clone(), all(&ephemeral)?)]);
        let (mut found, mut beside) = (None, [const { None }; N]);
        for _ in 0..BATCH_ATTEMPTS {
            let answer = self.client.batch_get_item().set_request_items(Some(wanted)).send().await.map_err(failed)?;
            let mut tables = answer.responses.unwrap_or_default();
            found = tables.remove(&self.users).and_then(|mut items| items.pop()).or(found);
            for item in tables.remove(&self.ephemeral).unwrap_or_default() {
                let is_at = |key: &Item| key.iter().all(|(name, value)| item.get(name) == Some(value));
                if let Some(place) = ephemeral.iter().position(is_at).and_then(|at| beside.get_mut(at)) {
                    *place = Some(item);
                }
            }
            wanted = answer.unprocessed_keys.unwrap_or_default();
            if wanted.is_empty() {
                return Ok((found, beside));
            }
        }
        Err(Error::Unavailable)
    }
}
