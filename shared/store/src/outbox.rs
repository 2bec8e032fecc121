//! Letters in the outbox, in a partition for each address. They are written with their cause, in one transaction; the table's stream
//! brings them to the mailer, and the sparse index `by_retry` those that it could not send.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::{Error, Unmet};
use user_core::id::{LetterId, TurnId};
use user_core::letter::{Letter, State};

use super::failure::failed;
use super::transaction::{Expression, Transaction, if_met, unless_contended};
use super::{Item, Store, at, from_item, key, n, s, to_item};

/// The partitions of the index `by_retry`; they can be worked on side by side.
pub const SHARDS: u64 = key::SHARDS;

/// How long the stream has for a letter before the schedule looks for it, too, in seconds.
const STREAM_SECONDS: i64 = 600;

/// How many letters are read from a partition of the index at once.
const PAGE: i32 = 25;

impl Store {
    pub(super) fn put_letter(&self, writes: Transaction, letter: &Letter) -> Result<Transaction, Error> {
        let new = Expression::new("attribute_not_exists(pk)", []);
        writes.put(&self.outbox, letter_item(letter)?, new, Unmet::Impossible("a new letter id was taken"))
    }

    /// Puts a letter into the outbox that has no other cause than somebody's wish.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_letter(&self, letter: &Letter) -> Result<(), Error> {
        let item = letter_item(letter)?;
        self.client.put_item().table_name(&self.outbox).set_item(Some(item)).send().await.map_err(failed)?;
        Ok(())
    }

    /// Puts a letter into the outbox, unless one with its identifier is there: for letters that one cause brings about once, however
    /// often it comes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_letter_once(&self, letter: &Letter) -> Result<(), Error> {
        let item = letter_item(letter)?;
        let put = unless_contended(|| {
            let put = self.client.put_item().table_name(&self.outbox).set_item(Some(item.clone()));
            put.condition_expression("attribute_not_exists(pk)").send()
        });
        if_met(put.await).map(|_| ())
    }

    /// Takes a letter for sending, so that nobody else sends it meanwhile, and as it stands now; `None` when it is settled, waits, or is
    /// taken. Should nothing more be heard of it, it can be taken again after [`Letter::back_off`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn take_letter(&self, letter: &Letter, now: Timestamp) -> Result<Option<Letter>, Error> {
        // A reply that was lost must not make us take ourselves for somebody else.
        let taker = TurnId::new()?;
        let taken = unless_contended(|| {
            self.letter_update(letter)
                .update_expression(
                    "SET attempts = attempts + :one, retry_at = :next, retry_shard = :shard, taker = :taker",
                )
                .condition_expression("#state = :pending AND (attempts = :none OR retry_at <= :now OR taker = :taker)")
                .expression_attribute_values(":pending", s(State::Pending.as_str()))
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":none", n(0))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":next", at(now.plus(Letter::back_off(letter.attempts))))
                .expression_attribute_values(":shard", s(key::retry_shard(&letter.id)))
                .expression_attribute_values(":taker", s(taker.as_str()))
                .return_values(ReturnValue::AllNew)
                .send()
        });
        if_met(taken.await)?.and_then(|answer| answer.attributes).map(from_item).transpose()
    }

    /// Notes why an attempt failed, and lets the letter be taken again from `retry_at` on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn postpone_letter(&self, letter: &Letter, problem: &str, retry_at: Timestamp) -> Result<(), Error> {
        let values = [(":pending", s(State::Pending.as_str())), (":problem", s(problem)), (":next", at(retry_at))];
        self.change_letter(letter, "SET problem = :problem, retry_at = :next", "#state = :pending", values.into())
            .await
            .map(|_| ())
    }

    /// Notes what became of a letter, with the mail service's name for it or the code of what went wrong; whether that is news. A letter
    /// that failed stays in the index, in a partition of its own.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn settle_letter(
        &self,
        letter: &Letter,
        state: State,
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
        if state == State::Failed {
            update.push_str(", retry_at = :now, retry_shard = :failed");
            values.push((":failed", s(key::FAILED_SHARD)));
        } else {
            update.push_str(" REMOVE retry_at, retry_shard, taker");
        }
        let condition = match state {
            // News of a letter that was sent may come before the note that it was.
            State::Bounced | State::Complained => "attribute_exists(pk) AND #state <> :state",
            _ => {
                values.push((":pending", s(State::Pending.as_str())));
                "#state = :pending"
            }
        };
        self.change_letter(letter, &update, condition, values).await
    }

    /// Lets a letter that was given up be taken again, as often as a new one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn revive_letter(&self, letter: &Letter, now: Timestamp) -> Result<bool, Error> {
        let values = vec![
            (":pending", s(State::Pending.as_str())),
            (":failed", s(State::Failed.as_str())),
            (":now", at(now)),
            (":none", n(0)),
            (":shard", s(key::retry_shard(&letter.id))),
        ];
        let update =
            "SET #state = :pending, attempts = :none, retry_at = :now, retry_shard = :shard REMOVE settled_at, taker";
        self.change_letter(letter, update, "#state = :failed", values).await
    }

    /// Letters of one partition of the index that may be taken again; it may lag behind by moments.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_due_letters(&self, shard: u64, now: Timestamp) -> Result<Vec<Letter>, Error> {
        self.letters_by_retry(key::retry_shard_of(shard), now).await
    }

    /// Letters that were given up, a page of them, the oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_failed_letters(&self, now: Timestamp) -> Result<Vec<Letter>, Error> {
        self.letters_by_retry(key::FAILED_SHARD.to_owned(), now).await
    }

    async fn letters_by_retry(&self, shard: String, now: Timestamp) -> Result<Vec<Letter>, Error> {
        let query = self.client.query().table_name(&self.outbox).index_name("by_retry").limit(PAGE);
        let query = query
            .key_condition_expression("retry_shard = :shard AND retry_at <= :now")
            .expression_attribute_values(":shard", s(shard))
            .expression_attribute_values(":now", at(now));
        let answer = query.send().await.map_err(failed)?;
        answer.items.unwrap_or_default().into_iter().map(from_item).collect()
    }

    /// A letter to an address.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_letter(&self, to: &EmailKey, id: &LetterId) -> Result<Option<Letter>, Error> {
        let read = self.client.get_item().table_name(&self.outbox).set_key(Some(key::letter(to, id)));
        read.consistent_read(true).send().await.map_err(failed)?.item.map(from_item).transpose()
    }

    /// All letters to an address in the last 30 days, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn letters_to(&self, email: &EmailKey) -> Result<Vec<Letter>, Error> {
        let query = self.client.query().table_name(&self.outbox).consistent_read(true);
        let query =
            query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", s(key::address(email)));
        let items = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.map_err(failed)?;
        let mut letters = items.into_iter().map(from_item).collect::<Result<Vec<Letter>, _>>()?;
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.created_at));
        Ok(letters)
    }

    /// Changes a letter if `condition` holds for it; whether it did.
    async fn change_letter(
        &self,
        letter: &Letter,
        update: &str,
        condition: &str,
        values: Vec<(&str, AttributeValue)>,
    ) -> Result<bool, Error> {
        let values: HashMap<_, _> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let changed = unless_contended(|| {
            self.letter_update(letter)
                .update_expression(update)
                .condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .send()
        });
        if_met(changed.await).map(|changed| changed.is_some())
    }

    fn letter_update(
        &self,
        letter: &Letter,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.outbox).set_key(Some(key_of(letter)));
        update.expression_attribute_names("#state", "state")
    }
}

fn key_of(letter: &Letter) -> Item {
    key::letter(&letter.to.key(), &letter.id)
}

/// The item of a new letter; should the stream give it up before any mailer could take it, the schedule finds it.
fn letter_item(letter: &Letter) -> Result<Item, Error> {
    let mut item = to_item(letter, key_of(letter))?;
    if letter.state == State::Pending {
        item.insert("retry_shard".to_owned(), s(key::retry_shard(&letter.id)));
        item.insert("retry_at".to_owned(), at(letter.created_at.plus(STREAM_SECONDS)));
    }
    Ok(item)
}

/// The letter in a stream record's image.
///
/// # Errors
/// [`Error::Internal`] when the image is none of a letter.
pub fn from_image(image: impl Into<serde_dynamo::Item>) -> Result<Letter, Error> {
    serde_dynamo::from_item(image.into()).map_err(Error::internal)
}
