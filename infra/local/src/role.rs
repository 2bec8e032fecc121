//! Roles: what a function may call. The local stack holds functions to the roles of the template as AWS does, so that a missing
//! permission is found here; it also notes what was used, so that one too many can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::template::Template;

/// An action on a resource, such as `dynamodb:Query` on `UsersTable.Arn/index/by_created`.
pub type Permission = (String, String);

/// The role of a function.
pub struct Role {
    name: String,
    allowed: BTreeSet<Permission>,
    used: Mutex<BTreeSet<Permission>>,
}

impl Role {
    /// The role that the template calls by `name`.
    #[must_use]
    pub fn of(template: &Template, name: &str) -> Self {
        let allowed = template.statements(name).flat_map(|statement| {
            let of = move |list: Vec<String>, action: String| {
                list.into_iter().map(move |resource| (action.clone(), resource))
            };
            statement.action.into_iter().flat_map(move |action| of(statement.resource.clone(), action))
        });
        Self { name: name.to_owned(), allowed: allowed.collect(), used: Mutex::default() }
    }

    /// What the role allows.
    #[must_use]
    pub fn allowed(&self) -> &BTreeSet<Permission> {
        &self.allowed
    }

    /// What of it was used so far.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Permission> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The answer to a call that the role does not allow; `None` when it does.
    #[inline(never)] // `tests/bench/work.py` leaves out what is done in here.
    pub(crate) fn refuse(&self, target: &str, body: &[u8]) -> Option<(u16, String)> {
        let needed = self.needed(target, &serde_json::from_slice(body).unwrap_or_default());
        if let Some((action, resource)) = needed.iter().find(|permission| !self.allowed.contains(permission)) {
            tracing::error!(role = self.name, action, resource, "a role does not allow a call");
            let message = format!("{} is not authorized to perform {action} on {resource}", self.name);
            return Some((400, json!({ "__type": "AccessDeniedException", "Message": message }).to_string()));
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for permission in needed {
            if !used.contains(&permission) {
                used.insert(permission);
            }
        }
        None
    }
}

impl Role {
    fn needed(&self, target: &str, request: &Names) -> Vec<Permission> {
        let Some(operation) = target.strip_prefix("ses.") else { return needed(target, request) };
        // SES' resources are patterns; the local account has one identity and one configuration set, which they are about.
        let action = format!("ses:{operation}");
        let allowed: Vec<_> = self.allowed.iter().filter(|(allowed, _)| *allowed == action).cloned().collect();
        if allowed.is_empty() { vec![(action, "*".to_owned())] } else { allowed }
    }
}

/// The names in a call that a permission is about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Names {
    secret_id: String,
    table_name: String,
    index_name: Option<String>,
    /// Of a batch: what is asked of each table.
    request_items: BTreeMap<String, IgnoredAny>,
    /// Of a transaction: writes by their kind.
    transact_items: Vec<BTreeMap<String, Names>>,
}

/// What a call needs. A transaction needs what each of its writes would (`DynamoDB`, "IAM and transactions").
fn needed(target: &str, request: &Names) -> Vec<Permission> {
    let (service, operation) = target.split_once('.').unwrap_or_default();
    if service == "secretsmanager" {
        return vec![(format!("secretsmanager:{operation}"), request.secret_id.clone())];
    }
    if service == "cloudwatch" {
        return vec![(format!("cloudwatch:{operation}"), "*".to_owned())];
    }
    let table = |operation: &str, name: &str| (format!("dynamodb:{operation}"), format!("{name}.Arn"));
    match operation {
        "TransactWriteItems" => {
            let writes = request.transact_items.iter().flatten();
            writes.map(|(kind, write)| table(&format!("{kind}Item"), &write.table_name)).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => request.request_items.keys().map(|name| table(operation, name)).collect(),
        _ => {
            let (action, mut resource) = table(operation, &request.table_name);
            if let Some(index) = &request.index_name {
                resource.push_str(&format!("/index/{index}"));
            }
            vec![(action, resource)]
        }
    }
}
