//! The count of working administrators, which protects the last one.

use serde::Deserialize;
use user_core::error::{Error, Unmet};

use super::failure::failed;
use super::transaction::{Expression, Transaction};
use super::{Store, from_item, key, n};

impl Store {
    /// Adds an increase of the count of administrators to the other writes.
    ///
    /// # Errors
    /// [`Error::Internal`] when the write cannot be built.
    pub fn admins_more(&self, writes: Transaction, more: u64) -> Result<Transaction, Error> {
        let add = Expression::new("ADD working :more", [(":more", n(more)), (":none", n(0))]);
        writes.update(
            &self.users,
            key::admins(),
            add,
            "attribute_not_exists(pk) OR working >= :none",
            Unmet::Impossible("the count of administrators is below zero"),
        )
    }

    pub(super) fn one_admin_less(&self, writes: Transaction) -> Result<Transaction, Error> {
        let subtract = Expression::new("ADD working :minus", [(":minus", n(-1)), (":one", n(1))]);
        writes.update(&self.users, key::admins(), subtract, "working > :one", Unmet::LastAdmin)
    }

    /// The number of working administrators, according to the stored count.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn counted_admins(&self) -> Result<i64, Error> {
        let answer =
            self.client.get_item().table_name(&self.users).set_key(Some(key::admins())).consistent_read(true).send();
        let count: Option<Count> = answer.await.map_err(failed)?.item.map(from_item).transpose()?;
        Ok(count.map_or(0, |count| count.working))
    }
}

#[derive(Deserialize)]
struct Count {
    #[serde(default)]
    working: i64,
}
