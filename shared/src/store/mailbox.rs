//! How many messages a mailbox still gets that anybody can ask for, in the table that may vanish.

use aws_sdk_dynamodb::types::AttributeValue;

use super::failure::failed;
use super::transaction::{conditional, unless_contended};
use super::{Item, Store, at, key};
use crate::clock::Timestamp;
use crate::email::EmailKey;
use crate::error::Error;
use crate::limit::mailbox::{Asked, after_one_more};

/// How often another message may be counted under our hands before the answer is [`Error::Busy`].
const ATTEMPTS: usize = 5;

impl Store {
    /// Counts one more message to a mailbox, if it may get one; whether it may.
    ///
    /// # Errors
    /// [`Error::Busy`] when others keep counting; [`Error::Unavailable`] when the database does not answer.
    pub async fn take_message(&self, mailbox: &EmailKey, asked: Asked, now: Timestamp) -> Result<bool, Error> {
        let key = key::messages(mailbox, asked.as_str());
        for _ in 0..ATTEMPTS {
            let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key.clone()));
            let item = read.consistent_read(true).send().await.map_err(failed)?.item;
            let before = item.as_ref().and_then(full_again_at);
            let Some(after) = after_one_more(before, now) else { return Ok(false) };
            let counted = unless_contended(|| {
                let mut item = key.clone();
                item.insert("expires_at".to_owned(), at(after));
                let put = self.client.put_item().table_name(&self.ephemeral).set_item(Some(item));
                match before {
                    None => put.condition_expression("attribute_not_exists(pk)"),
                    Some(before) => put
                        .condition_expression("expires_at = :before")
                        .expression_attribute_values(":before", at(before)),
                }
                .send()
            });
            match conditional(counted.await, Error::Stale) {
                Ok(_) => return Ok(true),
                Err(Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }
}

/// When nothing that was counted counts any more: then TTL may remove the item, too.
fn full_again_at(item: &Item) -> Option<Timestamp> {
    let number = item.get("expires_at").and_then(|value: &AttributeValue| value.as_n().ok());
    number.and_then(|number| number.parse().ok()).map(Timestamp)
}
