//! What Lambda itself does in a function's name, as the template asks for it.

use serde::Deserialize;

/// Where a function's log goes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Logging {
    pub log_group: Option<String>,
}

/// What becomes of calls that nobody waits for.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Invoke {
    pub destination_config: Option<Destinations>,
    #[serde(default = "twice")]
    pub maximum_retry_attempts: u32,
}

/// How often Lambda calls again by itself.
fn twice() -> u32 {
    2
}

/// What holds without a word in the template.
impl Default for Invoke {
    fn default() -> Self {
        Self { destination_config: None, maximum_retry_attempts: twice() }
    }
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
