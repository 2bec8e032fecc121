//! Pages of a list.

use serde::Serialize;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required, example = "MDE5M2E1Yi4uLg.c2lnbmF0dXJl")]
    pub next_cursor: Option<String>,
}
