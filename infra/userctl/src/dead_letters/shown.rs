//! The parts of a message that may be shown: no value that may be an address or a token, and no control characters for a terminal.

use serde_json::{Value, json};

/// The fields of an event whose text may be shown: names and kinds. Every other text may be an address or a token.
const SHOWN: [&str; 14] = [
    "action",
    "bounceSubType",
    "bounceType",
    "complaintFeedbackType",
    "detail-type",
    "eventType",
    "id",
    "kind",
    "letter",
    "region",
    "source",
    "status",
    "time",
    "version",
];

/// A longer word of an error may be a token.
const LONGEST_WORD: usize = 40;

/// The shown form of an event's value under the name `key`; elements of a list have the name of the list.
pub(super) fn shown(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shown(value, key))).collect(),
        Value::Array(values) => values.iter().map(|value| shown(value, key)).collect(),
        Value::String(text) if !SHOWN.contains(&key) || text.contains('@') => json!("..."),
        other => other.clone(),
    }
}

/// A text that is safe for a terminal, so that nobody who can write to the queue controls the operator's terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The words of an error without those that may be an address or a token.
pub(super) fn without_secrets(why: &str) -> String {
    let safe = |word: &str| !word.contains('@') && word.len() <= LONGEST_WORD;
    let words = why.split_whitespace().map(|word| if safe(word) { word } else { "..." });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_addresses_nor_tokens_are_shown() {
        let long = "e".repeat(41);
        assert_eq!(without_secrets(&format!("no ann@example.com or {long} here")), "no ... or ... here");
        let event = json!({
            "source": "aws.ses", "id": "ann@example.com",
            "detail": { "mail": { "destination": ["ann@example.com"], "tags": { "letter": ["0198"] } } },
        });
        let shown = shown(&event, "");
        assert_eq!(shown["detail"]["mail"], json!({ "destination": ["..."], "tags": { "letter": ["0198"] } }));
        assert_eq!((&shown["source"], &shown["id"]), (&json!("aws.ses"), &json!("...")));
    }
}
