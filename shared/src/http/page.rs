//! Pages of a list and their cursors: opaque, bound to the query they belong to, and authenticated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Error, Refusal};

/// Cursors of another form are refused, so that the form can change.
const VERSION: &str = "1";

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    #[schema(required, example = "MDE5M2E1Yi4uLg.c2lnbmF0dXJl")]
    pub next_cursor: Option<String>,
}

/// The cursor of `place` in the list that `query` describes.
///
/// # Errors
/// [`Error::Unavailable`] while there are no keys to authenticate it with.
pub fn cursor(app: &App, query: &str, place: &str) -> Result<String, Error> {
    let tag = app.keyring()?.sign_cursor(message(query, place).as_bytes(), app.clock.now());
    Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(place), URL_SAFE_NO_PAD.encode(tag)))
}

/// The place that a cursor of the same query names.
///
/// # Errors
/// [`Error::Invalid`] when this service did not make the cursor for this query; [`Error::Unavailable`] as [`cursor`].
pub fn place(app: &App, query: &str, cursor: &str) -> Result<String, Error> {
    let keyring = app.keyring()?;
    let read = || {
        let (place, tag) = cursor.split_once('.')?;
        let place = String::from_utf8(URL_SAFE_NO_PAD.decode(place).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        keyring.holds_cursor(message(query, &place).as_bytes(), &tag, app.clock.now()).then_some(place)
    };
    read().ok_or_else(|| {
        Error::invalid(
            "cursor",
            Refusal::new("invalid-cursor", "take the cursor from the page before, with the same filters"),
        )
    })
}

fn message(query: &str, place: &str) -> String {
    format!("{VERSION}\n{query}\n{place}")
}
