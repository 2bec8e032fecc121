//! Routes of the HTTP API, with the names of API Gateway.

use serde::Deserialize;

/// A route of the HTTP API: a method and a path, or neither for the default route.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Route {
    pub method: Option<String>,
    pub path: Option<String>,
}

impl Route {
    /// Its key, such as `GET /docs`, or `$default` for the default route.
    #[must_use]
    pub fn key(&self) -> String {
        match (&self.method, &self.path) {
            (None, None) => "$default".to_owned(),
            (method, path) => {
                let method = method.as_deref().unwrap_or("?").to_uppercase();
                format!("{method} {}", path.as_deref().unwrap_or("?"))
            }
        }
    }
}
