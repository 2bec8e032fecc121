//! Probes: real calls that show whether a table answers.

use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::id::random;

use super::failure::failed;
use super::{Store, at, key};

impl Store {
    /// Reads from the table of record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer.
    pub async fn probe_users(&self) -> Result<(), Error> {
        let read = self.client.get_item().table_name(&self.users).set_key(Some(key::probe("0"))).send();
        read.await.map(|_| ()).map_err(failed)
    }

    /// Writes, reads and deletes an item of its own in the ephemeral table.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one of the three fails or the item read is not the one written.
    pub async fn probe_ephemeral(&self, now: Timestamp) -> Result<(), Error> {
        let key = key::probe(&format!("{:032x}", u128::from_le_bytes(random()?)));
        let mut item = key.clone();
        item.insert("expires_at".to_owned(), at(now.plus(60)));
        let (client, table) = (&self.client, &self.ephemeral);
        client.put_item().table_name(table).set_item(Some(item.clone())).send().await.map_err(failed)?;
        let read = client.get_item().table_name(table).set_key(Some(key.clone())).consistent_read(true).send();
        let read = read.await.map_err(failed)?.item;
        client.delete_item().table_name(table).set_key(Some(key)).send().await.map_err(failed)?;
        if read == Some(item) { Ok(()) } else { Err(Error::internal("the item read is not the one written")) }
    }

    /// Reads from the outbox.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer.
    pub async fn probe_outbox(&self) -> Result<(), Error> {
        let read = self.client.get_item().table_name(&self.outbox).set_key(Some(key::probe("0"))).send();
        read.await.map(|_| ()).map_err(failed)
    }
}
