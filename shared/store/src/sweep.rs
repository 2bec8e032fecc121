//! Sweeps: records of removed users whose sessions may still be in the table. A sweep is written in the transaction that removes the
//! user, into the table of the sessions, so that it is lost only with them. The removal itself ends the sessions that it finds. Cleanup
//! ends them again later, because a removal can break off, and a sign-in that was under way can write a session after it.

use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::id::UserId;
use user_core::session::Session;

use super::failure::failed;
use super::transaction::{Transaction, failure, unless_contended};
use super::{Item, Store, at, from_item, key, s, to_item};

/// How long after a removal a sign-in that read the login before it may write a session, in seconds: longer than the timeout of a function
/// (15 s in `template.yaml`). A session that begins later is of a user who exists again after a restore or an import.
pub const LATE_SECONDS: i64 = 60;

/// The record of a removed user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The user whose sessions are to be ended.
    pub user_id: UserId,
    /// When the user was removed.
    pub removed_at: Timestamp,
}

impl Sweep {
    /// Whether this sweep ends the session.
    #[must_use]
    pub fn covers(&self, session: &Session) -> bool {
        session.user_id == self.user_id && session.created_at <= self.until()
    }

    fn until(&self) -> Timestamp {
        self.removed_at.plus(LATE_SECONDS)
    }
}

/// Where a page of sweeps ended.
#[derive(Debug, Clone)]
pub struct SweepPlace(Item);

impl Store {
    /// Adds the record that a removed user's sessions are to be swept.
    pub(super) fn note_sweep(&self, writes: Transaction, sweep: &Sweep) -> Result<Transaction, Error> {
        let mut item = to_item(sweep, key::sweep(&sweep.user_id))?;
        // By then the last of the sessions has ended.
        let end = sweep.until().plus(self.session_max_seconds);
        item.insert("expires_at".to_owned(), at(end));
        writes.overwrite(&self.ephemeral, item)
    }

    /// A page of sweeps of users removed at or before `cutoff`, and where the next page begins. A page can be empty while there are more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_sweeps(
        &self,
        cutoff: Timestamp,
        after: Option<SweepPlace>,
    ) -> Result<(Vec<Sweep>, Option<SweepPlace>), Error> {
        let query = self.client.query().table_name(&self.ephemeral).key_condition_expression("pk = :sweeps");
        let answer = query
            .filter_expression("removed_at <= :cutoff")
            .expression_attribute_values(":sweeps", s(key::SWEEPS))
            .expression_attribute_values(":cutoff", at(cutoff))
            .set_exclusive_start_key(after.map(|place| place.0))
            .limit(100)
            .send();
        let answer = answer.await.map_err(failed)?;
        let sweeps = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((sweeps, answer.last_evaluated_key.map(SweepPlace)))
    }

    /// Ends every session of a removed user.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn sweep(&self, sweep: &Sweep) -> Result<(), Error> {
        self.delete_sessions_until(&sweep.user_id, sweep.until()).await
    }

    /// Removes a sweep that was done after the last session that it covers.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn forget_sweep(&self, sweep: &Sweep) -> Result<(), Error> {
        let gone = unless_contended(|| {
            let key = key::sweep(&sweep.user_id);
            self.client.delete_item().table_name(&self.ephemeral).set_key(Some(key)).send()
        });
        gone.await.map(|_| ()).map_err(failure)
    }

    /// The sweep of a user's sessions that is still to be done, if the user was removed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_sweep(&self, user: &UserId) -> Result<Option<Sweep>, Error> {
        let key = key::sweep(user);
        let answer = self.client.get_item().table_name(&self.ephemeral).set_key(Some(key)).consistent_read(true).send();
        answer.await.map_err(failed)?.item.map(from_item).transpose()
    }
}
