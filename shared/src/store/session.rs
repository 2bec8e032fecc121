//! Session items, in the table that may vanish.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};

use super::failure::failed;
use super::transaction::{Expression, Transaction, conditional, failure, unless_contended};
use super::{Item, Store, at, from_item, key, n, s, to_item};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::session::Session;
use crate::user::User;

/// What became of a rotation.
#[derive(Debug)]
pub enum Rotation {
    /// The session's next turn.
    Turned(Session),
    /// It was another turn's turn: the session as it stands, if there is one.
    Refused(Option<Session>),
}

impl Store {
    /// Writes a new session.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn create_session(&self, session: &Session) -> Result<(), Error> {
        let item = to_item(session, key::session(&session.user_id, &session.id))?;
        self.client.put_item().table_name(&self.ephemeral).set_item(Some(item)).send().await.map_err(failed)?;
        Ok(())
    }

    /// A user and one of its sessions, as both stand now, in one round trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_caller(
        &self,
        user: &UserId,
        session: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), Error> {
        let (user, session) = self.read_pair(key::user(user), key::session(user, session)).await?;
        Ok((user.map(from_item).transpose()?, session.map(from_item).transpose()?))
    }

    /// Begins the turn after `seq`, if `seq` is the present one and the session is still good in `epoch`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn rotate_session(
        &self,
        (user, id, seq): (&UserId, &SessionId, u64),
        epoch: u64,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Rotation, Error> {
        let outcome = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::session(user, id)))
                .update_expression("SET seq = :next, rotated_at = :now, last_used_at = :now, expires_at = :end")
                .condition_expression("seq = :seq AND epoch = :epoch AND expires_at > :now")
                .expression_attribute_values(":seq", n(seq))
                .expression_attribute_values(":next", n(seq.saturating_add(1)))
                .expression_attribute_values(":epoch", n(epoch))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":end", at(expires_at))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        });
        match outcome.await {
            Ok(answer) => {
                let turned = answer.attributes.ok_or_else(|| Error::internal("an update returned no item"))?;
                Ok(Rotation::Turned(from_item(turned)?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Rotation::Refused(refused.item().cloned().map(from_item).transpose()?))
                }
                _ => Err(failure(error)),
            },
        }
    }

    /// Ends one session; it need not exist.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn delete_session(&self, user: &UserId, id: &SessionId) -> Result<(), Error> {
        let gone = unless_contended(|| {
            self.client.delete_item().table_name(&self.ephemeral).set_key(Some(key::session(user, id))).send()
        });
        gone.await.map(|_| ()).map_err(failure)
    }

    /// Ends one session of a user, if it is there.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Busy`].
    pub async fn end_session(&self, user: &UserId, id: &SessionId) -> Result<(), Error> {
        if id.as_str().len() > super::MAX_ID_BYTES {
            return Err(Error::NotFound);
        }
        let gone = unless_contended(|| {
            self.client
                .delete_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::session(user, id)))
                .condition_expression("attribute_exists(pk)")
                .send()
        });
        conditional(gone.await, Error::NotFound).map(|_| ())
    }

    /// Notes that a session was used, if it is still there.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn touch_session(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let touched = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::session(&session.user_id, &session.id)))
                .update_expression("SET last_used_at = :now")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":now", at(now))
                .send()
        });
        match conditional(touched.await, Error::NotFound) {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes a session along into its user's new epoch.
    pub(super) fn move_session(&self, writes: Transaction, user: &User, id: &SessionId) -> Result<Transaction, Error> {
        let update = Expression::new("SET epoch = :epoch", [(":epoch", n(user.epoch))]);
        let key = key::session(&user.id, id);
        writes.update(&self.ephemeral, key, update, "attribute_exists(pk)", || Error::Unauthenticated)
    }

    /// All sessions of a user that lie in the table, good or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_sessions(&self, user: &UserId) -> Result<Vec<Session>, Error> {
        let items = self.sessions_query(user).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        items.map_err(failed)?.into_iter().map(from_item).collect()
    }

    fn sessions_query(&self, user: &UserId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.ephemeral)
            .key_condition_expression("pk = :user AND begins_with(sk, :session)")
            .expression_attribute_values(":user", s(key::user_partition(user)))
            .expression_attribute_values(":session", s("SESSION#"))
            .consistent_read(true)
    }

    /// The keys of a user's sessions.
    pub(super) async fn session_keys(&self, user: &UserId) -> Result<Vec<Item>, Error> {
        let keys = self.sessions_query(user).projection_expression("pk, sk").into_paginator().items().send();
        keys.collect::<Result<_, _>>().await.map_err(failed)
    }
}
