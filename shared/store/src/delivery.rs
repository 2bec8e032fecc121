//! Mailboxes that get no emails, marked after reports of the mail service. A mark belongs to the mailbox, not to an account: `Ann@` may
//! bounce where `ann@` accepts emails (RFC 5321, 2.4), although both are one address here.

use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::email::{EmailKey, Mailbox};
use user_core::error::Error;

use super::failure::failed;
use super::{Item, Store, from_item, key, s, to_item};

/// How long a mark is kept, in seconds: a mailbox can come back, and no mark is to be kept for ever.
const KEEP_SECONDS: i64 = 365 * 86_400;

/// Why a mailbox gets no emails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undeliverable {
    /// The mailbox of the report; `None` in a mark of a former release, which covers every mailbox of its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<Mailbox>,
    /// A code, such as `bounce-permanent-general`.
    pub reason: String,
    /// When it was marked.
    pub since: Timestamp,
    /// When the mark ends and TTL may remove the item.
    purge_after: Timestamp,
}

impl Undeliverable {
    /// A mark that begins now.
    #[must_use]
    pub fn new(mailbox: Mailbox, reason: String, now: Timestamp) -> Self {
        Self { mailbox: Some(mailbox), reason, since: now, purge_after: now.plus(KEEP_SECONDS) }
    }

    /// Whether the mark stops emails to this mailbox, which is one of its address.
    #[must_use]
    pub fn stops(&self, mailbox: &Mailbox) -> bool {
        self.mailbox.as_ref().is_none_or(|marked| marked == mailbox)
    }
}

impl Store {
    /// Marks a mailbox of an address. A later mark replaces an earlier one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn mark_undeliverable(&self, email: &EmailKey, mark: &Undeliverable) -> Result<(), Error> {
        let item = to_item(mark, key::delivery(email, mark.mailbox.as_ref()))?;
        self.put(item).await
    }

    /// The marks of an address that are in force at `now`: one for each of its mailboxes that is marked.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_undeliverable(&self, email: &EmailKey, now: Timestamp) -> Result<Vec<Undeliverable>, Error> {
        let marks = self.marks(email).await?.into_iter().map(from_item).collect::<Result<Vec<Undeliverable>, _>>()?;
        Ok(marks.into_iter().filter(|mark| now < mark.purge_after).collect())
    }

    /// Lets every mailbox of an address get emails again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn unmark_undeliverable(&self, email: &EmailKey) -> Result<(), Error> {
        for mut mark in self.marks(email).await? {
            mark.retain(|name, _| name == "pk" || name == "sk");
            let gone = self.client.delete_item().table_name(&self.users).set_key(Some(mark));
            gone.send().await.map_err(failed)?;
        }
        Ok(())
    }

    async fn marks(&self, email: &EmailKey) -> Result<Vec<Item>, Error> {
        let query = self.client.query().table_name(&self.users).consistent_read(true);
        let query = query
            .key_condition_expression("pk = :address AND begins_with(sk, :delivery)")
            .expression_attribute_values(":address", s(key::address(email)))
            .expression_attribute_values(":delivery", s(key::DELIVERY));
        query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.map_err(failed)
    }
}
