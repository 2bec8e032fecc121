//! Cursors of pages: opaque, bound to the query they belong to, and authenticated.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use user_core::error::Refusal;
use user_web::problem::Problem;

use crate::App;

/// The version of the form of cursors; those of another version are refused.
const VERSION: &str = "1";

/// The cursor of `place` in the list that `query` describes.
///
/// # Errors
/// [`Problem::Unavailable`] while there are no keys to authenticate it with.
pub fn cursor(app: &App, query: &str, place: &str) -> Result<String, Problem> {
    let tag = app.keyring()?.sign_cursor(message(query, place).as_bytes(), app.clock.now());
    Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(place), URL_SAFE_NO_PAD.encode(tag)))
}

/// The place that a cursor of the same query names.
///
/// # Errors
/// [`Problem::Invalid`] when this service did not make the cursor for this query; [`Problem::Unavailable`] as [`cursor`].
pub fn place(app: &App, query: &str, cursor: &str) -> Result<String, Problem> {
    let keyring = app.keyring()?;
    let read = || {
        let (place, tag) = cursor.split_once('.')?;
        let place = String::from_utf8(URL_SAFE_NO_PAD.decode(place).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        keyring.holds_cursor(message(query, &place).as_bytes(), &tag, app.clock.now()).then_some(place)
    };
    read().ok_or_else(|| {
        Problem::invalid(
            "cursor",
            Refusal::new("invalid-cursor", "take the cursor from the page before, with the same filters"),
        )
    })
}

fn message(query: &str, place: &str) -> String {
    format!("{VERSION}\n{query}\n{place}")
}
