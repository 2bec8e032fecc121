//! Where what functions gave up goes, as the template writes it.

use serde::Deserialize;

/// `EventInvokeConfig` of a function.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Asynchronous {
    pub destination_config: Option<Destinations>,
    #[serde(default = "twice")]
    pub maximum_retry_attempts: u32,
}

/// How often Lambda calls again by itself.
fn twice() -> u32 {
    2
}

/// What holds without a word in the template.
impl Default for Asynchronous {
    fn default() -> Self {
        Self { destination_config: None, maximum_retry_attempts: twice() }
    }
}

/// `DestinationConfig` of a function or a mapping.
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
