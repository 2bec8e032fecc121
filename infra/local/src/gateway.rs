//! API Gateway: the routes and CORS of the HTTP API, and the answers that it gives itself.

mod event;
mod table;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use template::{Cors, Fault, Resource, Template};
use user_core::id::random;

use crate::function::{Function, is_too_long};

pub use table::Table;

/// The maximum size of a body (Amazon API Gateway quotas: 10 MB).
pub const PAYLOAD_LIMIT_BYTES: usize = 10 * 1024 * 1024;

/// The HTTP API of the template.
pub struct Gateway {
    table: Table,
    functions: BTreeMap<String, Arc<Function>>,
    cors: Cors,
}

impl Gateway {
    /// The template's routes, each leading to one of `functions`.
    ///
    /// # Errors
    /// As [`Table::of`]; if the template has no HTTP API.
    pub fn new(template: &Template, functions: &BTreeMap<String, Arc<Function>>) -> Result<Self, Fault> {
        let cors = template.resources.values().find_map(|resource| match resource {
            Resource::HttpApi { properties } => Some(properties.cors_configuration.clone()),
            _ => None,
        });
        let cors = cors.ok_or("the template has no HTTP API")?;
        Ok(Self { table: Table::of(template)?, functions: functions.clone(), cors })
    }

    /// Answers a request from `source`.
    pub async fn handle(&self, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        let method = request.method().clone();
        let id = request_id();
        let mut response = if method == Method::OPTIONS && !self.table.has_default() {
            status(StatusCode::NO_CONTENT)
        } else if request.body().len() > PAYLOAD_LIMIT_BYTES {
            too_large()
        } else {
            self.route(request, source, &id).await
        };
        if method == Method::HEAD {
            let length = HeaderValue::from(response.body().len());
            response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length);
            response.body_mut().clear();
        }
        let headers = response.headers_mut();
        if self.allow(headers, origin.as_ref()) && method == Method::OPTIONS {
            self.allow_preflight(headers);
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("apigw-requestid"), id);
        }
        response
    }

    async fn route(&self, request: Request<Bytes>, source: IpAddr, id: &str) -> Response<Bytes> {
        let found = self.table.find(request.method(), request.uri().path());
        let function = found.as_ref().and_then(|(target, _)| self.functions.get(&target.function));
        let (Some((target, path_parameters)), Some(function)) = (found, function) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = event::request(request, source, id, &target.key, path_parameters);
        if is_too_long(&event) {
            return too_large();
        }
        match function.answer(event).await.and_then(event::response) {
            Ok(response) => response,
            Err(fault) => {
                tracing::error!(request.id = id, error.cause = %fault, "a function failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// Sets the headers of a preflight's answer. The gateway gives the answer itself, unless the route `$default` takes `OPTIONS` with all
    /// other requests that have no route (Amazon API Gateway Developer Guide, "Configure CORS for HTTP APIs").
    fn allow_preflight(&self, headers: &mut HeaderMap) {
        set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &self.cors.allow_methods.join(","));
        set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &self.cors.allow_headers.join(","));
        set(headers, header::ACCESS_CONTROL_MAX_AGE, &self.cors.max_age.to_string());
    }

    /// Sets the headers that let a page of `origin` read an answer; returns whether it may.
    fn allow(&self, headers: &mut HeaderMap, origin: Option<&HeaderValue>) -> bool {
        let Some(origin) = origin.and_then(|origin| origin.to_str().ok()) else {
            return false;
        };
        let allowed = self.cors.allow_origins.iter().find(|allowed| *allowed == "*" || *allowed == origin);
        let Some(allowed) = allowed else { return false };
        set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.cors.expose_headers.join(","));
        set(headers, header::VARY, "Origin");
        true
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// An answer without a body.
fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// The answer to a request that is too long for the gateway or for Lambda.
fn too_large() -> Response<Bytes> {
    message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
}

/// An answer of the gateway itself.
fn message(code: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = status(code);
    *response.body_mut() = Bytes::from(format!("{{\"message\":\"{text}\"}}"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A request id in the gateway's format: 16 letters and digits.
pub(crate) fn request_id() -> String {
    let bytes = random::<16>().unwrap_or_default();
    bytes.iter().filter_map(|byte| char::from_digit(u32::from(byte % 36), 36)).collect()
}
