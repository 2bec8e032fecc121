//! Addresses that take no letters, marked by what the mail service reports. A mark is about the address, whoever holds it.

use serde::{Deserialize, Serialize};

use super::failure::failed;
use super::{Store, from_item, key, to_item};
use crate::clock::Timestamp;
use crate::email::EmailKey;
use crate::error::Error;

/// For how long a mark stays, in seconds: addresses come back, and none is to be kept for ever.
const KEEP_SECONDS: i64 = 365 * 86_400;

/// Why an address takes no letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undeliverable {
    /// A code, such as `bounce-permanent-general`.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; TTL removes the item.
    purge_after: Timestamp,
}

impl Undeliverable {
    /// A mark from now on.
    #[must_use]
    pub fn new(reason: String, now: Timestamp) -> Self {
        Self { reason, since: now, purge_after: now.plus(KEEP_SECONDS) }
    }
}

impl Store {
    /// Marks an address; marked twice, the last reason counts.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn mark_undeliverable(&self, email: &EmailKey, mark: &Undeliverable) -> Result<(), Error> {
        let item = to_item(mark, key::delivery(email))?;
        self.client.put_item().table_name(&self.users).set_item(Some(item)).send().await.map_err(failed)?;
        Ok(())
    }

    /// The mark of an address, if it has one at `now`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_undeliverable(&self, email: &EmailKey, now: Timestamp) -> Result<Option<Undeliverable>, Error> {
        let read = self.client.get_item().table_name(&self.users).set_key(Some(key::delivery(email)));
        let item = read.consistent_read(true).send().await.map_err(failed)?.item;
        let mark: Option<Undeliverable> = item.map(from_item).transpose()?;
        Ok(mark.filter(|mark| now < mark.purge_after))
    }

    /// Lets an address have letters again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn unmark_undeliverable(&self, email: &EmailKey) -> Result<(), Error> {
        let gone = self.client.delete_item().table_name(&self.users).set_key(Some(key::delivery(email)));
        gone.send().await.map(|_| ()).map_err(failed)
    }
}
