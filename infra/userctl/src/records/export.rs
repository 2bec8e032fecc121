//! Every user with its hash, in the order of sign-up, page by page, as an export reads them.

use std::collections::HashMap;

use user_core::error::Error;
use user_core::login::Login;
use user_core::user::User;
use user_store::items::{Item, failed, from_item, is_reserved, s};
use user_store::key;

use super::Records;

/// The shards of the index `by_created`. Each is sorted; an export merges them.
pub const SHARDS: u64 = key::SHARDS;

/// How many users' logins are read in one batch.
pub const LOGINS_AT_ONCE: usize = user_store::items::READS;

const PAGE: i32 = 250;

/// Some users of a shard, each with its position in the order.
pub struct Page {
    /// The users, oldest first.
    pub users: Vec<(String, User)>,
    /// The position where the next page begins; `None` at the end of the shard.
    pub next: Option<String>,
}

impl Records<'_> {
    /// The users of one shard after a position, oldest first, including expired ones. A page can be empty although more follow.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn users_after(&self, shard: u64, after: Option<&str>) -> Result<Page, Error> {
        let query = self.0.client().query().table_name(self.0.users_table()).index_name("by_created").limit(PAGE);
        let query = query.expression_attribute_values(":shard", s(key::directory_shard(shard)));
        let query = match after {
            None => query.key_condition_expression("dir_shard = :shard"),
            Some(after) => query
                .key_condition_expression("dir_shard = :shard AND created_key > :after")
                .expression_attribute_values(":after", s(after)),
        };
        let answer = query.send().await.map_err(failed)?;
        let place = |item: &Item| item.get("created_key").and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let next = answer.last_evaluated_key.as_ref().map(place);
        let users = answer.items.unwrap_or_default().into_iter().map(|item| Ok((place(&item), from_item(item)?)));
        Ok(Page { users: users.collect::<Result<_, Error>>()?, next })
    }

    /// Up to [`LOGINS_AT_ONCE`] users with their current logins; users that were removed meanwhile are left out.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] if the database does not answer.
    pub async fn with_logins(&self, users: Vec<User>) -> Result<Vec<(User, Login)>, Error> {
        // A batch names each item once, and two users have the same address if one of them is expired.
        let mut addresses: Vec<_> = users.iter().map(|user| user.email.key()).collect();
        addresses.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        addresses.dedup();
        let items = self.0.read_many(addresses.iter().map(key::login).collect()).await?.into_iter();
        let items = items.filter(|item| !is_reserved(item));
        let mut logins = HashMap::new();
        for login in items.map(from_item::<Login>) {
            let login = login?;
            logins.insert(login.user_id.as_str().to_owned(), login);
        }
        let mut both = Vec::with_capacity(users.len());
        for user in users {
            match logins.remove(user.id.as_str()) {
                Some(login) => both.push((user, login)),
                // The index lags behind, or the address has just changed.
                None => both.extend(self.with_login(&user).await?),
            }
        }
        Ok(both)
    }

    async fn with_login(&self, user: &User) -> Result<Option<(User, Login)>, Error> {
        let Some(user) = self.0.read_user(&user.id).await? else { return Ok(None) };
        let login = self.0.read_login(&user.email.key()).await?.filter(|login| login.user_id == user.id);
        Ok(login.map(|login| (user, login)))
    }
}
