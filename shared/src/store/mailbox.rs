//! What is left of the messages that a mailbox gets and anybody can ask for, in the table that may vanish.

use aws_sdk_dynamodb::types::AttributeValue;

use super::failure::failed;
use super::transaction::{conditional, unless_contended};
use super::{Item, Store, at, key, s};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::letter::Letter;
use crate::limit::mailbox::{AT_ONCE, Asked, after_one_more};

impl Store {
    /// Counts a letter among those that its mailbox gets; whether it may have it. A letter that was the last one counted is not counted
    /// again: a reply that was lost does not cost the mailbox a message.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count_message(&self, letter: &Letter, asked: Asked, now: Timestamp) -> Result<bool, Error> {
        let account = letter.user_id.as_ref().map_or("", |id| id.as_str());
        let key = key::messages(&letter.to.key(), asked.as_str(), account);
        for _ in 0..AT_ONCE {
            let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key.clone()));
            let item = read.consistent_read(true).send().await.map_err(failed)?.item;
            if item.as_ref().is_some_and(|item| item.get("letter") == Some(&s(letter.id.as_str()))) {
                return Ok(true);
            }
            let before = item.as_ref().and_then(full_again_at);
            let Some(after) = after_one_more(before, now) else { return Ok(false) };
            let counted = unless_contended(|| {
                let mut item = key.clone();
                item.insert("expires_at".to_owned(), at(after));
                item.insert("letter".to_owned(), s(letter.id.as_str()));
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
        // Each time another one was counted instead: by now nothing is left.
        Ok(false)
    }
}

/// When nothing that was counted counts any more: then TTL may remove the item, too.
fn full_again_at(item: &Item) -> Option<Timestamp> {
    let number = item.get("expires_at").and_then(|value: &AttributeValue| value.as_n().ok());
    number.and_then(|number| number.parse().ok()).map(Timestamp)
}
