//! Migrations: the schema versions that items of users had in former releases, and how each becomes the next. They run during traffic, page
//! by page, and record their progress in the table.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::user::User;
use user_store::items::{Item, SCHEMA, failed, from_item, if_met, n, s, to_item, unless_contended, user_item};
use user_store::key;

use super::Records;

const PAGE: i32 = 250;

/// How often a user may change during its migration before the answer is [`Error::Busy`].
const ATTEMPTS: usize = 5;

/// How an item of one schema version becomes one of the next.
struct Migration {
    /// The schema version that it leads to.
    to: u32,
    /// A description for people.
    name: &'static str,
    change: fn(Item) -> Result<Item, Error>,
}

/// All migrations, in order. The first is for what release 0.1.0 writes: an item without a schema version gets one, and its index
/// attributes. A new schema version needs one more line here and a [`SCHEMA`] that is one higher.
const MIGRATIONS: &[Migration] = &[Migration { to: 1, name: "mark the form, and index by shards", change: mark }];

fn mark(mut item: Item) -> Result<Item, Error> {
    let marked = user_item(&from_item::<User>(item.clone())?)?;
    item.extend(marked);
    Ok(item)
}

/// How far the last migration got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The schema version that it leads to.
    pub to: u32,
    /// The key of the last item of the last page, while the migration is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<(String, String)>,
    /// How many items it changed.
    pub changed: u64,
    /// When this was recorded.
    pub noted_at: Timestamp,
    /// Whether it is complete.
    pub done: bool,
}

/// The schema version of items that this release writes.
#[must_use]
pub fn current() -> u32 {
    SCHEMA
}

/// The migrations, with the schema versions that they lead to.
pub fn names() -> impl Iterator<Item = (u32, &'static str)> {
    MIGRATIONS.iter().map(|migration| (migration.to, migration.name))
}

impl Records<'_> {
    /// How many users each schema version has; 0 stands for items without one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn count_forms(&self) -> Result<BTreeMap<u32, u64>, Error> {
        let (mut forms, mut after) = (BTreeMap::new(), None);
        loop {
            let (items, next) = self.profiles_page(after).await?;
            for item in &items {
                *forms.entry(form(item)).or_default() += 1;
            }
            if next.is_none() {
                return Ok(forms);
            }
            after = next;
        }
    }

    /// How far the last migration got, if there ever was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn migration_progress(&self) -> Result<Option<Progress>, Error> {
        let read = self.0.client().get_item().table_name(self.0.users_table()).set_key(Some(key::migration()));
        read.consistent_read(true).send().await.map_err(failed)?.item.map(from_item).transpose()
    }

    /// Migrates one page of users to the current schema version, records the progress and returns it. It continues where the last call
    /// ended, unless that call completed the migration.
    ///
    /// # Errors
    /// [`Error::Internal`] if an item cannot be read; [`Error::Unavailable`].
    pub async fn migrate_page(&self, now: Timestamp) -> Result<Progress, Error> {
        let before = self.migration_progress().await?.filter(|progress| progress.to == SCHEMA && !progress.done);
        let (after, mut changed) = before.map_or((None, 0), |progress| (progress.after, progress.changed));
        let start = after.map(|(pk, sk)| Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]));
        let (items, next) = self.profiles_page(start).await?;
        for item in items {
            changed += u64::from(self.migrate(item).await?);
        }
        let part = |name: &str| next.as_ref().and_then(|key| key.get(name)?.as_s().ok()).cloned();
        let after = part("pk").zip(part("sk"));
        let progress = Progress { to: SCHEMA, done: next.is_none(), after, changed, noted_at: now };
        let note = to_item(&progress, key::migration())?;
        self.0.put(note).await?;
        Ok(progress)
    }

    /// Migrates a user to the current schema version, and reads it again if it changed meanwhile; returns whether it was written.
    async fn migrate(&self, mut item: Item) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            let old = form(&item);
            if old >= SCHEMA {
                return Ok(false);
            }
            if self.write_migrated(&item, old).await? {
                return Ok(true);
            }
            let id = from_item::<User>(item)?.id;
            let read = self
                .0
                .client()
                .get_item()
                .table_name(self.0.users_table())
                .set_key(Some(key::user(&id)))
                .consistent_read(true);
            match read.send().await.map_err(failed)?.item {
                Some(changed) => item = changed,
                None => return Ok(false),
            }
        }
        Err(Error::Busy)
    }

    /// Writes a user in the current schema version, unless it changed meanwhile; returns whether it was written.
    async fn write_migrated(&self, item: &Item, old: u32) -> Result<bool, Error> {
        let version = from_item::<User>(item.clone())?.version;
        let mut after = item.clone();
        for migration in MIGRATIONS.iter().filter(|migration| migration.to > old) {
            after = (migration.change)(after)?;
        }
        let outcome = unless_contended(|| {
            self.0
                .client()
                .put_item()
                .table_name(self.0.users_table())
                .set_item(Some(after.clone()))
                .condition_expression("version = :version AND (attribute_not_exists(#schema) OR #schema = :old)")
                .expression_attribute_names("#schema", "schema")
                .expression_attribute_values(":version", n(version))
                .expression_attribute_values(":old", n(old))
                .send()
        });
        if_met(outcome.await).map(|written| written.is_some())
    }

    async fn profiles_page(&self, after: Option<Item>) -> Result<(Vec<Item>, Option<Item>), Error> {
        let scan = self.0.client().scan().table_name(self.0.users_table()).consistent_read(true).limit(PAGE);
        let scan = scan.filter_expression("sk = :profile").expression_attribute_values(":profile", s("PROFILE"));
        let answer = scan.set_exclusive_start_key(after).send().await.map_err(failed)?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }
}

fn form(item: &Item) -> u32 {
    let number = item.get("schema").and_then(|value: &AttributeValue| value.as_n().ok());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
