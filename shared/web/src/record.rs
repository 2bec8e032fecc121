//! The record of a request: one log line, and its metrics.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use user_telemetry::usage::Usage;
use user_telemetry::{log, metric};

use crate::extract::{request_id, source_address};
use crate::problem::document::Code;

/// What is known about a request before it is answered.
pub(super) struct Record {
    /// The gateway's identifier for it.
    pub(super) id: String,
    /// What the request uses.
    pub(super) usage: Arc<Usage>,
    method: &'static str,
    /// The path of the template, such as `/api/v1/users/{user_id}`.
    route: String,
    trace: Option<String>,
    /// The caller's address, as the gateway saw it or the edge sent it.
    source: Option<String>,
    started: Instant,
}

impl Record {
    pub(super) fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        Self {
            id: request_id(request),
            usage: Arc::default(),
            method: method(request),
            route: route.to_owned(),
            trace: trace(request),
            source: source_address(request),
            started: Instant::now(),
        }
    }

    /// Counts the request and writes its line. Only the line of a refused request (4xx) has the caller's address.
    pub(super) fn close(self, response: &Response) {
        let status = response.status().as_u16();
        let seconds = self.started.elapsed().as_secs_f64();
        metric::HTTP_SECONDS.record(&[self.method, &self.route], seconds);
        metric::HTTP_REQUESTS.add(&[self.method, &self.route, &format!("{}xx", status / 100)], 1);
        metric::HTTP_FAILURES.add(&[], u64::from(response.status().is_server_error()));
        tracing::info!(
            target: log::REQUEST,
            {
                request.id = self.id,
                trace.id = self.trace,
                http.method = self.method,
                http.route = self.route,
                http.status = status,
                problem.code = response.extensions().get::<Code>().map(|code| code.0),
                duration_ms = (seconds * 1_000_000.0).round() / 1000.0,
                source.address = self.source.filter(|_| response.status().is_client_error()),
                user.id = self.usage.user().map(user_core::id::UserId::as_str),
                dynamodb.calls = self.usage.calls(),
                dynamodb.units = self.usage.units(),
            },
            "request"
        );
        metric::answered();
    }
}

/// The method, if it is one that routes can have. Others are texts of the client's choice.
fn method(request: &Request) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.into_iter().find(|method| *method == request.method().as_str()).unwrap_or("other")
}

/// The trace of the request, from `traceparent` (W3C Trace Context, 3.2) or `X-Amzn-Trace-Id`; anything else is dropped.
fn trace(request: &Request) -> Option<String> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let w3c = header("traceparent").and_then(|value| value.split('-').nth(1));
    let xray = || header("x-amzn-trace-id")?.split(';').find_map(|part| part.trim().strip_prefix("Root="));
    let harmless =
        |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    w3c.filter(harmless).or_else(|| xray().filter(harmless)).map(str::to_owned)
}
