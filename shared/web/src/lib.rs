//! The HTTP layer of every function: one wrapper around its routes, so that all answers have the same form.

pub mod body;
pub mod calls;
mod edge;
pub mod extract;
pub mod json;
pub mod page;
pub mod problem;
pub mod query;
pub mod rate_limit;
mod record;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::join;
use user_config::Config;
use user_core::clock::Clock;
use user_telemetry::usage;

use crate::problem::{Problem, document};
use crate::rate_limit::Ledger;
use crate::record::Record;

/// The largest body that is read, in bytes.
pub const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// The longest that an answer waits for keys that are being read again. If that takes longer, a later request reads them.
const KEYS_GRACE: Duration = Duration::from_millis(250);

/// The state of a function's routes: the parts of the service, or only the configuration if the function touches no data.
pub trait Ground: Clone + Send + Sync + 'static {
    /// The configuration.
    fn config(&self) -> &Config;
    /// Work to be done from time to time, concurrently with a request.
    fn look_after(&self) -> impl Future<Output = ()> + Send;
}

impl Ground for Arc<Config> {
    fn config(&self) -> &Config {
        self
    }

    async fn look_after(&self) {}
}

/// A function's routes with what all answers have in common: problem documents, request id, security headers, a log line, and a 500
/// instead of a panic.
pub fn serve<G: Ground>(routes: Router<G>, ground: G) -> Router {
    let routes = routes.fallback(async || Problem::NotFound);
    serve_all(routes.method_not_allowed_fallback(async || Problem::MethodNotAllowed), ground)
}

/// The same for routes that answer unknown paths and methods themselves.
pub fn serve_all<G: Ground>(routes: Router<G>, ground: G) -> Router {
    routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn_with_state(ground.clone(), answer::<G>))
        .with_state(ground)
}

async fn answer<G: Ground>(State(ground): State<G>, mut request: Request, next: Next) -> Response {
    edge::identify(&ground.config().edge_secret_sha256, &mut request);
    let record = Record::of(&request);
    let ledger = Ledger::default();
    request.extensions_mut().insert(ledger.clone());
    let mut response = if known_host(ground.config(), request.headers(), request.uri()) {
        let time_left = time_left(&request);
        let handled = usage::gather(record.usage.clone(), AssertUnwindSafe(next.run(request)).catch_unwind());
        let handled = tokio::time::timeout(time_left, handled);
        let looked_after = tokio::time::timeout(KEYS_GRACE, ground.look_after());
        let (handled, _) = join(handled, looked_after).await;
        match handled {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => Problem::internal(message_of(panic.as_ref())).into_response(),
            Err(_) => Problem::Unavailable.into_response(),
        }
    } else {
        Problem::UnknownHost.into_response()
    };
    // Every error of ours is marked. What is not marked is an answer as it should be, whatever its status and its form.
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        response = document::render(&problem, &record.id, &response);
    }
    if let Some(state) = ledger.state().filter(|_| !response.headers().contains_key("ratelimit")) {
        rate_limit::write(response.headers_mut(), &state);
    }
    common_headers(response.headers_mut(), &record.id);
    record.close(&response);
    response
}

/// The part of a function's time that is kept for answering that the time was not sufficient.
const RESERVE: Duration = Duration::from_millis(500);

/// The time until Lambda ends the request, by the system's clock, as Lambda measures it.
fn time_left(request: &Request) -> Duration {
    let deadline = request.extensions().get::<lambda_http::Context>().map_or(0, |context| context.deadline);
    let now = u64::try_from(Clock::System.now_millis()).unwrap_or(0);
    match deadline.checked_sub(now) {
        Some(left) => Duration::from_millis(left).saturating_sub(RESERVE),
        // No request begins after its deadline, so this is not one. `cargo lambda watch` sends such deadlines.
        None => Duration::MAX,
    }
}

/// The headers that every answer has (OWASP REST security cheat sheet). Headers that a handler set stay.
fn common_headers(headers: &mut HeaderMap, request_id: &str) {
    const COMMON: [(HeaderName, HeaderValue); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
        ),
    ];
    for (name, value) in COMMON {
        headers.entry(name).or_insert(value);
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

fn known_host(config: &Config, headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.host()).unwrap_or_default();
    let host = named.rsplit_once(':').map_or(named, |(host, _port)| host).to_ascii_lowercase();
    config.allowed_hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.ends_with(suffix),
        None => host == *allowed,
    })
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ::http::{StatusCode, header};
    use axum::body::{Body, to_bytes};
    use axum::routing::{get, post};
    use lambda_http::Service as _;
    use template::Template;

    use super::*;
    use crate::body::{Json, MessageBody};
    use crate::extract::Path;

    /// The configuration of a stack without settings of its own.
    fn config() -> Config {
        let template = Template::evaluate(|_| None).unwrap();
        let (_, _, function) = template.functions().next().unwrap();
        let environment = template.environment(function);
        Config::read(|name| environment.get(name).cloned()).unwrap()
    }

    /// Status, content type and text of what `routes` answer.
    pub(crate) async fn ask(routes: Router<Arc<Config>>, method: &str, uri: &str) -> (StatusCode, String, String) {
        let request = Request::builder().method(method).uri(uri).header(header::HOST, "localhost");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from("[".repeat(BODY_LIMIT_BYTES + 1))).unwrap();
        let response = serve(routes, Arc::new(config())).call(request).await.unwrap();
        let kind = response.headers().get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let (parts, body) = response.into_parts();
        assert!(parts.headers.contains_key("x-content-type-options"), "{method} {uri}");
        (parts.status, kind, String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_answer_that_is_not_marked_as_an_error_passes_whatever_it_is() {
        for status in [200, 400, 404, 413, 500, 503].map(|status| StatusCode::from_u16(status).unwrap()) {
            for kind in ["text/html; charset=utf-8", "text/plain", "application/json"] {
                let page = async move || (status, [(header::CONTENT_TYPE, kind)], "<p>A page.</p>");
                let answer = ask(Router::new().route("/page", get(page)), "GET", "/page").await;
                assert_eq!(answer, (status, kind.to_owned(), "<p>A page.</p>".to_owned()));
            }
        }
    }

    struct Nothing;

    impl crate::body::Body for Nothing {
        fn read(_: &mut crate::body::Fields) -> Option<Self> {
            Some(Self)
        }
    }

    #[tokio::test]
    async fn whatever_the_router_and_the_arguments_of_handlers_refuse_is_a_problem() {
        let routes = || {
            Router::new()
                .route("/things/{id}", get(async |Path(id): Path<String>| id))
                .route("/numbers/{id}", get(async |Path(id): Path<u8>| id.to_string()))
                .route("/many/{id}", get(async |Path((_, _)): Path<(String, String)>| ()))
                .route("/body", post(async |Json(_): Json<Nothing>| axum::Json(MessageBody { message: "" })))
                .route("/fault", get(async || -> () { panic!("a fault") }))
        };
        assert_eq!(ask(routes(), "GET", "/things/a%20b").await.2, "a b");
        for (method, uri, code) in [
            ("GET", "/nowhere", "not-found"),
            ("DELETE", "/things/1", "method-not-allowed"),
            ("GET", "/things/%FF", "malformed"),
            ("GET", "/numbers/x", "malformed"),
            ("GET", "/many/1", "internal"),
            ("POST", "/body", "too-large"),
            ("GET", "/fault", "internal"),
        ] {
            let (status, kind, body) = ask(routes(), method, uri).await;
            assert_eq!(kind, "application/problem+json", "{method} {uri}");
            assert!(
                body.contains(&format!("\"/problems/{code}\"")) && status.as_u16() >= 400,
                "{method} {uri}: {body}"
            );
        }
    }
}
