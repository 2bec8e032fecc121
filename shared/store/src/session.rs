//! Session items, in the ephemeral table.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use futures::future::join;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use user_core::clock::Timestamp;
use user_core::error::{Error, Unmet};
use user_core::id::{SessionId, UserId};
use user_core::session::{Session, giving_way};
use user_core::user::User;

use super::failure::failed;
use super::transaction::{Expression, Transaction, failure, if_met, unless_contended};
use super::{Item, MAX_ID_BYTES, Store, at, from_item, key, n, s, to_item};

/// Up to this many sessions, a sign-in does not read them again after its own write. One read unit holds that many.
const FEW: usize = 10;

/// How many sessions are ended concurrently.
const AT_A_TIME: usize = 8;

/// The outcome of a rotation.
#[derive(Debug)]
pub enum Rotation {
    /// The session at its next turn.
    Turned(Session),
    /// The session was not at this turn or is not valid: the session as it is now, if there is one.
    Refused(Option<Session>),
}

impl Store {
    /// Writes a new session and ends those of its user that [`giving_way`] names, so that [`user_core::session::MOST`] are left.
    ///
    /// The sessions are read concurrently with the write, so that a sign-in needs no further round trip. If there are more than a few, they
    /// are read again after it. Sign-ins at the same moment may not see each other: 40 of one account can leave more sessions than allowed,
    /// until its next sign-in.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn create_session(&self, session: &Session, now: Timestamp) -> Result<(), Error> {
        let item = to_item(session, key::session(&session.user_id, &session.id))?;
        let put = self.client.put_item().table_name(&self.ephemeral).set_item(Some(item)).send();
        let (put, seen) = join(put, self.list_sessions(&session.user_id)).await;
        put.map_err(failed)?;
        if seen?.len() <= FEW {
            return Ok(());
        }
        let sessions = Box::pin(self.list_sessions(&session.user_id)).await?;
        let gone = giving_way(session, sessions, now).into_iter().map(|id| key::session(&session.user_id, &id));
        Box::pin(self.delete_sessions(gone.collect())).await
    }

    /// A user and one of its sessions as they are now, in one round trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_caller(
        &self,
        user: &UserId,
        session: &SessionId,
    ) -> Result<(Option<User>, Option<Session>), Error> {
        let (user, [session]) = self.read_beside(key::user(user), [key::session(user, session)]).await?;
        Ok((user.map(from_item).transpose()?, session.map(|item| self.session_of(item)).transpose()?))
    }

    /// The session in an item, which ends no later than the present setting allows.
    /// # Errors
    /// [`Error::Internal`] when the item is not a session.
    pub fn session_of(&self, item: Item) -> Result<Session, Error> {
        from_item(item).map(|session: Session| session.within(self.session_max_seconds))
    }

    /// Begins the turn after `seq`, if `seq` is the present turn and the session is still valid in `epoch`. The turn lasts until
    /// `expires_at`, or until the session's absolute end if that is earlier.
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
                .condition_expression("seq = :seq AND epoch = :epoch AND expires_at > :now AND created_at > :oldest")
                .expression_attribute_values(":seq", n(seq))
                .expression_attribute_values(":next", n(seq.saturating_add(1)))
                .expression_attribute_values(":epoch", n(epoch))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":oldest", at(now.plus(-self.session_max_seconds)))
                .expression_attribute_values(":end", at(expires_at))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        });
        match outcome.await {
            Ok(answer) => {
                let turned = answer.attributes.ok_or_else(|| Error::internal("an update returned no item"))?;
                Ok(Rotation::Turned(self.session_of(turned)?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let item = refused.item().cloned();
                    Ok(Rotation::Refused(item.map(|item| self.session_of(item)).transpose()?))
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
        self.delete_at(key::session(user, id)).await
    }

    pub(super) async fn delete_at(&self, key: Item) -> Result<(), Error> {
        let gone = unless_contended(|| {
            self.client.delete_item().table_name(&self.ephemeral).set_key(Some(key.clone())).send()
        });
        gone.await.map(|_| ()).map_err(failure)
    }

    /// Ends the sessions at these keys, several concurrently; none of them need exist.
    async fn delete_sessions(&self, keys: Vec<Item>) -> Result<(), Error> {
        let gone = stream::iter(keys).map(|key| self.delete_at(key)).buffer_unordered(AT_A_TIME);
        gone.try_for_each(|()| std::future::ready(Ok(()))).await
    }

    /// Ends every session of a user that began no later than `until`, page by page.
    pub(super) async fn delete_sessions_until(&self, user: &UserId, until: Timestamp) -> Result<(), Error> {
        let keys = self.sessions_query(user).projection_expression("pk, sk");
        let keys = keys.filter_expression("created_at <= :until").expression_attribute_values(":until", at(until));
        let mut pages = keys.into_paginator().send();
        while let Some(page) = pages.next().await {
            self.delete_sessions(page.map_err(failed)?.items.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Ends one session of a user, which must exist.
    ///
    /// # Errors
    /// [`Unmet::Absent`] when there is no such session; [`Error::Busy`].
    pub async fn end_session(&self, user: &UserId, id: &SessionId) -> Result<(), Error> {
        if id.as_str().len() > MAX_ID_BYTES {
            return Err(Unmet::Absent.into());
        }
        let gone = unless_contended(|| {
            self.client
                .delete_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key::session(user, id)))
                .condition_expression("attribute_exists(pk)")
                .send()
        });
        if_met(gone.await)?.map(|_| ()).ok_or_else(|| Unmet::Absent.into())
    }

    /// Records that a session was used, if it still exists.
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
        if_met(touched.await).map(|_| ())
    }

    /// Adds an update that moves a session into its user's new epoch.
    pub(super) fn move_session(&self, writes: Transaction, user: &User, id: &SessionId) -> Result<Transaction, Error> {
        let update = Expression::new("SET epoch = :epoch", [(":epoch", n(user.epoch))]);
        let key = key::session(&user.id, id);
        writes.update(&self.ephemeral, key, update, "attribute_exists(pk)", Unmet::SessionEnded)
    }

    /// All sessions of a user that are in the table, valid or not.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_sessions(&self, user: &UserId) -> Result<Vec<Session>, Error> {
        if user.as_str().len() > MAX_ID_BYTES {
            return Ok(Vec::new());
        }
        let items = self.sessions_query(user).into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        items.map_err(failed)?.into_iter().map(|item| self.session_of(item)).collect()
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
}
