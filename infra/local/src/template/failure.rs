//! Where what functions gave up goes, as the template writes it.

use serde::Deserialize;

/// `EventInvokeConfig` of a function.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Asynchronous {
    pub destination_config: Destinations,
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
