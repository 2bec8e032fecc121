//! Arguments of handlers from the head of a request.

use std::convert::Infallible;

use ::http::request::Parts;
use ::http::{Extensions, HeaderMap, header};
use axum::extract::{FromRequestParts, Request};
use lambda_http::request::RequestContext;
use serde::de::DeserializeOwned;
use user_core::language::Language;
use user_core::session::Origin;
use user_core::user::User;
use utoipa::IntoParams;

use crate::problem::Problem;

/// The token of `Authorization: Bearer` (RFC 6750, 2.1); `None` if there are two such headers.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The origin of a request. The address is the one that the gateway saw, or that the edge sent (`edge.rs`); no other header counts.
pub struct RequestOrigin(pub Origin);

impl<S: Send + Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let context = context(&parts.extensions);
        let ip = context.and_then(|context| context.http.source_ip.clone()).unwrap_or_default();
        let request_id = context.and_then(|context| context.request_id.clone()).unwrap_or_default();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Origin { ip, request_id, user_agent: agent.unwrap_or_default().to_owned() }))
    }
}

/// The language that the caller prefers (`Accept-Language`) among those of the emails.
pub struct AcceptLanguage(pub Language);

impl<S: Send + Sync> FromRequestParts<S> for AcceptLanguage {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self(Language::accepted(header.unwrap_or_default())))
    }
}

/// The base URL by which the caller reached the service, such as `https://api.example.com`, as the gateway saw it.
pub struct BaseUrl(pub String);

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // API Gateway sets it, whatever the client sent; the local gateway, which uses plain HTTP, has none.
        let https = parts.headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
        let host = context(&parts.extensions).and_then(|context| context.domain_name.clone()).unwrap_or_default();
        if https {
            return Ok(Self(format!("https://{host}")));
        }
        // `sam local start-api` gives the host name alone; the port is in a header.
        let port = parts.headers.get("x-forwarded-port").and_then(|value| value.to_str().ok()?.parse::<u16>().ok());
        let port = port.filter(|_| !host.contains(':')).map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("http://{host}{port}")))
    }
}

/// The parameters of a path, as [`axum::extract::Path`] reads them; a path that is not UTF-8 is [`Problem::Malformed`].
pub struct Path<T>(pub T);

#[expect(clippy::disallowed_types, reason = "this is what is used instead")]
impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(parameters)) => Ok(Self(parameters)),
            Err(rejection) if rejection.status().is_client_error() => Err(Problem::Malformed),
            // The handler does not fit its path.
            Err(rejection) => Err(Problem::internal(rejection.body_text())),
        }
    }
}

/// The condition of `If-Match` (RFC 9110, 13.1.1).
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IfMatch {
    /// The `ETag` that the record must still have
    #[param(rename = "if-match", example = "\"3\"")]
    tags: Option<String>,
}

impl IfMatch {
    /// Succeeds when there is no condition or `user` meets it.
    ///
    /// # Errors
    /// [`Problem::Stale`] when `user` does not meet it.
    pub fn check(&self, user: &User) -> Result<(), Problem> {
        let etag = user.etag();
        let holds = |tags: &String| tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag);
        if self.tags.as_ref().is_none_or(holds) { Ok(()) } else { Err(Problem::Stale) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tags: Vec<_> =
            parts.headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or("")).collect();
        Ok(Self { tags: (!tags.is_empty()).then(|| tags.join(",")) })
    }
}

/// The gateway's identifier for the request; empty when there is no gateway.
pub(super) fn request_id(request: &Request) -> String {
    context(request.extensions()).and_then(|context| context.request_id.clone()).unwrap_or_default()
}

/// The address that the request came from, as the gateway saw it or the edge sent it; no other header counts.
pub(super) fn source_address(request: &Request) -> Option<String> {
    context(request.extensions())?.http.source_ip.clone()
}

fn context(extensions: &Extensions) -> Option<&lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}
