//! What other services need to check access tokens by themselves: the public keys, and where they are (OpenID Connect Discovery 1.0).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::CACHE_CONTROL;
use serde_json::{Value, json};
use user_core::app::App;
use user_core::http::extract::BaseUrl;

/// The function's routes.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/openid-configuration", get(configuration));
    user_core::http::serve(routes, app)
}

/// `GET /.well-known/jwks.json`: a JWK Set (RFC 7517, 5). It has no keys under HS256, whose key is nobody else's.
async fn jwks(State(app): State<App>) -> Response {
    let keys = app.keyring_in_force().await.public_keys(app.clock.now());
    cached(&app, json!({ "keys": keys }))
}

/// `GET /.well-known/openid-configuration`. The service is no OpenID provider: it says what checking its tokens takes.
async fn configuration(State(app): State<App>, BaseUrl(base): BaseUrl) -> Response {
    let body = json!({
        "issuer": app.config.jwt_issuer,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": [app.config.jwt_algorithm],
        "subject_types_supported": ["public"],
        "response_types_supported": [],
    });
    cached(&app, body)
}

fn cached(app: &App, body: Value) -> Response {
    let lifetime = format!("public, max-age={}", app.config.jwks_cache_seconds);
    ([(CACHE_CONTROL, lifetime)], Json(body)).into_response()
}
