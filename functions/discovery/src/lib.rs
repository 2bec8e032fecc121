//! What other services need to check access tokens by themselves: the public keys, and where they are (OpenID Connect Discovery 1.0).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::CACHE_CONTROL;
use serde::Serialize;
use serde_json::Value;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::signing::JwtAlgorithm;
use user_web::extract::BaseUrl;
use user_web::problem::Problem;
use utoipa::{OpenApi, ToSchema};

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The function's routes.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/openid-configuration", get(configuration));
    user_web::serve(routes, app)
}

/// The public keys of access tokens
///
/// A JWK Set (RFC 7517, 5). It has no keys under HS256, whose key is nobody else's.
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
async fn jwks(State(app): State<App>) -> Result<Response, Problem> {
    let keys = app.keyring_in_force().await?.public_keys(app.clock.now());
    Ok(cached(&app, KeySet { keys }))
}

/// Where the public keys are
///
/// In the form of OpenID Connect Discovery 1.0. The service is no OpenID provider: it says what checking its tokens takes.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    operation_id = "configuration",
    tag = "Discovery",
    responses((
        status = 200,
        description = "The issuer and the address of its keys.",
        body = Configuration,
        headers(("cache-control" = String, description = "How long this may be kept"))
    )),
)]
async fn configuration(State(app): State<App>, BaseUrl(base): BaseUrl) -> Response {
    let body = Configuration {
        issuer: app.config.jwt_issuer.clone(),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        id_token_signing_alg_values_supported: [app.config.jwt_algorithm],
        subject_types_supported: ["public"],
        response_types_supported: [],
    };
    cached(&app, body)
}

fn cached(app: &App, body: impl Serialize) -> Response {
    let lifetime = format!("public, max-age={}", app.config.jwks_cache_seconds);
    ([(CACHE_CONTROL, lifetime)], Json(body)).into_response()
}

/// A JWK Set (RFC 7517, 5).
#[derive(Serialize, ToSchema)]
struct KeySet {
    /// JSON Web Keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<Value>,
}

/// What OpenID Connect Discovery 1.0 has for those who check tokens.
#[derive(Serialize, ToSchema)]
struct Configuration {
    /// The `iss` claim of every token.
    #[schema(example = "https://api.example.com")]
    issuer: String,
    /// Where the public keys are.
    #[schema(example = "https://api.example.com/.well-known/jwks.json")]
    jwks_uri: String,
    /// What the next key signs with.
    #[schema(value_type = Vec<String>, example = json!(["EdDSA"]))]
    id_token_signing_alg_values_supported: [JwtAlgorithm; 1],
    /// Users have one name for everybody.
    #[schema(value_type = Vec<String>, example = json!(["public"]))]
    subject_types_supported: [&'static str; 1],
    /// None: nobody signs in here on behalf of others.
    #[schema(value_type = Vec<String>, example = json!([]))]
    response_types_supported: [&'static str; 0],
}

/// The calls of this function; see [`openapi`].
#[derive(OpenApi)]
#[openapi(paths(jwks, configuration))]
struct Calls;

/// What the handlers say of themselves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Calls::openapi()
}
