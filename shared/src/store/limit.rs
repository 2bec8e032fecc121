//! Counters of rate limits and of wrong passwords, in the table that may vanish.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use serde::{Deserialize, Serialize};

use super::failure::failed;
use super::transaction::{failure, unless_contended};
use super::{Item, Store, at, key, n};
use crate::clock::Timestamp;
use crate::email::EmailKey;
use crate::error::Error;
use crate::limit::{Counts, WINDOW_SECONDS};

/// How long a row of wrong passwords is remembered after the last one, in seconds.
const FAILURES_KEEP_SECONDS: i64 = 86_400;

/// Where a password was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// By whoever named the address.
    AtSignIn,
    /// By whoever is signed in.
    SignedIn,
}

/// Wrong passwords in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How many.
    pub count: u64,
    /// When the last one came.
    pub last_at: Timestamp,
}

/// Wrong passwords in a row for one address: all of them, and those of whoever was signed in, whom strangers must not hold up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    count: u64,
    last_at: Timestamp,
    #[serde(default)]
    signed_in_count: u64,
    #[serde(default)]
    signed_in_at: Timestamp,
}

impl Failures {
    /// All of them: what whoever signs in is judged by.
    #[must_use]
    pub fn all(&self) -> Row {
        Row { count: self.count, last_at: self.last_at }
    }

    /// Those that whoever is signed in is judged by.
    #[must_use]
    pub fn signed_in(&self) -> Option<Row> {
        (self.signed_in_count > 0).then_some(Row { count: self.signed_in_count, last_at: self.signed_in_at })
    }
}

impl Store {
    /// Counts so many more requests of `subject` in a step of the window that begins at `window`; returns the counts.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count(
        &self,
        class: &str,
        subject: &str,
        window: Timestamp,
        step: usize,
        requests: u64,
    ) -> Result<Counts, Error> {
        let counted = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::limit(class, subject, &window.0.to_string())))
                .update_expression("ADD #step :requests SET expires_at = if_not_exists(expires_at, :end)")
                .expression_attribute_names("#step", attribute(step))
                .expression_attribute_values(":requests", n(requests))
                .expression_attribute_values(":end", at(window.plus(3 * WINDOW_SECONDS)))
                .return_values(ReturnValue::AllNew)
                .send()
        });
        let item = counted.await.map_err(failure)?.attributes;
        item.as_ref().map(counts).ok_or_else(|| Error::internal("a counter returned no count"))
    }

    /// The counts of a window that is over; those of one without requests are zero.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_counts(&self, class: &str, subject: &str, window: Timestamp) -> Result<Counts, Error> {
        let key = key::limit(class, subject, &window.0.to_string());
        let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key)).send().await;
        Ok(read.map_err(failed)?.item.as_ref().map(counts).unwrap_or_default())
    }

    /// Counts one more wrong password for an account.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count_failure(&self, account: &EmailKey, given: Given, now: Timestamp) -> Result<(), Error> {
        let update = match given {
            Given::AtSignIn => "ADD #count :one SET last_at = :now, expires_at = :end",
            Given::SignedIn => {
                "ADD #count :one, signed_in_count :one SET last_at = :now, signed_in_at = :now, expires_at = :end"
            }
        };
        let counted = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::failures(account)))
                .update_expression(update)
                .expression_attribute_names("#count", "count")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":end", at(now.plus(FAILURES_KEEP_SECONDS)))
                .send()
        });
        counted.await.map(|_| ()).map_err(failure)
    }

    /// Forgets the wrong passwords of an account.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn forget_failures(&self, account: &EmailKey) -> Result<(), Error> {
        let gone = unless_contended(|| {
            let key = key::failures(account);
            self.client.delete_item().table_name(&self.ephemeral).set_key(Some(key)).send()
        });
        gone.await.map(|_| ()).map_err(failure)
    }
}

/// The attribute that counts a step.
fn attribute(step: usize) -> String {
    format!("s{step}")
}

fn counts(item: &Item) -> Counts {
    std::array::from_fn(|step| {
        let number = item.get(&attribute(step)).and_then(|value: &AttributeValue| value.as_n().ok());
        number.and_then(|number| number.parse().ok()).unwrap_or(0)
    })
}
