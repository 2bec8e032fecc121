//! Problem documents (RFC 9457): the one place where an error gets its status, its code and its words.

use std::sync::Arc;

use ::http::{HeaderValue, StatusCode, header};
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, FieldError, Refusal};
use crate::http::limits;
use crate::limit::{Class, Standing};
use crate::metric;

/// The body of every error: a problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// `/problems/` and the problem's code, which is stable.
    #[schema(example = "/problems/invalid")]
    r#type: String,
    /// The code in words.
    #[schema(example = "Invalid")]
    title: String,
    /// The status of the answer.
    #[schema(example = 422)]
    status: u16,
    /// What a person should know, and could do.
    #[schema(value_type = String, example = "Some fields break a rule; see errors.")]
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
    let standing = Standing { class: Class::General, limit: 1, remaining: 0, seconds: 1, admitted: false };
    let unknown = Refusal::new("unknown-field", "").of("");
    let errors = [
        Error::Malformed,
        Error::UnknownHost,
        Error::InvalidToken,
        Error::Unauthenticated,
        Error::InvalidCredentials,
        Error::InvalidRefreshToken,
        Error::RefreshTokenReused,
        Error::EmailNotVerified,
        Error::AccountDisabled,
        Error::Forbidden,
        Error::NotFound,
        Error::MethodNotAllowed,
        Error::EmailTaken,
        Error::LastAdmin,
        Error::Stale,
        Error::TooLarge,
        Error::UnsupportedMediaType,
        Error::Invalid(Vec::new()),
        Error::Invalid(vec![unknown]),
        Error::Throttled(standing),
        Error::Unavailable,
        Error::Unhealthy(""),
        Error::Busy,
        Error::internal(""),
    ];
    let known = |error: &Error| {
        let (status, code) = kind(error);
        Known { status: status.as_u16(), code, title: title(code), detail: detail(error) }
    };
    errors.iter().map(known).collect()
}

/// An error leaves a handler as a mark on an empty response; `render` writes it, where the request's id is known.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = kind(&self).0.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// The error behind an answer that the router gave by itself, such as for a path that is no UTF-8. Answers of ours that report a
/// failure in another form carry a JSON body and stay as they are.
pub(super) fn of_status(response: &Response) -> Option<Arc<Error>> {
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    match response.status() {
        _ if json => None,
        StatusCode::PAYLOAD_TOO_LARGE => Some(Arc::new(Error::TooLarge)),
        status if status.is_client_error() => Some(Arc::new(Error::Malformed)),
        status if status.is_server_error() => Some(Arc::new(Error::internal(format!("the router answered {status}")))),
        _ => None,
    }
}

/// The code of the problem that a response tells, for the line of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

/// The problem document of `error`, keeping the headers of the response that carried it. The cause of an internal error goes to
/// the log and nowhere else.
pub(super) fn render(error: &Error, request_id: &str, carrier: &Response) -> Response {
    let (status, code) = kind(error);
    metric::ERRORS.add(&[code], 1);
    if let Error::Internal(_) = error {
        tracing::error!(request.id = %request_id, error.code = code, error.cause = %error, "internal error");
    }
    let errors = if let Error::Invalid(errors) = error { Some(errors.as_slice()) } else { None };
    let problem = Problem {
        r#type: format!("/problems/{code}"),
        title: title(code),
        status: status.as_u16(),
        detail: detail(error),
        request_id,
        errors,
    };
    let mut response = (status, carrier.headers().clone(), Json(problem)).into_response();
    response.extensions_mut().insert(Code(code));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
    match error {
        // RFC 6750, 3: what is missing, and nothing more, when no token came.
        Error::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Error::Throttled(standing) => limits::write(headers, standing),
        Error::Busy | Error::Unavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// Status and code of an error.
fn kind(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
        Error::UnknownHost => (StatusCode::BAD_REQUEST, "unknown-host"),
        Error::InvalidToken => (StatusCode::BAD_REQUEST, "invalid-token"),
        Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Error::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid-credentials"),
        Error::InvalidRefreshToken => (StatusCode::UNAUTHORIZED, "invalid-refresh-token"),
        Error::RefreshTokenReused => (StatusCode::UNAUTHORIZED, "refresh-token-reused"),
        Error::EmailNotVerified => (StatusCode::FORBIDDEN, "email-not-verified"),
        Error::AccountDisabled => (StatusCode::FORBIDDEN, "account-disabled"),
        Error::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        Error::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        Error::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
        Error::EmailTaken => (StatusCode::CONFLICT, "email-taken"),
        Error::LastAdmin => (StatusCode::CONFLICT, "last-admin"),
        Error::Stale => (StatusCode::PRECONDITION_FAILED, "stale"),
        Error::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        Error::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        Error::Invalid(errors) if names_unknown_field(errors) => (StatusCode::UNPROCESSABLE_ENTITY, "unknown-field"),
        Error::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        Error::Throttled(_) => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
        Error::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Error::Unhealthy(_) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

fn names_unknown_field(errors: &[FieldError]) -> bool {
    errors.iter().any(|error| error.code == "unknown-field")
}

/// What a person should know, and could do.
fn detail(error: &Error) -> &'static str {
    match error {
        Error::Malformed => "The path, the query or the body cannot be read; a body must be a JSON object in UTF-8.",
        Error::UnknownHost => "This service does not answer for that host.",
        Error::InvalidToken => "The token is expired, used or not meant for this. Ask for a new email.",
        Error::Unauthenticated => "A valid access token is needed: Authorization: Bearer <access_token>.",
        Error::InvalidCredentials => "The address or the password is wrong.",
        Error::InvalidRefreshToken => "The refresh token is not valid any more. Sign in again.",
        Error::RefreshTokenReused => "The refresh token had been used before, so its session was ended. Sign in again.",
        Error::EmailNotVerified => "Follow the link in the email first, or ask for a new one.",
        Error::AccountDisabled => "An administrator switched this account off.",
        Error::Forbidden => "Your account may not do this.",
        Error::NotFound => "There is no such thing.",
        Error::MethodNotAllowed => "This path does not know the method.",
        Error::EmailTaken => "There is an account with this address already.",
        Error::LastAdmin => {
            "Nobody could administer the service after this. Make somebody else an administrator first."
        }
        Error::Stale => "The record has changed. Read it again and repeat the change.",
        Error::TooLarge => "At most 64 KB are read.",
        Error::UnsupportedMediaType => "Send application/json.",
        Error::Invalid(_) => "Some fields break a rule; see errors.",
        Error::Throttled(_) => "Too many requests. Come again after the seconds in Retry-After.",
        Error::Unavailable => "This cannot be done just now. Try again.",
        Error::Unhealthy(_) => "A part that this service needs does not answer.",
        Error::Busy => "Too many changes at once; nothing was changed. Try again.",
        Error::Internal(_) => "Something went wrong on our side; the request id helps to find it.",
    }
}

/// The code in words: `email-taken` is `Email taken`.
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    words.get(..1).map(str::to_uppercase).unwrap_or_default() + words.get(1..).unwrap_or_default()
}
