//! Login items.

use super::s;
use super::transaction::{conditional, unless_contended};
use super::{Store, from_item, key};
use crate::email::EmailKey;
use crate::error::Error;
use crate::id::UserId;
use crate::login::Login;

impl Store {
    /// The login of an address as it stands now, expired or not: the one read that sign-in needs.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database does not answer.
    pub async fn read_login(&self, email: &EmailKey) -> Result<Option<Login>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.users)
            .set_key(Some(key::login(email)))
            .consistent_read(true)
            .send();
        answer.await.map_err(Error::internal)?.item.map(from_item).transpose()
    }

    /// Stores the same password under a stronger hash, unless the password has changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Stale`] when it has; [`Error::Busy`].
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
        conditional(outcome.await, Error::Stale).map(|_| ())
    }
}
