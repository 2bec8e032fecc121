//! Letters in the outbox. They are written with their cause, in one transaction; the table's stream brings them to the mailer.

use std::collections::HashMap;

use super::failure::failed;
use super::transaction::{Expression, Transaction, conditional, unless_contended};
use super::{Item, Store, from_item, key, s, to_item};
use crate::error::Error;
use crate::id::LetterId;
use crate::letter::{Letter, State};

impl Store {
    pub(super) fn put_letter(&self, writes: Transaction, letter: &Letter) -> Result<Transaction, Error> {
        let new = Expression::new("attribute_not_exists(pk)", []);
        writes.put(&self.outbox, letter_item(letter)?, new, || Error::internal("a new letter id was taken"))
    }

    /// Puts a letter into the outbox that has no other cause than somebody's wish.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_letter(&self, letter: &Letter) -> Result<(), Error> {
        let item = letter_item(letter)?;
        self.client.put_item().table_name(&self.outbox).set_item(Some(item)).send().await.map_err(failed)?;
        Ok(())
    }

    /// The letter as it stands now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_letter(&self, id: &LetterId) -> Result<Option<Letter>, Error> {
        let answer =
            self.client.get_item().table_name(&self.outbox).set_key(Some(key::letter(id))).consistent_read(true).send();
        answer.await.map_err(failed)?.item.map(from_item).transpose()
    }

    /// Notes what became of a letter, and the mail service's name for it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn settle_letter(&self, id: &LetterId, state: State, message_id: Option<&str>) -> Result<(), Error> {
        let state: Item = serde_dynamo::to_item(HashMap::from([(":state", state)])).map_err(Error::internal)?;
        let settled = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.outbox)
                .set_key(Some(key::letter(id)))
                .update_expression("SET #state = :state, message_id = :message")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_names("#state", "state")
                .set_expression_attribute_values(Some(state.clone()))
                .expression_attribute_values(":message", s(message_id.unwrap_or_default()))
                .send()
        });
        match conditional(settled.await, Error::NotFound) {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn letter_item(letter: &Letter) -> Result<Item, Error> {
    to_item(letter, key::letter(&letter.id))
}

/// The letter in a stream record's image.
///
/// # Errors
/// [`Error::Internal`] when the image is none of a letter.
pub fn from_image(image: impl Into<serde_dynamo::Item>) -> Result<Letter, Error> {
    serde_dynamo::from_item(image.into()).map_err(Error::internal)
}
