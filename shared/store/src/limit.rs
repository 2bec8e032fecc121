//! Counters of rate limits, in the ephemeral table.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::limit::{Class, Counts, WINDOW_SECONDS, step_of, window_of};

use super::failure::failed;
use super::transaction::{failure, unless_contended};
use super::{Item, Store, at, key, n};

impl Store {
    /// Adds `requests` of `subject`, which may be negative, to the step of the moment `now`; returns the counts of its window.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count(&self, class: Class, subject: &str, requests: i64, now: Timestamp) -> Result<Counts, Error> {
        let window = window_of(now);
        let counted = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(counter(class, subject, window)))
                .update_expression("ADD #step :requests SET expires_at = if_not_exists(expires_at, :end)")
                .expression_attribute_names("#step", attribute(step_of(now)))
                .expression_attribute_values(":requests", n(requests))
                .expression_attribute_values(":end", at(window.plus(3 * WINDOW_SECONDS)))
                .return_values(ReturnValue::AllNew)
                .send()
        });
        let item = counted.await.map_err(failure)?.attributes;
        item.as_ref().map(counts).ok_or_else(|| Error::internal("a counter returned no count"))
    }

    /// The counts of the window before that of the moment `now`; all zero if it had no requests.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_previous_counts(&self, class: Class, subject: &str, now: Timestamp) -> Result<Counts, Error> {
        let key = counter(class, subject, window_of(now).plus(-WINDOW_SECONDS));
        let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key)).send().await;
        Ok(read.map_err(failed)?.item.as_ref().map(counts).unwrap_or_default())
    }
}

/// The key of a window's counts.
fn counter(class: Class, subject: &str, window: Timestamp) -> Item {
    key::limit(class.as_str(), subject, &window.0.to_string())
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
