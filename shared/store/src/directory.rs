//! The list of users, newest first, merged over the shards of the index `by_created`. It is eventually consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::user::{Role, User};

use super::failure::failed;
use super::{Store, at, from_item, key, s};

/// Which users to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those with this role.
    pub role: Option<Role>,
    /// Only those whose address is verified, or not verified.
    pub verified: Option<bool>,
}

impl Filter {
    /// Whether a user that was found in another way belongs to the list.
    #[must_use]
    pub fn holds(&self, user: &User) -> bool {
        self.role.is_none_or(|role| role == user.role)
            && self.verified.is_none_or(|verified| verified == user.is_verified)
    }

    /// The text of the filter that a cursor is bound to. A change of this text makes earlier cursors invalid.
    #[must_use]
    pub fn query(&self) -> String {
        let role = self.role.map(|role| format!("role={}", role.as_str()));
        let verified = self.verified.map(|verified| format!("verified={verified}"));
        ["users".to_owned()].into_iter().chain(role).chain(verified).collect::<Vec<_>>().join("&")
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How many rounds a filter that few users pass gets before a short page is returned.
const ROUNDS: usize = 10;
/// How many items a shard reads in one round of a filtered list.
const FILTERED_LIMIT: i32 = 250;

/// The users of one shard, and the place down to which they are complete (`None`: to the end).
struct Stretch {
    users: Vec<(String, User)>,
    known_to: Option<String>,
}

impl Store {
    /// Up to `limit` users before the place `before` in the list, and the place where the next page begins. A page can be short, even
    /// empty, when there are more.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn list_users(
        &self,
        filter: &Filter,
        before: Option<String>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let mut page = Vec::new();
        let mut before = before;
        for _ in 0..ROUNDS {
            let (users, next) = self.list_stretch(filter, before.as_deref(), limit - page.len(), now).await?;
            page.extend(users);
            before = next;
            if page.len() == limit || before.is_none() {
                break;
            }
        }
        Ok((page, before))
    }

    async fn list_stretch(
        &self,
        filter: &Filter,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<User>, Option<String>), Error> {
        let stretches =
            try_join_all((0..key::SHARDS).map(|shard| self.list_shard(shard, filter, before, limit, now))).await?;
        let known_to = stretches.iter().filter_map(|stretch| stretch.known_to.clone()).max();
        let mut users: Vec<_> = stretches.into_iter().flat_map(|stretch| stretch.users).collect();
        users.retain(|(place, _)| known_to.as_ref().is_none_or(|end| place >= end));
        users.sort_by(|(a, _), (b, _)| b.cmp(a));
        let next = if users.len() > limit { users.get(limit - 1).map(|(place, _)| place.clone()) } else { known_to };
        users.truncate(limit);
        Ok((users.into_iter().map(|(_, user)| user).collect(), next))
    }

    async fn list_shard(
        &self,
        shard: u64,
        filter: &Filter,
        before: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Stretch, Error> {
        let mut conditions = vec!["(attribute_not_exists(expires_at) OR expires_at > :now)"];
        let mut values =
            HashMap::from([(":shard".to_owned(), s(key::directory_shard(shard))), (":now".to_owned(), at(now))]);
        if let Some(role) = filter.role {
            conditions.push("user_role = :role");
            values.insert(":role".to_owned(), s(role.as_str()));
        }
        if let Some(verified) = filter.verified {
            conditions.push("is_verified = :verified");
            values.insert(":verified".to_owned(), AttributeValue::Bool(verified));
        }
        let mut keys = "dir_shard = :shard";
        if let Some(before) = before {
            keys = "dir_shard = :shard AND created_key < :before";
            values.insert(":before".to_owned(), s(before));
        }
        let looked_at = if filter.is_empty() { i32::try_from(limit + 1).unwrap_or(i32::MAX) } else { FILTERED_LIMIT };
        let answer = self
            .client
            .query()
            .table_name(&self.users)
            .index_name("by_created")
            .key_condition_expression(keys)
            .filter_expression(conditions.join(" AND "))
            .set_expression_attribute_values(Some(values))
            .scan_index_forward(false)
            .limit(looked_at)
            .send()
            .await
            .map_err(failed)?;
        let place =
            |item: &super::Item| item.get("created_key").and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let users = answer.items.unwrap_or_default().into_iter().map(|item| Ok((place(&item), from_item(item)?)));
        Ok(Stretch {
            users: users.collect::<Result<_, Error>>()?,
            known_to: answer.last_evaluated_key.as_ref().map(place),
        })
    }
}
