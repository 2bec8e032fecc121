//! What of a message may be shown: nothing that may be an address or a token, and nothing that a terminal takes for a command.

use serde_json::{Value, json};

/// What of an event may be shown: names and kinds. Everything else may be an address or a token.
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

/// A word of an error that is longer may be a token.
const LONGEST_WORD: usize = 40;

/// A value of an event below the name `key`; a list is below the name of its own.
pub(super) fn shown(value: &Value, key: &str) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), shown(value, key))).collect(),
        Value::Array(values) => values.iter().map(|value| shown(value, key)).collect(),
        Value::String(text) if !SHOWN.contains(&key) || text.contains('@') => json!("..."),
        other => other.clone(),
    }
}

/// A text that can be written to a terminal: whoever can write into the queue must not be able to write there what he likes.
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
