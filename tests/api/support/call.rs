//! Requests and answers of the tests.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use local::server::dispatch;
use serde_json::Value;

use super::{Contract, TestApp};

/// An answer of the service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) json: Value,
}

impl Answer {
    /// The code of a problem document, whose format is checked.
    pub(crate) fn problem(&self) -> (u16, &str) {
        let json = &self.json;
        assert_eq!(self.header("content-type"), "application/problem+json", "{json}");
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        let code = json["type"].as_str().unwrap().strip_prefix("/problems/").unwrap();
        (self.status.as_u16(), code)
    }

    /// The fields of a problem document's errors with their codes.
    pub(crate) fn errors(&self) -> Vec<(&str, &str)> {
        let errors = self.json["errors"].as_array().unwrap();
        errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.json)).to_owned()
    }
}

/// The claims of a token, whose signature is not checked.
pub(crate) fn claims(token: &str) -> Value {
    let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&part).unwrap()
}

/// The service's part of a request: `tests/bench/work.py` counts the work that is done here.
struct Served<F>(Pin<Box<F>>);

impl<F: Future> Future for Served<F> {
    type Output = F::Output;

    #[inline(never)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

/// A request that is not sent yet.
pub(crate) struct Call<'a> {
    pub(super) app: &'a TestApp,
    pub(crate) request: http::request::Builder,
    pub(super) body: Bytes,
    pub(super) source: Ipv4Addr,
}

impl Call<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn from(mut self, source: [u8; 4]) -> Self {
        self.source = source.into();
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    #[expect(clippy::needless_pass_by_value, reason = "`json!` is written in its place")]
    pub(crate) fn json(self, body: Value) -> Self {
        super::trap::watch(&body);
        self.raw("application/json", body.to_string())
    }

    pub(crate) fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.raw("application/x-www-form-urlencoded", body)
    }

    pub(crate) fn raw(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    pub(crate) async fn send(self) -> Answer {
        let request: Request<Bytes> = self.request.body(self.body).unwrap();
        let source = IpAddr::V4(self.source);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = Served(Box::pin(dispatch(&self.app.service, request, source))).await;
        let (parts, raw) = response.into_parts();
        let json = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        let answer = Answer { status: parts.status, headers: parts.headers, raw, json };
        Contract::get().check(&method, &path, &answer);
        answer
    }
}
