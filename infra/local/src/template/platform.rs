//! What Lambda itself does in a function's name, as the template asks for it.

use serde::Deserialize;

/// Where a function's log goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Logging {
    pub log_group: String,
}

/// What becomes of events that nobody waits for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Invoke {
    pub destination_config: Option<Destinations>,
}

/// Where events go that a function gave up.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Destinations {
    pub on_failure: Destination,
}

/// See [`Destinations`].
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Destination {
    pub destination: String,
}
