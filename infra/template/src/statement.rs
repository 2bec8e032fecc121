//! Statements of roles and their conditions (IAM User Guide, "IAM JSON policy elements"), as far as the template uses them. Any other
//! effect, operator or key is an error, so that the local stack never guesses.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// The condition keys whose values the local stack finds in calls.
const KEYS: [&str; 3] = ["dynamodb:LeadingKeys", "kms:ViaService", "ses:FromAddress"];

/// Actions that are allowed on resources.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "IAM's names")]
pub struct Statement {
    pub effect: Effect,
    pub action: Vec<String>,
    pub resource: Vec<String>,
    pub condition: Option<Condition>,
}

/// The effect of a statement.
#[derive(Debug, Clone, Copy, Deserialize)]
#[expect(missing_docs, reason = "IAM's names")]
pub enum Effect {
    Allow,
}

/// When a statement applies: if each value that a call has for the key is one of these.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BTreeMap<String, BTreeMap<String, Values>>")]
pub struct Condition {
    /// For example `dynamodb:LeadingKeys`.
    pub key: String,
    /// The allowed values; with wildcards if `has_wildcards`.
    pub values: Vec<String>,
    has_wildcards: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<BTreeMap<String, BTreeMap<String, Values>>> for Condition {
    type Error = String;

    fn try_from(written: BTreeMap<String, BTreeMap<String, Values>>) -> Result<Self, String> {
        let tests =
            written.into_iter().flat_map(|(operator, keys)| keys.into_iter().map(move |key| (operator.clone(), key)));
        let [(operator, (key, values))] =
            tests.collect::<Vec<_>>().try_into().map_err(|_| "a condition has one key")?;
        let has_wildcards = match operator.trim_start_matches("ForAllValues:") {
            "StringEquals" => false,
            "StringLike" => true,
            _ => return Err(format!("the local stack does not know the operator {operator}")),
        };
        // Leading keys have one value for each item of a call, the other keys one for the whole call.
        if !KEYS.contains(&key.as_str()) || operator.starts_with("ForAllValues:") != (key == "dynamodb:LeadingKeys") {
            return Err(format!("the local stack does not know {key} with {operator}"));
        }
        let values = match values {
            Values::One(value) => vec![value],
            Values::Several(values) => values,
        };
        Ok(Self { key, values, has_wildcards })
    }
}

impl Condition {
    /// The values that match those found in a call, or `None` if the condition does not hold. A call without a value is refused here,
    /// although AWS lets it pass `ForAllValues`: it means that the local stack did not find the value.
    #[must_use]
    pub fn met_by(&self, found: &[String]) -> Option<BTreeSet<&str>> {
        let by = |found: &String| self.values.iter().find(|value| self.matches(value, found)).map(String::as_str);
        found.iter().map(by).collect::<Option<BTreeSet<_>>>().filter(|met| !met.is_empty())
    }

    fn matches(&self, value: &str, found: &str) -> bool {
        if self.has_wildcards { is_like(value.as_bytes(), found.as_bytes()) } else { value == found }
    }
}

/// `StringLike`: `*` is any text, `?` any character.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            is_like(rest, text) || text.split_first().is_some_and(|(_, text)| is_like(pattern, text))
        }
        ([wanted, pattern @ ..], [found, text @ ..]) => (*wanted == b'?' || wanted == found) && is_like(pattern, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn condition(written: Value) -> Result<Condition, String> {
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    #[test]
    fn a_condition_holds_when_every_value_of_a_call_is_one_of_its_own() {
        let written = json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["PROBE#*", "META#KEYS"] } });
        let condition = condition(written).unwrap();
        let met = |found: &[&str]| {
            let found: Vec<_> = found.iter().map(|text| (*text).to_owned()).collect();
            condition.met_by(&found).map(|met| met.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(met(&["PROBE#", "PROBE#1#2"]).unwrap(), ["PROBE#*"]);
        assert_eq!(met(&["META#KEYS", "PROBE#0"]).unwrap(), ["META#KEYS", "PROBE#*"]);
        for refused in [&["META#KEYS", "USER#1"][..], &["META#KEYS2"], &["APROBE#"], &[]] {
            assert_eq!(met(refused), None, "{refused:?}");
        }
        assert!(is_like(b"a?c*e", b"abcde") && !is_like(b"a?c", b"ac") && is_like(b"*", b""));
    }

    #[test]
    fn what_the_local_stack_cannot_test_is_refused() {
        assert!(condition(json!({ "StringEquals": { "ses:FromAddress": "a@example.com" } })).is_ok());
        for (written, word) in [
            (json!({ "StringNotLike": { "ses:FromAddress": "a" } }), "operator StringNotLike"),
            (json!({ "StringEquals": { "aws:SourceIp": "a" } }), "aws:SourceIp"),
            (json!({ "StringLike": { "dynamodb:LeadingKeys": ["a"] } }), "dynamodb:LeadingKeys with StringLike"),
            (json!({ "StringEquals": { "ses:FromAddress": "a", "kms:ViaService": "b" } }), "one key"),
        ] {
            assert!(condition(written.clone()).unwrap_err().contains(word), "{written}");
        }
    }
}
