//! Expired unverified users: how cleanup finds and removes them, and the record of its last run.

use aws_sdk_dynamodb::types::{AttributeValue, Select};
use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::email::Email;
use user_core::error::{Error, Unmet};
use user_core::id::UserId;

use super::failure::failed;
use super::transaction::{Expression, Transaction, if_met, unless_contended};
use super::user::is_of;
use super::{Item, Store, at, from_item, key, s, to_item};

/// The number of shards of the index `by_expiry`; they can be processed concurrently.
pub const SHARDS: u64 = key::SHARDS;

/// An expired unverified user, as the index has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Overdue {
    /// The identifier.
    pub id: UserId,
    /// The address, for the login item.
    pub email: Email,
}

/// The outcome of the removal of an overdue user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Removed by this call.
    Removed,
    /// It was already removed, or verified at the last moment: nothing was written.
    Spared,
}

/// The record of a cleanup run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When the run ended.
    pub ended_at: Timestamp,
    /// How many users it removed.
    pub removed: u64,
    /// How many overdue users were left.
    pub overdue: u64,
}

impl Store {
    /// A page of one shard's users that expired at or before `cutoff`, oldest first, and where the next page begins.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_overdue(
        &self,
        shard: u64,
        cutoff: Timestamp,
        after: Option<OverduePlace>,
    ) -> Result<(Vec<Overdue>, Option<OverduePlace>), Error> {
        let answer = self
            .overdue_query(shard, cutoff)
            .set_exclusive_start_key(after.map(|place| place.0))
            .limit(100)
            .send()
            .await
            .map_err(failed)?;
        let users = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((users, answer.last_evaluated_key.map(OverduePlace)))
    }

    /// How many users of one shard expired at or before `cutoff`. Only the first megabyte of them is counted, so that the time is bounded.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count_overdue(&self, shard: u64, cutoff: Timestamp) -> Result<u64, Error> {
        let answer = self.overdue_query(shard, cutoff).select(Select::Count).send().await.map_err(failed)?;
        Ok(u64::try_from(answer.count).unwrap_or(0))
    }

    fn overdue_query(
        &self,
        shard: u64,
        cutoff: Timestamp,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.users)
            .index_name("by_expiry")
            .key_condition_expression("expiry_shard = :shard AND expires_at <= :cutoff")
            .expression_attribute_values(":shard", s(key::expiry_shard(shard)))
            .expression_attribute_values(":cutoff", at(cutoff))
    }

    /// Removes an overdue user and its login, unless it was verified meanwhile. A login that already belongs to a newer sign-up
    /// of the address stays.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn remove_overdue(&self, overdue: &Overdue, cutoff: Timestamp) -> Result<Removal, Error> {
        let both = Transaction::default()
            .delete(&self.users, key::user(&overdue.id), still_overdue(cutoff), Unmet::Changed)?
            .delete(&self.users, key::login(&overdue.email.key()), is_of(&overdue.id), Unmet::Absent)?;
        match both.commit(&self.client).await {
            Ok(()) => Ok(Removal::Removed),
            Err(Error::Unmet(Unmet::Changed)) => Ok(Removal::Spared),
            Err(Error::Unmet(Unmet::Absent)) => self.remove_overdue_user(&overdue.id, cutoff).await,
            Err(error) => Err(error),
        }
    }

    async fn remove_overdue_user(&self, id: &UserId, cutoff: Timestamp) -> Result<Removal, Error> {
        let gone = unless_contended(|| {
            self.client
                .delete_item()
                .table_name(&self.users)
                .set_key(Some(key::user(id)))
                .condition_expression(STILL_OVERDUE)
                .expression_attribute_values(":no", AttributeValue::Bool(false))
                .expression_attribute_values(":cutoff", at(cutoff))
                .send()
        });
        let gone = if_met(gone.await)?;
        Ok(if gone.is_some() { Removal::Removed } else { Removal::Spared })
    }

    /// Writes the record of a run.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn write_heartbeat(&self, heartbeat: &Heartbeat) -> Result<(), Error> {
        let item = to_item(heartbeat, key::cleanup())?;
        self.put(item).await
    }

    /// The record of the last run.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_heartbeat(&self) -> Result<Option<Heartbeat>, Error> {
        let answer = self.client.get_item().table_name(&self.users).set_key(Some(key::cleanup())).send();
        answer.await.map_err(failed)?.item.map(from_item).transpose()
    }
}

const STILL_OVERDUE: &str = "is_verified = :no AND expires_at <= :cutoff";

fn still_overdue(cutoff: Timestamp) -> Expression {
    Expression::new(STILL_OVERDUE, [(":no", AttributeValue::Bool(false)), (":cutoff", at(cutoff))])
}

/// Where a page of overdue users ended.
#[derive(Debug, Clone)]
pub struct OverduePlace(Item);
