//! API Gateway's part: routes and CORS of the HTTP API, and what it answers by itself.

mod event;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use user_core::id::random;

use crate::Fault;
use crate::function::Function;
use crate::template::{Cors, Resource, Template};

/// The most bytes of a body (Amazon API Gateway quotas: 10 MB).
pub const PAYLOAD_LIMIT_BYTES: usize = 10 * 1024 * 1024;

/// The HTTP API of the template.
pub struct Gateway {
    routes: HashMap<Method, matchit::Router<Target>>,
    cors: Cors,
}

/// Where a route leads.
struct Target {
    route_key: String,
    function: Arc<Function>,
}

impl Gateway {
    /// The template's routes, each leading to one of `functions`.
    ///
    /// # Errors
    /// When two routes are the same, or the template has no HTTP API.
    pub fn new(template: &Template, functions: &BTreeMap<String, Arc<Function>>) -> Result<Self, Fault> {
        let cors = template.resources.values().find_map(|resource| match resource {
            Resource::HttpApi { properties } => Some(properties.cors_configuration.clone()),
            _ => None,
        });
        let mut routes: HashMap<_, matchit::Router<_>> = HashMap::new();
        for (id, route) in template.routes() {
            let method: Method = route.method.to_uppercase().parse()?;
            let function = functions.get(id).cloned().ok_or("a route leads to no function")?;
            let target = Target { route_key: format!("{method} {}", route.path), function };
            routes.entry(method).or_default().insert(&route.path, target)?;
        }
        Ok(Self { routes, cors: cors.ok_or("the template has no HTTP API")? })
    }

    /// Answers a request that came from `source`.
    pub async fn handle(&self, request: Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        let origin = request.headers().get(header::ORIGIN).cloned();
        if request.method() == Method::OPTIONS {
            return self.preflight(origin.as_ref());
        }
        let id = request_id();
        let mut response = if request.body().len() > PAYLOAD_LIMIT_BYTES {
            message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")
        } else {
            self.route(request, source, &id).await
        };
        let headers = response.headers_mut();
        self.allow(headers, origin.as_ref());
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("apigw-requestid"), id);
        }
        response
    }

    async fn route(&self, request: Request<Bytes>, source: IpAddr, id: &str) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let Some(found) = self.routes.get(request.method()).and_then(|routes| routes.at(&path).ok()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = event::request(request, source, id, &found.value.route_key, &found.params);
        match found.value.function.answer(event).await.and_then(event::response) {
            Ok(response) => response,
            Err(fault) => {
                tracing::error!(request.id = id, error.cause = %fault, "a function failed");
                message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }

    /// The gateway answers every preflight by itself, whatever the path.
    fn preflight(&self, origin: Option<&HeaderValue>) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        if self.allow(headers, origin) {
            set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &self.cors.allow_methods.join(","));
            set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &self.cors.allow_headers.join(","));
            set(headers, header::ACCESS_CONTROL_MAX_AGE, &self.cors.max_age.to_string());
        }
        response
    }

    /// Sets the headers that let a page of `origin` read an answer; says whether it may.
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

/// An answer in the gateway's own words.
fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{{\"message\":\"{text}\"}}")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A request id of the gateway's kind: 16 letters and digits.
pub(crate) fn request_id() -> String {
    let bytes = random::<16>().unwrap_or_default();
    bytes.iter().filter_map(|byte| char::from_digit(u32::from(byte % 36), 36)).collect()
}
