//! Pages of a list.

use serde::Serialize;
use user_core::error::Refusal;
use utoipa::{IntoParams, ToSchema};

use crate::body::Fields;
use crate::query::Parameters;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 100;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required, example = "MDE5M2E1Yi4uLg.c2lnbmF0dXJl")]
    pub next_cursor: Option<String>,
}

/// Which page of a list to show.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Place {
    /// How many entries a page holds; 50 by default
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, example = 20)]
    pub limit: usize,
    /// `next_cursor` of the page before
    pub cursor: Option<String>,
}

impl Parameters for Place {
    fn read(fields: &mut Fields) -> Option<Self> {
        let limit = fields.parameter("limit", limit);
        let cursor = fields.parameter("cursor", |text| Ok(text.to_owned()));
        Some(Self { limit: limit?.unwrap_or(LIMIT_DEFAULT), cursor: cursor? })
    }
}

fn limit(text: &str) -> Result<usize, Refusal> {
    let number = text.parse().ok().filter(|number| (1..=LIMIT_MAX).contains(number));
    number.ok_or_else(|| Refusal::new("out-of-range", "a number from 1 to 100 is needed"))
}
