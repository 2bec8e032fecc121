//! `GET /.well-known/jwks.json`: the public keys of access tokens.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use user_app::App;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::cached;

/// A JWK Set (RFC 7517, 5).
#[derive(Serialize, ToSchema)]
struct KeySet {
    /// JSON Web Keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// The public keys of access tokens
///
/// A JWK Set (RFC 7517, 5). Keys of HS256 are not among them: they are secret.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "jwks",
    tag = "Discovery",
    responses((
        status = 200,
        description = "The keys that tokens are signed by now, and those that come next or are not yet forgotten.",
        body = KeySet,
        headers(("cache-control" = String, description = "How long the keys may be kept")),
        example = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig", "alg": "EdDSA", "kid": "2026-11" }] })
    )),
)]
pub(crate) async fn handle(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.keyring_in_force().await?.public_keys(app.clock.now());
    Ok(cached(&app, KeySet { keys }))
}
