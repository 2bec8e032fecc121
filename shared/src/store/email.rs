//! Changes of address. A login item is the lock of its address; a reserved one keeps an address for a user who cannot sign in by it.

use aws_sdk_dynamodb::types::AttributeValue;

use super::failure::failed;
use super::transaction::{Expression, Transaction};
use super::user::{is_of, is_version, login_item, user_item};
use super::{Item, Store, at, key, s};
use crate::clock::Timestamp;
use crate::email::{Email, EmailKey};
use crate::error::Error;
use crate::event::{By, Event};
use crate::id::UserId;
use crate::letter::Letter;
use crate::login::Login;
use crate::user::{PURGE_DELAY_SECONDS, User};

fn reservation(email: &EmailKey, user: &UserId, until: Timestamp) -> Item {
    let mut item = key::login(email);
    item.insert("user_id".to_owned(), s(user.as_str()));
    item.insert("reserved".to_owned(), AttributeValue::Bool(true));
    item.insert("expires_at".to_owned(), at(until));
    item.insert("purge_after".to_owned(), at(until.plus(PURGE_DELAY_SECONDS)));
    item
}

/// Whether a login item only keeps its address.
pub(super) fn is_reserved(item: &Item) -> bool {
    item.contains_key("reserved")
}

fn own_with_password(user: &User, login: &Login) -> Expression {
    let values = [(":id", s(user.id.as_str())), (":hash", s(login.password_hash.as_str()))];
    Expression::new("user_id = :id AND password_hash = :hash", values)
}

fn own_reservation(user: &User, now: Timestamp) -> Expression {
    let values = [(":id", s(user.id.as_str())), (":now", at(now))];
    Expression::new("user_id = :id AND attribute_exists(reserved) AND expires_at > :now", values)
}

impl Store {
    /// Writes the wish for a new address: reserves it, and puts both letters into the outbox.
    ///
    /// # Errors
    /// [`Error::EmailTaken`]; [`Error::Stale`].
    pub async fn want_email(
        &self,
        before: &User,
        after: &User,
        letters: [&Letter; 2],
        (by, now): (&By, Timestamp),
    ) -> Result<(), Error> {
        let change = after.email_change.as_ref().ok_or_else(|| Error::internal("there is no change of address"))?;
        let free = Expression::new(
            "attribute_not_exists(pk) OR expires_at <= :now OR (user_id = :id AND attribute_exists(reserved))",
            [(":now", at(now)), (":id", s(after.id.as_str()))],
        );
        let key = change.email.key();
        // An address that can also be taken back stays reserved for that.
        let kept =
            after.reverts.iter().filter(|revert| revert.email.key() == key).map(|revert| revert.expires_at).max();
        let reserved = reservation(&key, &after.id, kept.map_or(change.expires_at, |kept| kept.max(change.expires_at)));
        let mut writes = Transaction::default().put(&self.users, reserved, free, || Error::EmailTaken)?.put(
            &self.users,
            user_item(after)?,
            is_version(before),
            || Error::Stale,
        )?;
        for letter in letters {
            writes = self.put_letter(writes, letter)?;
        }
        let writes = self.free_left_over(writes, before, Some(after)).await?;
        self.commit(writes, &Event::of_change(before, after, false, by)?).await
    }

    /// Makes the new address the user's; the old one is reserved until `reserved_until`. `login` is the old address' login.
    ///
    /// # Errors
    /// [`Error::InvalidToken`] when the new address is not reserved any more; [`Error::Stale`].
    pub async fn move_email(
        &self,
        before: &User,
        after: &User,
        login: &Login,
        by: &By,
        (reserved_until, now): (Timestamp, Timestamp),
    ) -> Result<(), Error> {
        let moved = login_item(after, &Login::of(after, login.password_hash.clone()))?;
        let old = reservation(&before.email.key(), &before.id, reserved_until);
        let writes = Transaction::default()
            .put(&self.users, user_item(after)?, is_version(before), || Error::Stale)?
            .put(&self.users, moved, own_reservation(after, now), || Error::InvalidToken)?
            .put(&self.users, old, own_with_password(before, login), || Error::Stale)?;
        self.commit(writes, &Event::of_change(before, after, false, by)?).await
    }

    /// Gives the user the old address back, and frees all others. `login` is the present address' login.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub async fn revert_email(&self, before: &User, after: &User, login: &Login, by: &By) -> Result<(), Error> {
        let restored = login_item(after, &Login::of(after, login.password_hash.clone()))?;
        let mut writes =
            Transaction::default().put(&self.users, user_item(after)?, is_version(before), || Error::Stale)?;
        if before.email.key() == after.email.key() {
            writes = writes.put(&self.users, restored, own_with_password(before, login), || Error::Stale)?;
        } else {
            writes = writes.put(&self.users, restored, is_of(&after.id), || Error::InvalidToken)?.delete(
                &self.users,
                key::login(&before.email.key()),
                own_with_password(before, login),
                || Error::Stale,
            )?;
        }
        let writes = self.free_left_over(writes, before, Some(after)).await?;
        self.commit(writes, &Event::of_change(before, after, false, by)?).await
    }

    /// Frees, with the other writes, the addresses that were reserved for `before` and are not for `after`. Those that somebody else
    /// holds by now stay his.
    pub(super) async fn free_left_over(
        &self,
        mut writes: Transaction,
        before: &User,
        after: Option<&User>,
    ) -> Result<Transaction, Error> {
        let kept = |email: &EmailKey| {
            after.is_some_and(|user| user.reserved_emails().chain([&user.email]).any(|kept| kept.key() == *email))
        };
        let mut keys: Vec<_> = before.reserved_emails().map(Email::key).filter(|email| !kept(email)).collect();
        // A transaction names each item once.
        keys.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        keys.dedup();
        for email in keys {
            let key = key::login(&email);
            let read = self.client.get_item().table_name(&self.users).set_key(Some(key.clone())).consistent_read(true);
            let item = read.send().await.map_err(failed)?.item;
            let own = |item: &Item| is_reserved(item) && item.get("user_id") == Some(&s(before.id.as_str()));
            if item.as_ref().is_some_and(own) {
                let still =
                    Expression::new("user_id = :id AND attribute_exists(reserved)", [(":id", s(before.id.as_str()))]);
                writes = writes.delete(&self.users, key, still, || Error::Stale)?;
            }
        }
        Ok(writes)
    }
}
