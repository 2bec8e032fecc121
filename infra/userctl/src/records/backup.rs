//! The items of the users table in `DynamoDB`'s JSON, for a backup file and its restore.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use user_core::error::Error;
use user_store::items::{Item, failed, n};
use user_store::key;

use super::Records;

/// How many items are restored in one batch write.
pub const ITEMS_AT_ONCE: usize = user_store::items::WRITES;

const PAGE: i32 = 500;

/// Whether a line is an item of the table that can be restored.
#[must_use]
pub fn is_item(line: &Value) -> bool {
    map_value(line).is_some_and(|item| is_keyed(&item))
}

/// The position at which a page of items ended.
pub struct BackupPlace(Item);

impl Records<'_> {
    /// A page of items, read consistently, and where the next page begins.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn items_page(&self, after: Option<BackupPlace>) -> Result<(Vec<Value>, Option<BackupPlace>), Error> {
        let scan = self.0.client().scan().table_name(self.0.users_table()).consistent_read(true).limit(PAGE);
        let answer = scan.set_exclusive_start_key(after.map(|place| place.0)).send().await.map_err(failed)?;
        let items = answer.items.unwrap_or_default();
        let items = items.iter().map(map_json).collect::<Result<_, _>>()?;
        Ok((items, answer.last_evaluated_key.map(BackupPlace)))
    }

    /// Writes up to [`ITEMS_AT_ONCE`] items with different keys, and overwrites existing items with these keys.
    ///
    /// # Errors
    /// [`Error::Internal`] if a value is no item; [`Error::Busy`]; [`Error::Unavailable`].
    pub async fn restore_items(&self, items: &[Value]) -> Result<(), Error> {
        let items = items.iter().map(|item| map_value(item).ok_or_else(no_item)).collect::<Result<Vec<_>, _>>()?;
        if !items.iter().all(is_keyed) {
            return Err(no_item());
        }
        // The generation of the signing keys belongs to this stack's secret, so the one in the backup is skipped.
        let kept = |item: &Item| item.get("pk") != key::keys().get("pk");
        self.0.write_many(items.into_iter().filter(kept).collect()).await
    }

    /// Whether the table contains no user and no address.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn has_no_users(&self) -> Result<bool, Error> {
        let mut after = None;
        loop {
            let (records, next) = self.records_page(super::census::Table::Users, after).await?;
            if !records.is_empty() || next.is_none() {
                return Ok(records.is_empty());
            }
            after = next;
        }
    }

    /// Sets the count of administrators to the number that was counted after a restore.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn set_counted_admins(&self, working: u64) -> Result<(), Error> {
        let mut item = key::admins();
        item.insert("working".to_owned(), n(working));
        self.0.put(item).await
    }
}

fn is_keyed(item: &Item) -> bool {
    item.contains_key("pk") && item.contains_key("sk")
}

fn no_item() -> Error {
    Error::internal("a line is no item in DynamoDB's JSON")
}

fn map_json(item: &HashMap<String, AttributeValue>) -> Result<Value, Error> {
    // Sorted by name, so that the same item gives the same line.
    let sorted: BTreeMap<_, _> = item.iter().collect();
    sorted.into_iter().map(|(name, value)| Ok((name.clone(), to_json(value)?))).collect()
}

fn to_json(value: &AttributeValue) -> Result<Value, Error> {
    Ok(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(is) => json!({ "BOOL": is }),
        AttributeValue::Null(is) => json!({ "NULL": is }),
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes.as_ref()) }),
        AttributeValue::M(map) => json!({ "M": map_json(map)? }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(to_json).collect::<Result<Value, _>>()? }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => {
            json!({ "BS": all.iter().map(|bytes| STANDARD.encode(bytes.as_ref())).collect::<Vec<_>>() })
        }
        _ => return Err(Error::internal("an attribute is of an unknown type")),
    })
}

fn map_value(item: &Value) -> Option<Item> {
    item.as_object()?.iter().map(|(name, value)| Some((name.clone(), to_value(value)?))).collect()
}

fn to_value(value: &Value) -> Option<AttributeValue> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (kind, value) = object.iter().next()?;
    let texts = || value.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect::<Option<Vec<_>>>();
    let bytes = |text: &str| Some(Blob::new(STANDARD.decode(text).ok()?));
    Some(match kind.as_str() {
        "S" => AttributeValue::S(value.as_str()?.to_owned()),
        "N" => AttributeValue::N(value.as_str()?.to_owned()),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "B" => AttributeValue::B(bytes(value.as_str()?)?),
        "M" => AttributeValue::M(map_value(value)?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(to_value).collect::<Option<_>>()?),
        "SS" => AttributeValue::Ss(texts()?),
        "NS" => AttributeValue::Ns(texts()?),
        "BS" => AttributeValue::Bs(texts()?.iter().map(|text| bytes(text)).collect::<Option<_>>()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_key_is_no_item() {
        let key = json!({ "S": "USER#1" });
        for (line, is) in [
            (json!({ "pk": key, "sk": key, "n": { "N": "1" } }), true),
            (json!({ "pk": key, "n": { "N": "1" } }), false),
            (json!({ "pk": key, "sk": key, "n": 1 }), false),
        ] {
            assert_eq!(is_item(&line), is, "{line}");
        }
    }

    #[test]
    fn an_item_is_the_same_after_its_line() {
        let line = json!({
            "pk": { "S": "USER#1" }, "n": { "N": "1.50" }, "is": { "BOOL": false }, "no": { "NULL": true },
            "b": { "B": "AAEC" }, "m": { "M": { "l": { "L": [{ "S": "" }, { "N": "2" }] } } },
            "ss": { "SS": ["a"] }, "ns": { "NS": ["1"] }, "bs": { "BS": ["AA=="] },
        });
        assert_eq!(map_json(&map_value(&line).unwrap()).unwrap(), line);
        for bad in [json!([]), json!({ "a": "b" }), json!({ "a": { "X": "b" } }), json!({ "a": { "S": 1 } })] {
            assert!(map_value(&bad).is_none(), "{bad}");
        }
    }
}
