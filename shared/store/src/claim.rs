//! The holder of an address, according to its login item, which is the lock of the address. A reserved login item keeps a former address
//! for its user, who cannot sign in with it but can restore it. An address that is only requested is not reserved.

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::Error;
use user_core::id::UserId;

use super::failure::failed;
use super::transaction::Expression;
use super::{Item, Store, at, key, s};

/// What the login item of an address means for an account that wants it.
pub enum Claim {
    /// Nobody has it, or it is reserved for the account itself.
    Free,
    /// The account itself signs in with it.
    Own,
    /// A sign-up has not verified it: whoever verifies it first has it.
    Waiting(UserId),
    /// Another account verified it, can still restore it, or got it by an import or from an administrator, which no sign-up overrides.
    Taken,
}

/// The account that an address belongs to.
pub enum Holder {
    /// The account signs in with it.
    Present(UserId),
    /// The account has left it and can restore it.
    Former(UserId),
}

/// Whether a login item only reserves its address.
#[must_use]
pub fn is_reserved(item: &Item) -> bool {
    item.contains_key("reserved")
}

fn owner_of(item: &Item) -> Option<UserId> {
    item.get("user_id")?.as_s().ok().map(UserId::of)
}

/// When a login item expires, if it does.
#[must_use]
pub fn end_of(item: &Item) -> Option<Timestamp> {
    item.get("expires_at")?.as_n().ok()?.parse().ok().map(Timestamp)
}

/// The condition that an address is as it was when [`Store::claim`] called it free or waiting.
pub(crate) fn still(claim: &Claim, own: &UserId, now: Timestamp) -> Expression {
    match claim {
        Claim::Waiting(other) => Expression::new(
            "user_id = :id AND is_verified = :no AND attribute_exists(expires_at)",
            [(":id", s(other.as_str())), (":no", AttributeValue::Bool(false))],
        ),
        _ => Expression::new(
            "attribute_not_exists(pk) OR expires_at <= :now OR (user_id = :id AND attribute_exists(reserved))",
            [(":id", s(own.as_str())), (":now", at(now))],
        ),
    }
}

impl Store {
    /// The claim of `user` to this address.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn claim(&self, email: &EmailKey, user: &UserId, now: Timestamp) -> Result<Claim, Error> {
        let Some(item) = self.login_item_of(email).await? else { return Ok(Claim::Free) };
        let (end, reserved) = (end_of(&item), is_reserved(&item));
        Ok(match (end, owner_of(&item)) {
            (Some(end), _) if end <= now => Claim::Free,
            (_, Some(owner)) if owner == *user => {
                if reserved {
                    Claim::Free
                } else {
                    Claim::Own
                }
            }
            (Some(_), Some(owner)) if !reserved => Claim::Waiting(owner),
            _ => Claim::Taken,
        })
    }

    /// The account that has the address, or had it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn holder(&self, email: &EmailKey, now: Timestamp) -> Result<Option<Holder>, Error> {
        let Some(item) = self.login_item_of(email).await? else { return Ok(None) };
        let is_over = end_of(&item).is_some_and(|end| end <= now);
        let owner = if is_over { None } else { owner_of(&item) };
        Ok(owner.map(|owner| if is_reserved(&item) { Holder::Former(owner) } else { Holder::Present(owner) }))
    }

    pub(crate) async fn login_item_of(&self, email: &EmailKey) -> Result<Option<Item>, Error> {
        let read =
            self.client.get_item().table_name(&self.users).set_key(Some(key::login(email))).consistent_read(true);
        Ok(read.send().await.map_err(failed)?.item)
    }
}
