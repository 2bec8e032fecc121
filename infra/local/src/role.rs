//! Roles: the calls that a function may make. The local stack enforces the roles of the template as AWS does, so that a missing permission
//! is found here. It also records the permissions that were used, so that an unused one can be found.

mod call;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use template::{Condition, Resource, Template};

use call::{Call, Need};

/// An action on a resource, such as `dynamodb:Query` on `UsersTable.Arn/index/by_created`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// For example `dynamodb:GetItem`.
    pub action: String,
    /// The resource as in the evaluated template.
    pub resource: String,
    /// For a permission with a condition, one of the condition's values, such as `PROBE#*`.
    pub value: Option<String>,
}

impl Permission {
    /// A permission without a condition.
    #[must_use]
    pub fn new(action: &str, resource: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned(), value: None }
    }

    /// The same permission with a condition, for one of its values.
    #[must_use]
    pub fn with(self, value: &str) -> Self {
        Self { value: Some(value.to_owned()), ..self }
    }
}

/// A permission with its whole condition.
struct Grant {
    action: String,
    resource: String,
    condition: Option<Condition>,
}

/// The role of a function.
pub struct Role {
    name: String,
    grants: Vec<Grant>,
    /// The customer-managed keys that encrypt tables and secrets, by the resources' names.
    keys: BTreeMap<String, String>,
    used: Mutex<BTreeSet<Permission>>,
    refused: Mutex<Vec<String>>,
}

impl Role {
    /// The template's role with this name.
    #[must_use]
    pub fn of(template: &Template, name: &str) -> Self {
        let mut grants = Vec::new();
        for statement in template.statements(name) {
            for action in &statement.action {
                for resource in &statement.resource {
                    let (action, resource) = (action.clone(), resource.clone());
                    grants.push(Grant { action, resource, condition: statement.condition.clone() });
                }
            }
        }
        let key = |resource: &Resource| match resource {
            Resource::Table { properties } => {
                properties.get("SSESpecification")?["KMSMasterKeyId"].as_str().map(str::to_owned)
            }
            Resource::Secret { properties } => properties.kms_key_id.clone(),
            _ => None,
        };
        let keys = template.resources.iter().filter_map(|(id, resource)| Some((id.clone(), key(resource)?))).collect();
        Self { name: name.to_owned(), grants, keys, used: Mutex::default(), refused: Mutex::default() }
    }

    /// The permissions of the role.
    #[must_use]
    pub fn allowed(&self) -> BTreeSet<Permission> {
        let of = |grant: &Grant| {
            let permission = Permission::new(&grant.action, &grant.resource);
            match &grant.condition {
                Some(condition) => condition.values.iter().map(|value| permission.clone().with(value)).collect(),
                None => vec![permission],
            }
        };
        self.grants.iter().flat_map(of).collect()
    }

    /// The permissions that were used so far.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Permission> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The refusals since the last call of this method.
    #[must_use]
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a call that the role does not allow; `None` if it does.
    #[inline(never)] // `tests/bench/work.py` excludes the work that is done here.
    pub(crate) fn refuse(&self, target: &str, body: &[u8]) -> Option<(u16, String)> {
        let call = Call::of(target, body);
        let mut used = BTreeSet::new();
        for need in call.needs(&self.keys, |action| self.resources(action)) {
            let Some(permissions) = self.permit(&call, &need) else {
                let Need { action, resource, .. } = need;
                tracing::error!(role = self.name, action, resource, "a role does not allow a call");
                let message = format!("{} is not authorized to perform {action} on {resource}", self.name);
                let answer = json!({ "__type": "AccessDeniedException", "Message": message }).to_string();
                self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                return Some((400, answer));
            };
            used.extend(permissions);
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).append(&mut used);
        None
    }

    /// The permissions that allow what a call needs.
    fn permit(&self, call: &Call<'_>, need: &Need) -> Option<Vec<Permission>> {
        let fits = |grant: &&Grant| grant.action == need.action && grant.resource == need.resource;
        self.grants.iter().filter(fits).find_map(|grant| {
            let permission = Permission::new(&grant.action, &grant.resource);
            let Some(condition) = &grant.condition else { return Some(vec![permission]) };
            let met = condition.met_by(&call.values(&condition.key, need))?;
            Some(met.into_iter().map(|value| permission.clone().with(value)).collect())
        })
    }

    /// The resources on which an action is allowed.
    fn resources(&self, action: &str) -> Vec<String> {
        let allowed = self.grants.iter().filter(|grant| grant.action == action);
        allowed.map(|grant| grant.resource.clone()).collect()
    }
}
