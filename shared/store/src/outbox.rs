//! Messages in the outbox, in one partition for each address. A message is written in the transaction of the change that causes it. The
//! table's stream delivers it to the mailer; the sparse index `by_retry` lists the messages that could not be sent.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::{Error, Unmet};
use user_core::id::{MessageId, TurnId};
use user_core::message::{Message, MessageState};

use super::failure::failed;
use super::transaction::{Expression, Transaction, if_met, unless_contended};
use super::{Item, Store, at, from_item, key, n, s, to_item};

/// The number of partitions of pending messages in the index `by_retry`; they can be processed concurrently.
pub const SHARDS: u64 = key::SHARDS;

/// How long the stream has to deliver a message before the schedule also looks for it, in seconds.
const STREAM_SECONDS: i64 = 600;

/// How many messages one page of the index has.
const PAGE: i32 = 25;

impl Store {
    pub(super) fn put_message(&self, writes: Transaction, message: &Message) -> Result<Transaction, Error> {
        let new = Expression::new("attribute_not_exists(pk)", []);
        writes.put(&self.outbox, message_item(message)?, new, Unmet::Impossible("a new message id was taken"))
    }

    /// Puts a message into the outbox that somebody requested and that comes with no other write.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_message(&self, message: &Message) -> Result<(), Error> {
        let item = message_item(message)?;
        self.client.put_item().table_name(&self.outbox).set_item(Some(item)).send().await.map_err(failed)?;
        Ok(())
    }

    /// Puts a message into the outbox unless one with its identifier exists, so that a cause that is repeated sends one message.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_message_once(&self, message: &Message) -> Result<(), Error> {
        let item = message_item(message)?;
        let put = unless_contended(|| {
            let put = self.client.put_item().table_name(&self.outbox).set_item(Some(item.clone()));
            put.condition_expression("attribute_not_exists(pk)").send()
        });
        if_met(put.await).map(|_| ())
    }

    /// Claims a message for sending, so that no other mailer sends it meanwhile, and returns it as it is now; `None` when it is settled,
    /// waits for its next attempt or is claimed. If the claim has no result, it can be claimed again after [`Message::back_off`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn take_message(&self, message: &Message, now: Timestamp) -> Result<Option<Message>, Error> {
        // Identifies this claim, so that the condition still holds for a repetition after a lost reply.
        let taker = TurnId::new()?;
        let taken = unless_contended(|| {
            self.message_update(message)
                .update_expression(
                    "SET attempts = attempts + :one, retry_at = :next, retry_shard = :shard, taker = :taker",
                )
                .condition_expression("#state = :pending AND (attempts = :none OR retry_at <= :now OR taker = :taker)")
                .expression_attribute_values(":pending", s(MessageState::Pending.as_str()))
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":none", n(0))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":next", at(now.plus(Message::back_off(message.attempts))))
                .expression_attribute_values(":shard", s(key::retry_shard(&message.id)))
                .expression_attribute_values(":taker", s(taker.as_str()))
                .return_values(ReturnValue::AllNew)
                .send()
        });
        if_met(taken.await)?.and_then(|answer| answer.attributes).map(from_item).transpose()
    }

    /// Records why an attempt failed. The message can be claimed again from `retry_at` on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn postpone_message(&self, message: &Message, problem: &str, retry_at: Timestamp) -> Result<(), Error> {
        let values =
            [(":pending", s(MessageState::Pending.as_str())), (":problem", s(problem)), (":next", at(retry_at))];
        self.change_message(message, "SET problem = :problem, retry_at = :next", "#state = :pending", values.into())
            .await
            .map(|_| ())
    }

    /// Records what became of a message, with the mail service's identifier for it or the code of the error; returns whether that is new. A
    /// message that failed stays in the index, in a partition of its own.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn settle_message(
        &self,
        message: &Message,
        state: MessageState,
        (message_id, problem): (Option<&str>, Option<&str>),
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut update = "SET #state = :state, settled_at = :now".to_owned();
        let mut values = vec![(":state", s(state.as_str())), (":now", at(now))];
        for (name, value) in [("message_id", message_id), ("problem", problem)] {
            if let Some(value) = value {
                update.push_str(&format!(", {name} = :{name}"));
                values.push((if name == "problem" { ":problem" } else { ":message_id" }, s(value)));
            }
        }
        if state == MessageState::Failed {
            update.push_str(", retry_at = :now, retry_shard = :failed");
            values.push((":failed", s(key::FAILED_SHARD)));
        } else {
            update.push_str(" REMOVE retry_at, retry_shard, taker");
        }
        let condition = match state {
            // The report of a bounce or a complaint may come before the message is recorded as sent.
            MessageState::Bounced | MessageState::Complained => "attribute_exists(pk) AND #state <> :state",
            _ => {
                values.push((":pending", s(MessageState::Pending.as_str())));
                "#state = :pending"
            }
        };
        self.change_message(message, &update, condition, values).await
    }

    /// Lets a failed message be claimed again, with as many attempts as a new one; returns whether it was a failed one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn revive_message(&self, message: &Message, now: Timestamp) -> Result<bool, Error> {
        let values = vec![
            (":pending", s(MessageState::Pending.as_str())),
            (":failed", s(MessageState::Failed.as_str())),
            (":now", at(now)),
            (":none", n(0)),
            (":shard", s(key::retry_shard(&message.id))),
        ];
        let update =
            "SET #state = :pending, attempts = :none, retry_at = :now, retry_shard = :shard REMOVE settled_at, taker";
        self.change_message(message, update, "#state = :failed", values).await
    }

    /// A page of the messages in one partition of the index that may be claimed again. The index is eventually consistent. Messages that
    /// cannot be read or have a kind or state that this release does not know are skipped, so that they do not block the others.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_due_messages(&self, shard: u64, now: Timestamp) -> Result<Vec<Message>, Error> {
        let mut pages = self.by_retry(key::retry_shard_of(shard), now).into_paginator().send();
        while let Some(page) = pages.next().await {
            let messages = page.map_err(failed)?.items.unwrap_or_default().into_iter().filter_map(readable);
            let ours: Vec<Message> =
                messages.filter(|message| message.kind.is_known() && message.state == MessageState::Pending).collect();
            if !ours.is_empty() {
                return Ok(ours);
            }
        }
        Ok(Vec::new())
    }

    /// A page of the messages that were given up, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_failed_messages(&self, now: Timestamp) -> Result<Vec<Message>, Error> {
        let answer = self.by_retry(key::FAILED_SHARD.to_owned(), now).send().await.map_err(failed)?;
        Ok(answer.items.unwrap_or_default().into_iter().filter_map(readable).collect())
    }

    fn by_retry(&self, shard: String, now: Timestamp) -> QueryFluentBuilder {
        let query = self.client.query().table_name(&self.outbox).index_name("by_retry").limit(PAGE);
        query
            .key_condition_expression("retry_shard = :shard AND retry_at <= :now")
            .expression_attribute_values(":shard", s(shard))
            .expression_attribute_values(":now", at(now))
    }

    /// The message to an address with this identifier, if there is one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_message(&self, to: &EmailKey, id: &MessageId) -> Result<Option<Message>, Error> {
        let read = self.client.get_item().table_name(&self.outbox).set_key(Some(key::message(to, id)));
        read.consistent_read(true).send().await.map_err(failed)?.item.map(from_item).transpose()
    }

    /// All messages to an address in the last 30 days, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn messages_to(&self, email: &EmailKey) -> Result<Vec<Message>, Error> {
        let query = self.client.query().table_name(&self.outbox).consistent_read(true);
        let query =
            query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(key::address(email)));
        let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.map_err(failed)?;
        let mut messages: Vec<Message> = items.into_iter().filter_map(readable).collect();
        messages.sort_by_key(|message| std::cmp::Reverse(message.created_at));
        Ok(messages)
    }

    /// Changes a message if `condition` holds for it; returns whether it did.
    async fn change_message(
        &self,
        message: &Message,
        update: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool, Error> {
        let values: HashMap<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let changed = unless_contended(|| {
            self.message_update(message)
                .update_expression(update)
                .condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .send()
        });
        if_met(changed.await).map(|changed| changed.is_some())
    }

    fn message_update(
        &self,
        message: &Message,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.outbox).set_key(Some(key_of(message)));
        update.expression_attribute_names("#state", "state")
    }
}

/// The message in an item; `None`, with a line in the log, if it cannot be read.
fn readable(item: Item) -> Option<Message> {
    let message = from_item(item);
    message.map_err(|error| tracing::error!(error.cause = %error, "a message cannot be read")).ok()
}

fn key_of(message: &Message) -> Item {
    key::message(&message.to.key(), &message.id)
}

/// The item of a new message. It is in the index from the start, so that the schedule finds it if the stream gives it up.
fn message_item(message: &Message) -> Result<Item, Error> {
    let mut item = to_item(message, key_of(message))?;
    if message.state == MessageState::Pending {
        item.insert("retry_shard".to_owned(), s(key::retry_shard(&message.id)));
        item.insert("retry_at".to_owned(), at(message.created_at.plus(STREAM_SECONDS)));
    }
    Ok(item)
}

/// The message in a stream record's image.
///
/// # Errors
/// [`Error::Internal`] when the image is not that of a message.
pub fn from_image(image: impl Into<serde_dynamo::Item>) -> Result<Message, Error> {
    serde_dynamo::from_item(image.into()).map_err(Error::internal)
}
