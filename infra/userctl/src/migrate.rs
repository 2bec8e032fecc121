//! Migrates items of former releases to the current schema version.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use user_core::error::Error;

use crate::records::migration::{self, Progress};
use crate::stage::Stage;

/// The schema versions of items, and how far the last migration got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How many users each schema version has; 0 stands for items without one.
    pub forms: BTreeMap<u32, u64>,
    /// The last migration.
    pub last: Option<Progress>,
}

impl Status {
    /// Whether all users have the current schema version.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.forms.keys().all(|form| *form == migration::current())
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let last = self.last.as_ref().map(|last| {
            json!({ "to": last.to, "changed": last.changed, "done": last.done, "noted_at": last.noted_at.to_string() })
        });
        json!({ "current": migration::current(), "up_to_date": self.is_current(), "users": self.forms, "last": last })
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<_> = migration::names().map(|(to, name)| format!("form {to}: {name}")).collect();
        lines.extend(self.forms.iter().map(|(form, users)| format!("{users} users of form {form}")));
        lines.extend(self.last.as_ref().map(|last| {
            let state = if last.done { "done" } else { "under way" };
            format!("last migration, to form {}: {state}, {} changed, {}", last.to, last.changed, last.noted_at)
        }));
        lines.push(if self.is_current() { "up to date".to_owned() } else { "to do: userctl migrate up".to_owned() });
        lines.join("\n")
    }
}

/// Reads the schema versions of items.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn status(stage: &Stage) -> Result<Status, Error> {
    Ok(Status { forms: stage.records().count_forms().await?, last: stage.records().migration_progress().await? })
}

/// Migrates every user to the current schema version; it continues where the last attempt ended.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer.
pub async fn up(stage: &Stage) -> Result<Status, Error> {
    while !stage.records().migrate_page(stage.clock.now()).await?.done {}
    status(stage).await
}
