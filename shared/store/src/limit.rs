//! Counters of rate limits, in the ephemeral table.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::limit::{Counts, WINDOW_SECONDS};

use super::failure::failed;
use super::transaction::{failure, unless_contended};
use super::{Item, Store, at, key, n};

impl Store {
    /// Adds `requests`, which may be negative, of `subject` to a step of the window that begins at `window`; returns the counts.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn count(
        &self,
        class: &str,
        subject: &str,
        window: Timestamp,
        step: usize,
        requests: i64,
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

    /// The counts of a window that has ended; all zero if it had no requests.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_counts(&self, class: &str, subject: &str, window: Timestamp) -> Result<Counts, Error> {
        let key = key::limit(class, subject, &window.0.to_string());
        let read = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key)).send().await;
        Ok(read.map_err(failed)?.item.as_ref().map(counts).unwrap_or_default())
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
