//! Point-in-time recovery, as operators' commands use it. The local database keeps no history, so it can restore only the present state. As
//! on AWS, the new table has the items and indexes and nothing else ("Restoring a table", `DynamoDB` Developer Guide).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dynoxide::{Database, DynoxideError, ImportOptions};
use serde_json::{Map, Value, json};
use template::{Resource, Template};
use user_core::clock::Timestamp;

/// The tables with recovery, and the tables that have just been restored.
#[derive(Default)]
pub struct Recovery(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    /// The tables with recovery: those of the template, as changed by later calls.
    on: BTreeSet<String>,
    /// The tables whose restore no caller has seen yet.
    restoring: BTreeSet<String>,
}

/// The type and message of an error.
type Refusal = (&'static str, String);

/// How many items are copied at once.
const PAGE: usize = 1_000;

impl Recovery {
    /// Recovery for the tables for which the template enables it.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        let on = template.resources.iter().filter(|(_, resource)| match resource {
            Resource::Table { properties } => {
                let request = properties.get("PointInTimeRecoverySpecification");
                request.is_some_and(|request| request["PointInTimeRecoveryEnabled"] == true)
            }
            _ => false,
        });
        let on = on.map(|(name, _)| name.clone()).collect();
        Self(Mutex::new(Tables { on, restoring: BTreeSet::new() }))
    }

    /// Answers a call, if it concerns recovery.
    pub(super) fn answer(
        &self,
        database: &Database,
        operation: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Option<(u16, String)> {
        let request: Value = match operation {
            "DescribeContinuousBackups" | "UpdateContinuousBackups" | "RestoreTableToPointInTime" | "DescribeTable" => {
                serde_json::from_slice(body).unwrap_or_default()
            }
            _ => return None,
        };
        let name = request["TableName"].as_str().unwrap_or_default();
        let answer = match operation {
            "DescribeContinuousBackups" => self.describe(database, name, now),
            "UpdateContinuousBackups" => {
                let request = &request["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
                let mut tables = self.lock();
                if *request == true {
                    tables.on.insert(name.to_owned())
                } else {
                    tables.on.remove(name)
                };
                drop(tables);
                self.describe(database, name, now)
            }
            "RestoreTableToPointInTime" => self.restore(database, &request, now),
            _ if self.lock().restoring.remove(name) => restoring(database, name),
            _ => return None,
        };
        Some(match answer {
            Ok(answer) => (200, answer.to_string()),
            Err((code, message)) => (400, json!({ "__type": code, "message": message }).to_string()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, database: &Database, name: &str, now: Timestamp) -> Result<Value, Refusal> {
        describe(database, name).map_err(|_| ("TableNotFoundException", format!("Table not found: {name}")))?;
        let recovery = if self.lock().on.contains(name) {
            json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "EarliestRestorableDateTime": now.0,
                "LatestRestorableDateTime": now.0,
            })
        } else {
            json!({ "PointInTimeRecoveryStatus": "DISABLED" })
        };
        Ok(json!({ "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery,
        } }))
    }

    fn restore(&self, database: &Database, request: &Value, now: Timestamp) -> Result<Value, Refusal> {
        let text = |name: &str| request[name].as_str().unwrap_or_default();
        let (source, target) = (text("SourceTableName"), text("TargetTableName"));
        let described =
            describe(database, source).map_err(|_| ("TableNotFoundException", format!("Table not found: {source}")))?;
        if !self.lock().on.contains(source) {
            let why = format!("Point in time recovery is not enabled for table '{source}'");
            return Err(("PointInTimeRecoveryUnavailableException", why));
        }
        if describe(database, target).is_ok() {
            return Err(("TableAlreadyExistsException", format!("Table already exists: {target}")));
        }
        // The SDK writes timestamps as numbers with a fraction.
        #[expect(clippy::cast_possible_truncation, reason = "parts of a second do not count")]
        let moment = request["RestoreDateTime"].as_f64().map(|moment| moment as i64);
        if moment.is_some_and(|moment| moment != now.0) {
            return Err(("InvalidRestoreTimeException", "The local database has no history".to_owned()));
        }
        copy(database, described, source, target).map_err(|error| ("InternalServerError", error.to_string()))?;
        self.lock().restoring.insert(target.to_owned());
        restoring(database, target)
    }
}

fn describe(database: &Database, name: &str) -> Result<Map<String, Value>, DynoxideError> {
    let described = database.describe_table(typed(json!({ "TableName": name }))?)?;
    let described = serde_json::to_value(described).map_err(unreadable)?;
    Ok(described["Table"].as_object().cloned().unwrap_or_default())
}

/// The description of a table when it is read for the first time after its restore began.
fn restoring(database: &Database, name: &str) -> Result<Value, Refusal> {
    let mut table = describe(database, name).map_err(|error| ("ResourceNotFoundException", error.to_string()))?;
    table.insert("TableStatus".to_owned(), json!("CREATING"));
    table.insert("RestoreSummary".to_owned(), json!({ "RestoreDateTime": 0, "RestoreInProgress": true }));
    // The answer to a restore and that to a description have different names for it.
    Ok(json!({ "Table": table, "TableDescription": table }))
}

fn copy(
    database: &Database,
    mut described: Map<String, Value>,
    source: &str,
    target: &str,
) -> Result<(), DynoxideError> {
    described
        .retain(|name, _| ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes"].contains(&name.as_str()));
    for index in described.get_mut("GlobalSecondaryIndexes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(index) = index.as_object_mut() {
            index.retain(|name, _| ["IndexName", "KeySchema", "Projection"].contains(&name.as_str()));
        }
    }
    described.insert("TableName".to_owned(), json!(target));
    described.insert("BillingMode".to_owned(), json!("PAY_PER_REQUEST"));
    database.create_table(typed(Value::Object(described))?)?;
    let mut after = None;
    loop {
        let page = json!({ "TableName": source, "Limit": PAGE, "ExclusiveStartKey": after });
        let page = database.scan(typed(page)?)?;
        database.import_items(target, page.items.unwrap_or_default(), ImportOptions::default())?;
        let Some(last) = page.last_evaluated_key else { return Ok(()) };
        after = Some(serde_json::to_value(last).map_err(unreadable)?);
    }
}

fn typed<T: serde::de::DeserializeOwned>(request: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(request).map_err(unreadable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
fn unreadable(error: serde_json::Error) -> DynoxideError {
    DynoxideError::SerializationException(error.to_string())
}
