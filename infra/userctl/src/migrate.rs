//! Brings items of former releases to the form of this one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use user_core::error::Error;

use crate::records::migration::{self, Progress};
use crate::stage::Stage;

/// Which forms there are, and how far the last migration came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How many users there are of each form; 0 is none.
    pub forms: BTreeMap<u32, u64>,
    /// The last migration.
    pub last: Option<Progress>,
}

impl Status {
    /// Whether all users are of this release's form.
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

/// Which forms there are.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn status(stage: &Stage) -> Result<Status, Error> {
    Ok(Status { forms: stage.records().count_forms().await?, last: stage.records().migration_progress().await? })
}

/// Brings every user to the present form, from where the last try ended.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn up(stage: &Stage) -> Result<Status, Error> {
    while !stage.records().migrate_page(stage.clock.now()).await?.done {}
    status(stage).await
}
