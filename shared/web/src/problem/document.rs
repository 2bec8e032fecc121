//! Problem documents (RFC 9457): the one place where a problem gets its status, its code and its words.

use std::sync::Arc;

use ::http::{HeaderValue, StatusCode, header};
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use user_core::access::FRESH_SECONDS;
use user_core::client::Scope;
use user_core::error::{FieldError, Refusal, in_words};
use user_core::limit::RateLimitState;
use user_telemetry::metric;
use utoipa::ToSchema;

use super::Problem;
use crate::rate_limit;

/// The body of every error: a problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document<'a> {
    /// `/problems/` and the problem's code, which is stable.
    #[schema(example = "/problems/invalid")]
    r#type: String,
    /// The code in words.
    #[schema(example = "Invalid")]
    title: String,
    /// The status of the answer.
    #[schema(example = 422)]
    status: u16,
    /// What happened, and what a person can do about it.
    #[schema(value_type = String, example = "Some fields are invalid; see errors.")]
    detail: &'static str,
    /// The request's name in the logs, as in `x-request-id`.
    #[schema(value_type = String, example = "k3v9x2m7q1w8z5t4")]
    request_id: &'a str,
    /// Every field that was refused.
    #[schema(value_type = Vec<FieldError>, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a [FieldError]>,
}

/// A kind of problem, for the documentation.
pub struct Known {
    /// The status of the answer.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// The code in words.
    pub title: String,
    /// What it says to people.
    pub detail: &'static str,
}

/// Every problem that an answer can hold, each with the status and the words that `render` gives it.
#[must_use]
pub fn catalogue() -> Vec<Known> {
    let unknown = Refusal::new("unknown-field", "").of("");
    let problems = [
        Problem::Malformed,
        Problem::UnknownHost,
        Problem::InvalidToken,
        Problem::Unauthenticated,
        Problem::StepUpRequired,
        Problem::InvalidCredentials,
        Problem::InvalidRefreshToken,
        Problem::RefreshTokenReused,
        Problem::EmailNotVerified,
        Problem::AccountDisabled,
        Problem::Forbidden,
        Problem::InsufficientScope(Scope::Account),
        Problem::NotFound,
        Problem::MethodNotAllowed,
        Problem::EmailTaken,
        Problem::LastAdmin,
        Problem::Stale,
        Problem::TooLarge,
        Problem::UnsupportedMediaType,
        Problem::Invalid(Vec::new()),
        Problem::Invalid(vec![unknown]),
        Problem::Throttled(RateLimitState::wait(1)),
        Problem::Unavailable,
        Problem::Unhealthy(""),
        Problem::Busy,
        Problem::internal(""),
    ];
    let known = |problem: &Problem| {
        let (status, code) = kind(problem);
        Known { status: status.as_u16(), code, title: title(code), detail: detail(problem) }
    };
    problems.iter().map(known).collect()
}

/// A problem leaves a handler as a mark on an empty response; `render` writes it, where the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = kind(&self).0.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The code of the problem that a response tells, for the line of the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

/// The document of `problem`, keeping the headers of the response that carried it. The cause of an internal error goes to
/// the log and nowhere else.
pub(crate) fn render(problem: &Problem, request_id: &str, carrier: &Response) -> Response {
    let (status, code) = kind(problem);
    metric::ERRORS.add(&[code], 1);
    if let Problem::Internal(cause) = problem {
        tracing::error!(request.id = %request_id, error.code = code, error.cause = in_words(cause), "internal error");
    }
    let errors = if let Problem::Invalid(errors) = problem { Some(errors.as_slice()) } else { None };
    let document = Document {
        r#type: format!("/problems/{code}"),
        title: title(code),
        status: status.as_u16(),
        detail: detail(problem),
        request_id,
        errors,
    };
    let mut response = (status, carrier.headers().clone(), Json(document)).into_response();
    response.extensions_mut().insert(Code(code));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
    if let Some(challenge) = challenge(problem).and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    match problem {
        Problem::Throttled(state) => rate_limit::write(headers, state),
        Problem::Busy | Problem::Unavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// What a better token would need (RFC 6750, 3; RFC 9470, 3). It says nothing of a token that is not valid, as if none had come.
fn challenge(problem: &Problem) -> Option<String> {
    match problem {
        Problem::Unauthenticated => Some("Bearer".to_owned()),
        Problem::StepUpRequired => {
            Some(format!("Bearer error=\"insufficient_user_authentication\", max_age=\"{FRESH_SECONDS}\""))
        }
        Problem::InsufficientScope(scope) => {
            Some(format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
        }
        _ => None,
    }
}

/// Status and code of a problem.
fn kind(problem: &Problem) -> (StatusCode, &'static str) {
    match problem {
        Problem::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
        Problem::UnknownHost => (StatusCode::BAD_REQUEST, "unknown-host"),
        Problem::InvalidToken => (StatusCode::BAD_REQUEST, "invalid-token"),
        Problem::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Problem::StepUpRequired => (StatusCode::UNAUTHORIZED, "step-up-required"),
        Problem::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid-credentials"),
        Problem::InvalidRefreshToken => (StatusCode::UNAUTHORIZED, "invalid-refresh-token"),
        Problem::RefreshTokenReused => (StatusCode::UNAUTHORIZED, "refresh-token-reused"),
        Problem::EmailNotVerified => (StatusCode::FORBIDDEN, "email-not-verified"),
        Problem::AccountDisabled => (StatusCode::FORBIDDEN, "account-disabled"),
        Problem::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        Problem::InsufficientScope(_) => (StatusCode::FORBIDDEN, "insufficient-scope"),
        Problem::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        Problem::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        Problem::EmailTaken => (StatusCode::CONFLICT, "email-taken"),
        Problem::LastAdmin => (StatusCode::CONFLICT, "last-admin"),
        Problem::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
        Problem::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        Problem::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        Problem::Invalid(errors) if names_unknown_field(errors) => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-field"),
        Problem::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Problem::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
        Problem::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Problem::Unhealthy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        Problem::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Problem::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

fn names_unknown_field(errors: &[FieldError]) -> bool {
    errors.iter().any(|error| error.code == "unknown-field")
}

/// What happened, and what a person can do about it.
fn detail(problem: &Problem) -> &'static str {
    match problem {
        Problem::Malformed => {
            "The path, the query or the body cannot be parsed. A body must be a JSON object in UTF-8."
        }
        Problem::UnknownHost => "This service does not serve the host that the request names.",
        Problem::InvalidToken => {
            "The token is expired, already used or issued for another purpose. Request a new email."
        }
        Problem::Unauthenticated => "A valid access token is required: Authorization: Bearer <access_token>.",
        Problem::StepUpRequired => {
            "You signed in too long ago for this. Send the password with the request, or step up: POST /api/v1/auth/step-up."
        }
        Problem::InvalidCredentials => "The email address or the password is wrong.",
        Problem::InvalidRefreshToken => "The refresh token is no longer valid. Sign in again.",
        Problem::RefreshTokenReused => "The refresh token was used before, so its session was ended. Sign in again.",
        Problem::EmailNotVerified => {
            "The email address is not verified. Follow the link in the email, or request a new one."
        }
        Problem::AccountDisabled => "An administrator deactivated this account.",
        Problem::Forbidden => "Your account does not have permission to do this.",
        Problem::InsufficientScope(_) => "The scope of the access token does not cover this.",
        Problem::NotFound => "The requested resource does not exist.",
        Problem::MethodNotAllowed => "This path does not support the method.",
        Problem::EmailTaken => "An account with this email address already exists.",
        Problem::LastAdmin => {
            "This would leave the service without an administrator. Make another user an administrator first."
        }
        Problem::Stale => "The record has changed. Read it again and repeat the change.",
        Problem::TooLarge => "A body may have at most 64 KB.",
        Problem::UnsupportedMediaType => "The content type must be application/json.",
        Problem::Invalid(_) => "Some fields are invalid; see errors.",
        Problem::Throttled(_) => "Too many requests. Try again after the number of seconds in Retry-After.",
        Problem::Unavailable => "The service cannot do this at the moment. Try again.",
        Problem::Unhealthy(_) => "A service that this one depends on does not respond.",
        Problem::Busy => "Too many concurrent changes; nothing was changed. Try again.",
        Problem::Internal(_) => "An unexpected error occurred. The request id identifies it in the logs.",
    }
}

/// The code in words: `email-taken` is `Email taken`.
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    words.get(..1).map(str::to_uppercase).unwrap_or_default() + words.get(1..).unwrap_or_default()
}
