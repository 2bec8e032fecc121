//! `GET /.well-known/openid-configuration`: where the public keys are.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use user_app::App;
use user_core::signing::JwtAlgorithm;
use user_core::token::AccessClaims;
use user_web::extract::BaseUrl;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::cached;

/// What OpenID Connect Discovery 1.0 has for those who check tokens.
#[derive(Serialize, ToSchema)]
struct Configuration {
    /// The `iss` claim of every token.
    #[schema(example = "https://api.example.com")]
    issuer: String,
    /// Where the public keys are.
    #[schema(example = "https://api.example.com/.well-known/jwks.json")]
    jwks_uri: String,
    /// What tokens are signed with, by the keys that are published now.
    #[schema(value_type = Vec<String>, example = json!(["ES256"]))]
    id_token_signing_alg_values_supported: Vec<JwtAlgorithm>,
    /// What an access token says (RFC 9068, 2.2).
    #[schema(value_type = Vec<String>, example = json!(["iss", "aud", "sub", "exp"]))]
    claims_supported: [&'static str; AccessClaims::NAMES.len()],
    /// `sub` is the same for every client.
    #[schema(value_type = Vec<String>, example = json!(["public"]))]
    subject_types_supported: [&'static str; 1],
    /// None: nobody signs in here on behalf of others.
    #[schema(value_type = Vec<String>, example = json!([]))]
    response_types_supported: [&'static str; 0],
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
pub(crate) async fn handle(State(app): State<App>, BaseUrl(base): BaseUrl) -> Result<Response, Problem> {
    let algorithms = app.keyring_in_force().await?.public_algorithms(app.clock.now());
    let body = Configuration {
        issuer: app.config.jwt_issuer.clone(),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        id_token_signing_alg_values_supported: algorithms,
        claims_supported: AccessClaims::NAMES,
        subject_types_supported: ["public"],
        response_types_supported: [],
    };
    Ok(cached(&app, body))
}
