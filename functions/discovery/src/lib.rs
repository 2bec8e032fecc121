//! What other services need to check access tokens by themselves: the public keys, and where they are (OpenID Connect Discovery 1.0).

mod configuration;
mod jwks;

use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header::CACHE_CONTROL;
use serde::Serialize;
use user_app::App;
use user_app::keyring::KeyUse;

user_web::calls! {
    App;
    any query: jwks, configuration;
}

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The function's routes.
pub fn router(app: App) -> Router {
    user_web::serve(routes(), app)
}

fn cached(app: &App, body: impl Serialize) -> Response {
    let lifetime = format!("public, max-age={}", app.config.jwks_cache_seconds);
    ([(CACHE_CONTROL, lifetime)], Json(body)).into_response()
}
