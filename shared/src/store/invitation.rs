//! Letters that one cause brings about once, however often it comes.

use super::transaction::{conditional, unless_contended};
use super::{Store, key, to_item};
use crate::error::Error;
use crate::letter::Letter;

impl Store {
    /// Puts a letter into the outbox, unless one with its identifier is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_letter_once(&self, letter: &Letter) -> Result<(), Error> {
        let item = to_item(letter, key::letter(&letter.to.key(), &letter.id))?;
        let outcome = unless_contended(|| {
            self.client
                .put_item()
                .table_name(&self.outbox)
                .set_item(Some(item.clone()))
                .condition_expression("attribute_not_exists(pk)")
                .send()
        });
        match conditional(outcome.await, Error::Stale) {
            Ok(_) | Err(Error::Stale) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
