//! The permissions that a call needs, and the values of its condition keys (Service Authorization Reference, the pages of the services).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use template::REGION;

/// The partition key of the tables.
const PARTITION: &str = "pk";

/// A call to an AWS service.
pub(super) struct Call<'a> {
    service: &'a str,
    operation: &'a str,
    names: Names,
    body: &'a [u8],
}

/// An action on a resource that has to be allowed.
pub(super) struct Need {
    pub(super) action: String,
    pub(super) resource: String,
    /// The service that calls on behalf of the function, such as `dynamodb`, which decrypts what it reads.
    via: Option<&'static str>,
}

/// The names in a call that permissions refer to.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Names {
    secret_id: String,
    table_name: String,
    index_name: Option<String>,
    /// Of a batch: the requests by table.
    request_items: BTreeMap<String, IgnoredAny>,
    /// Of a transaction: the writes by kind.
    transact_items: Vec<BTreeMap<String, Names>>,
}

impl<'a> Call<'a> {
    pub(super) fn of(target: &'a str, body: &'a [u8]) -> Self {
        let (service, operation) = target.split_once('.').unwrap_or_default();
        let service = if service.starts_with("DynamoDB") { "dynamodb" } else { service };
        Self { service, operation, names: serde_json::from_slice(body).unwrap_or_default(), body }
    }

    /// The permissions that the call needs. `keys` are the customer-managed keys that encrypt resources; `resources` returns the resources
    /// on which an action is allowed.
    pub(super) fn needs(&self, keys: &BTreeMap<String, String>, resources: impl Fn(&str) -> Vec<String>) -> Vec<Need> {
        let action = format!("{}:{}", self.service, self.operation);
        let need =
            |action: &str, resource: &str| Need { action: action.to_owned(), resource: resource.to_owned(), via: None };
        match self.service {
            "secretsmanager" => {
                let decrypted: &[_] = match self.operation {
                    "GetSecretValue" => &["kms:Decrypt"],
                    "PutSecretValue" => &["kms:Decrypt", "kms:GenerateDataKey"],
                    _ => &[],
                };
                let key = keys.get(&self.names.secret_id).into_iter();
                let by_key = key.flat_map(|key| decrypted.iter().map(|action| need(action, key)));
                let by_key = by_key.map(|need| Need { via: Some("secretsmanager"), ..need });
                by_key.chain([need(&action, &self.names.secret_id)]).collect()
            }
            "cloudwatch" => vec![need(&action, "*")],
            // SES resources are patterns. The local account has one identity and one configuration set, which all patterns refer to.
            "ses" => {
                let allowed = resources(&action);
                let allowed = if allowed.is_empty() { vec!["*".to_owned()] } else { allowed };
                allowed.iter().map(|resource| need(&action, resource)).collect()
            }
            _ => self
                .tables()
                .into_iter()
                .flat_map(|(operation, table)| {
                    let mut resource = format!("{table}.Arn");
                    if let Some(index) = &self.names.index_name {
                        resource.push_str(&format!("/index/{index}"));
                    }
                    let by_key = keys.get(table).map(|key| Need { via: Some("dynamodb"), ..need("kms:Decrypt", key) });
                    by_key.into_iter().chain([need(&format!("dynamodb:{operation}"), &resource)])
                })
                .collect(),
        }
    }

    /// The operations and their tables. A transaction needs the permission of each of its writes (`DynamoDB`, "IAM and transactions").
    fn tables(&self) -> Vec<(String, &str)> {
        match self.operation {
            "TransactWriteItems" => {
                let writes = self.names.transact_items.iter().flatten();
                writes.map(|(kind, write)| (format!("{kind}Item"), write.table_name.as_str())).collect()
            }
            "BatchGetItem" | "BatchWriteItem" => {
                self.names.request_items.keys().map(|name| (self.operation.to_owned(), name.as_str())).collect()
            }
            _ => vec![(self.operation.to_owned(), self.names.table_name.as_str())],
        }
    }

    /// The values of a condition key in the call.
    pub(super) fn values(&self, key: &str, need: &Need) -> Vec<String> {
        let body = || serde_json::from_slice(self.body).unwrap_or_default();
        match key {
            "kms:ViaService" => {
                need.via.map(|service| format!("{service}.{REGION}.amazonaws.com")).into_iter().collect()
            }
            "ses:FromAddress" => from_address(&body()).into_iter().collect(),
            _ => self.leading_keys(&body(), need),
        }
    }

    /// The partition keys of the items in a call that a need refers to.
    fn leading_keys(&self, body: &Value, need: &Need) -> Vec<String> {
        let text = |item: &Value| item[PARTITION]["S"].as_str().map(str::to_owned);
        let item = |request: &Value| text(&request["Key"]).or_else(|| text(&request["Item"]));
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        match self.operation {
            "TransactWriteItems" => {
                let writes = list(&body["TransactItems"]);
                let writes = writes.iter().filter_map(Value::as_object).flatten();
                let concerned = writes.filter(|(kind, write)| {
                    need.action == format!("dynamodb:{kind}Item") && write["TableName"].as_str() == table(need)
                });
                concerned.filter_map(|(_, write)| item(write)).collect()
            }
            "BatchGetItem" => {
                let keys = table(need).map(|table| list(&body["RequestItems"][table]["Keys"]));
                keys.iter().flatten().filter_map(text).collect()
            }
            "Query" => {
                // The first equality is the condition on the partition key.
                let name = body["KeyConditionExpression"].as_str().and_then(|condition| condition.split_once('='));
                let name = name.and_then(|(_, rest)| rest.split_whitespace().next());
                name.and_then(|name| body["ExpressionAttributeValues"][name]["S"].as_str())
                    .map(str::to_owned)
                    .into_iter()
                    .collect()
            }
            _ => item(body).into_iter().collect(),
        }
    }
}

/// The table that a need refers to.
fn table(need: &Need) -> Option<&str> {
    need.resource.split_once(".Arn").map(|(table, _)| table)
}

/// The address of the sender. `SendEmail` accepts it with a name, `ses:FromAddress` is the address alone (SES Developer Guide, "Sending
/// policy examples").
fn from_address(body: &Value) -> Option<String> {
    let from = body["FromEmailAddress"].as_str()?.trim();
    let bracketed = from.strip_suffix('>').and_then(|from| from.rsplit_once('<'));
    Some(bracketed.map_or(from, |(_, address)| address).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leading(target: &str, action: &str, body: &Value) -> Vec<String> {
        let bytes = body.to_string().into_bytes();
        let call = Call::of(target, &bytes);
        let needs = call.needs(&BTreeMap::new(), |_| Vec::new());
        let need = needs.iter().find(|need| need.action == action).unwrap();
        call.values("dynamodb:LeadingKeys", need)
    }

    #[test]
    fn the_leading_keys_of_a_call_are_those_of_its_items() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "x" } });
        let get = json!({ "TableName": "T", "Key": key("a") });
        assert_eq!(leading("DynamoDB_20120810.GetItem", "dynamodb:GetItem", &get), ["a"]);
        let put = json!({ "TableName": "T", "Item": key("a") });
        assert_eq!(leading("DynamoDB_20120810.PutItem", "dynamodb:PutItem", &put), ["a"]);
        let batch = json!({ "RequestItems": { "T": { "Keys": [key("a"), key("b")] } } });
        assert_eq!(leading("DynamoDB_20120810.BatchGetItem", "dynamodb:BatchGetItem", &batch), ["a", "b"]);
        let query = json!({
            "TableName": "T", "KeyConditionExpression": "pk = :a AND begins_with(sk, :b)",
            "ExpressionAttributeValues": { ":a": { "S": "a" }, ":b": { "S": "b" } }
        });
        assert_eq!(leading("DynamoDB_20120810.Query", "dynamodb:Query", &query), ["a"]);
        let write = |kind: &str, pk: &str| json!({ kind: { "TableName": "T", "Key": key(pk) } });
        let all = json!({ "TransactItems": [write("Update", "a"), write("Delete", "b"), write("Update", "c")] });
        assert_eq!(leading("DynamoDB_20120810.TransactWriteItems", "dynamodb:UpdateItem", &all), ["a", "c"]);
        assert!(leading("DynamoDB_20120810.Scan", "dynamodb:Scan", &json!({ "TableName": "T" })).is_empty());
    }

    #[test]
    fn a_senders_name_is_no_part_of_its_address() {
        for (from, address) in [
            ("a@example.com", "a@example.com"),
            ("\"A <b@example.com>\" <a@example.com>", "a@example.com"),
            ("=?UTF-8?Q?=C3=96?= <a@example.com>", "a@example.com"),
        ] {
            assert_eq!(from_address(&json!({ "FromEmailAddress": from })).as_deref(), Some(address));
        }
        assert_eq!(from_address(&json!({})), None);
    }
}
