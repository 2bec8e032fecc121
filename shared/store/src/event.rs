//! Event items, in the partition of the user they are about. TTL removes them.

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::clock::Timestamp;
use user_core::error::{Error, Unmet};
use user_core::event::{EVENT_SECONDS, Event};
use user_core::id::{EventId, UserId};
use user_telemetry::security;

use super::failure::failed;
use super::transaction::{Expression, Transaction};
use super::{Item, MAX_ID_BYTES, Store, at, from_item, key, s, to_item};

fn event_item(event: &Event) -> Result<Item, Error> {
    let mut item = to_item(event, key::event(&event.user_id, &event.id))?;
    item.insert("purge_after".to_owned(), at(event.created_at.plus(EVENT_SECONDS)));
    Ok(item)
}

impl Store {
    /// Writes a transaction together with its events, and then the log lines of the events.
    pub(super) async fn commit(&self, mut writes: Transaction, events: &[Event]) -> Result<(), Error> {
        for event in events {
            let new = Expression::new("attribute_not_exists(pk)", []);
            writes = writes.put(&self.users, event_item(event)?, new, Unmet::Impossible("a new event id was taken"))?;
        }
        writes.commit(&self.client).await?;
        events.iter().for_each(security::note);
        Ok(())
    }

    /// Writes an event without a change of the user, and its log line.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn note_event(&self, event: &Event) -> Result<(), Error> {
        security::note(event);
        self.put(event_item(event)?).await
    }

    /// Takes as long as [`Store::note_event`], for an event that is about no user. The item can be removed by TTL at once.
    ///
    /// # Errors
    /// As [`Store::note_event`].
    pub async fn note_nothing(&self, event: &Event) -> Result<(), Error> {
        security::note(event);
        let mut item = event_item(event)?;
        item.extend(key::no_event(&event.id));
        item.insert("purge_after".to_owned(), at(event.created_at));
        self.put(item).await
    }

    /// Up to `limit` events of a user before `before`, newest first, and where the next page begins.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_events(
        &self,
        user: &UserId,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Event>, Option<String>), Error> {
        if user.as_str().len() > MAX_ID_BYTES {
            return Ok((Vec::new(), None));
        }
        // An identifier begins with its time. The events of the second that is 90 days ago have expired.
        let oldest = EventId::new(now.plus(1 - EVENT_SECONDS).0.saturating_mul(1000) - 1)?;
        let bound = |id: &EventId| key::event(user, id).remove("sk").unwrap_or_else(|| s(""));
        let answer = self
            .client
            .query()
            .table_name(&self.users)
            .key_condition_expression("pk = :user AND sk BETWEEN :oldest AND :newest")
            .expression_attribute_values(":user", s(key::user_partition(user)))
            .expression_attribute_values(":oldest", bound(&oldest))
            .expression_attribute_values(":newest", bound(&EventId::of("~")))
            .set_exclusive_start_key(before.map(|id| key::event(user, &EventId::of(id))))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(failed)?;
        let next = answer.last_evaluated_key.as_ref().and_then(|key| key.get("sk")).and_then(place);
        Ok((answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?, next))
    }
}

fn place(sort_key: &AttributeValue) -> Option<String> {
    sort_key.as_s().ok()?.split_once('#').map(|(_, id)| id.to_owned())
}
