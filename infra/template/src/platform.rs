//! What Lambda does on behalf of a function, as the template configures it.

use serde::Deserialize;

/// The destination of a function's log.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Logging {
    pub log_group: Option<String>,
}

/// What happens to failed asynchronous invocations.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Invoke {
    pub destination_config: Option<Destinations>,
    #[serde(default = "twice")]
    pub maximum_retry_attempts: u32,
}

/// Lambda's default number of retries.
fn twice() -> u32 {
    2
}

/// The defaults of Lambda.
impl Default for Invoke {
    fn default() -> Self {
        Self { destination_config: None, maximum_retry_attempts: twice() }
    }
}

/// The destination of events that a function gave up.
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
