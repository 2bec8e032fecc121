//! Changes of address.

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::clock::Timestamp;
use user_core::email::{Email, EmailKey};
use user_core::error::{Error, Unmet};
use user_core::event::{Actor, By, Event, EventName};
use user_core::id::{SessionId, UserId};
use user_core::login::{Login, NO_PASSWORD};
use user_core::message::Message;
use user_core::user::{PURGE_DELAY_SECONDS, User};

use super::claim::{Claim, is_reserved, still};
use super::transaction::{Expression, Transaction};
use super::user::{is_of, login_item};
use super::{Item, Store, at, from_item, key, s};

fn reservation(email: &EmailKey, user: &UserId, until: Timestamp) -> Item {
    let mut item = key::login(email);
    item.insert("user_id".to_owned(), s(user.as_str()));
    item.insert("reserved".to_owned(), AttributeValue::Bool(true));
    item.insert("expires_at".to_owned(), at(until));
    item.insert("purge_after".to_owned(), at(until.plus(PURGE_DELAY_SECONDS)));
    item
}

/// The login item of `after` with this hash, and with the attributes of the stored one that only a later release knows.
fn carried(stored: Item, before: &User, after: &User, hash: String) -> Result<Item, Error> {
    let known = login_item(before, &from_item(stored.clone())?)?;
    let mut item = stored;
    item.retain(|name, _| !known.contains_key(name) && !["expires_at", "purge_after"].contains(&name.as_str()));
    item.extend(login_item(after, &Login::of(after, hash))?);
    Ok(item)
}

fn own_with_password(user: &User, login: &Login) -> Expression {
    let values = [(":id", s(user.id.as_str())), (":hash", s(login.password_hash.as_str()))];
    Expression::new("user_id = :id AND password_hash = :hash", values)
}

impl Store {
    /// Moves the user to the verified address, and writes the message to the old one. Former addresses are reserved as long as they can be
    /// restored. A sign-up that has not verified the address is removed. `stays` is the session that is kept.
    ///
    /// # Errors
    /// [`Unmet::AddressTaken`] when somebody else verified the address first; [`Unmet::SessionEnded`] when the session has ended;
    /// [`Unmet::Changed`].
    pub async fn move_email(
        &self,
        before: &User,
        after: &User,
        (message, stays): (&Message, Option<&SessionId>),
        by: &By,
    ) -> Result<(), Error> {
        let now = by.at();
        let (stored, login) = self.present_login(before).await?;
        let claim = self.claim(&after.email.key(), &after.id, now).await?;
        match claim {
            Claim::Taken => return Err(Unmet::AddressTaken.into()),
            // The account has moved there meanwhile, by the same link.
            Claim::Own => return Err(Unmet::Changed.into()),
            Claim::Free | Claim::Waiting(_) => {}
        }
        let moved = carried(stored, before, after, login.password_hash.clone())?;
        let (old, own) = (before.email.key(), own_with_password(before, &login));
        let after = &self.without_lost(after, &old, now).await?;
        let mut writes = self.change_item(Transaction::default(), before, after)?.put(
            &self.users,
            moved,
            still(&claim, &after.id, now),
            Unmet::Changed,
        )?;
        // If the account returns to a former address, the one that it leaves cannot be restored.
        if !after.may_take_back(&before.email) {
            writes = writes.delete(&self.users, key::login(&old), own.clone(), Unmet::Changed)?;
        }
        for former in &after.reverts {
            let email = former.email.key();
            let condition = if email == old { own.clone() } else { still(&Claim::Free, &after.id, now) };
            let item = reservation(&email, &after.id, former.expires_at);
            writes = writes.put(&self.users, item, condition, Unmet::Changed)?;
        }
        let mut events = Event::of_change(before, after, false, by)?;
        if let Claim::Waiting(other) = claim {
            let unproven = Expression::new("is_verified = :no", [(":no", AttributeValue::Bool(false))]);
            writes = writes.delete(&self.users, key::user(&other), unproven, Unmet::Changed)?;
            events.push(Event::new(EventName::Expired, &other, &by.acting(Actor::Service))?);
        }
        writes = self.put_message(writes, message)?;
        if let Some(session) = stays {
            writes = self.move_session(writes, after, session)?;
        }
        self.commit(self.free_left_over(writes, before, Some(after)).await?, &events).await
    }

    /// Moves the user back to a former address, without a password, and frees all addresses that came after it. Writes the message for
    /// choosing a new password, and a notice to the address that the account leaves.
    ///
    /// # Errors
    /// [`Unmet::AddressLeft`] when somebody else has the former address by now; [`Unmet::Changed`].
    pub async fn revert_email(&self, before: &User, after: &User, messages: &[Message], by: &By) -> Result<(), Error> {
        let (stored, login) = self.present_login(before).await?;
        let restored = carried(stored, before, after, NO_PASSWORD.to_owned())?;
        let mut writes = self.change_item(Transaction::default(), before, after)?;
        if before.email.key() == after.email.key() {
            writes = writes.put(&self.users, restored, own_with_password(before, &login), Unmet::Changed)?;
        } else {
            writes = writes.put(&self.users, restored, is_of(&after.id), Unmet::AddressLeft)?;
            let own = own_with_password(before, &login);
            writes = writes.delete(&self.users, key::login(&before.email.key()), own, Unmet::Changed)?;
        }
        writes = self.free_left_over(writes, before, Some(after)).await?;
        for message in messages {
            writes = self.put_message(writes, message)?;
        }
        self.commit(writes, &[Event::new(EventName::EmailReverted, &after.id, by)?]).await
    }

    async fn present_login(&self, user: &User) -> Result<(Item, Login), Error> {
        let stored = self.login_item_of(&user.email.key()).await?.filter(|item| !is_reserved(item));
        let stored = stored.ok_or(Unmet::Changed)?;
        Ok((stored.clone(), from_item(stored)?))
    }

    /// The user without the addresses left before `old` that somebody else has by now, since they cannot be restored.
    async fn without_lost(&self, user: &User, old: &EmailKey, now: Timestamp) -> Result<User, Error> {
        let mut user = user.clone();
        for former in std::mem::take(&mut user.reverts) {
            let email = former.email.key();
            if email == *old || matches!(self.claim(&email, &user.id, now).await?, Claim::Free) {
                user.reverts.push(former);
            }
        }
        Ok(user)
    }

    /// Frees, with the other writes, the addresses that were reserved for `before` and are not for `after`, unless somebody else has them
    /// by now.
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
        // A transaction may contain an item only once.
        keys.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        keys.dedup();
        for email in keys {
            let own = |item: &Item| is_reserved(item) && item.get("user_id") == Some(&s(before.id.as_str()));
            if self.login_item_of(&email).await?.as_ref().is_some_and(own) {
                let still =
                    Expression::new("user_id = :id AND attribute_exists(reserved)", [(":id", s(before.id.as_str()))]);
                writes = writes.delete(&self.users, key::login(&email), still, Unmet::Changed)?;
            }
        }
        Ok(writes)
    }
}
