//! Login items.

use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::{Error, Unmet};
use user_core::id::UserId;
use user_core::login::Login;

use super::claim::is_reserved;
use super::failure::failed;
use super::transaction::{if_met, unless_contended};
use super::{Store, from_item, key, s};
use crate::failures::{Failures, Given};

impl Store {
    /// The login of an address, expired or not, by a strongly consistent read: the only one that a sign-in needs. An address that is only
    /// reserved has none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_login(&self, email: &EmailKey) -> Result<Option<Login>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.users)
            .set_key(Some(key::login(email)))
            .consistent_read(true)
            .send();
        let item = answer.await.map_err(failed)?.item;
        item.filter(|item| !is_reserved(item)).map(from_item).transpose()
    }

    /// What decides about a password for an address from `network`: the account's login, and its counts of wrong passwords, in one round
    /// trip.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_sign_in(
        &self,
        email: &EmailKey,
        network: &str,
        given: Given,
        now: Timestamp,
    ) -> Result<(Option<Login>, Failures), Error> {
        let rows = Failures::keys(given, email, network);
        let (login, rows) = self.read_beside(key::login(email), rows).await?;
        let login = login.filter(|item| !is_reserved(item)).map(from_item).transpose()?;
        Ok((login, Failures::of(given, rows, now)?))
    }

    /// Stores the same password under a stronger hash, unless the password has changed meanwhile.
    ///
    /// # Errors
    /// [`Unmet::Changed`] when it has changed; [`Error::Busy`].
    pub async fn rehash(&self, email: &EmailKey, user: &UserId, old: &str, new: &str) -> Result<(), Error> {
        let outcome = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.users)
                .set_key(Some(key::login(email)))
                .update_expression("SET password_hash = :new")
                .condition_expression("user_id = :id AND password_hash = :old")
                .expression_attribute_values(":id", s(user.as_str()))
                .expression_attribute_values(":old", s(old))
                .expression_attribute_values(":new", s(new))
                .send()
        });
        if_met(outcome.await)?.map(|_| ()).ok_or_else(|| Unmet::Changed.into())
    }
}
