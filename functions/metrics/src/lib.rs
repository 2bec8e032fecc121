//! The metrics of all functions, as Prometheus reads them. An instance does not know the counts of others, and most instances end before a
//! scrape, so the numbers come from `CloudWatch`, to which all functions write.

mod cloudwatch;
mod text;
mod token;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use tokio::sync::Mutex;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_web::problem::Problem;
use utoipa::OpenApi;

pub use cloudwatch::Source;

use token::Token;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Nothing;

/// Prometheus' text format, version 0.0.4.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long a text is reused, in seconds; every query to `CloudWatch` is charged.
const CACHE_SECONDS: i64 = 60;

/// The state that an instance keeps between two scrapes.
struct Metrics {
    source: Source,
    token: Token,
    /// The last text and when it was made. It is locked while a new one is made, so that two concurrent scrapes make one text.
    shown: Mutex<Option<(Timestamp, String)>>,
}

/// The function's routes.
pub fn router(app: App, source: Source) -> Router {
    let metrics = Metrics { source, token: Token::default(), shown: Mutex::default() };
    let routes = Router::new().route("/metrics", get(show)).layer(Extension(Arc::new(metrics)));
    user_web::serve(routes, app)
}

/// The metrics of all functions
///
/// In Prometheus' text format. It takes the collector's token, the value of the stack's metrics secret; in development nobody needs it.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "Metrics",
    responses((
        status = 200,
        description = "Counters and summaries of the day so far, gauges as of now.",
        content_type = "text/plain; version=0.0.4; charset=utf-8",
        body = String,
        example = json!("# HELP http_requests_total Requests\n# TYPE http_requests_total counter\n")
    )),
    security(("metrics" = [])),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
async fn show(
    State(app): State<App>,
    Extension(metrics): Extension<Arc<Metrics>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    metrics.token.check(&app, &headers).await?;
    let text = Box::pin(metrics.text(&app)).await?;
    Ok(([(CONTENT_TYPE, FORMAT)], text).into_response())
}

/// The calls of this function; see [`openapi`].
#[derive(OpenApi)]
#[openapi(paths(show))]
struct Calls;

/// The handlers' own descriptions.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Calls::openapi()
}

impl Metrics {
    async fn text(&self, app: &App) -> Result<String, Problem> {
        let now = app.clock.now();
        let mut shown = self.shown.lock().await;
        if let Some((_, text)) = shown.as_ref().filter(|(made_at, _)| now.since(*made_at) < CACHE_SECONDS) {
            return Ok(text.clone());
        }
        let text = text::write(&self.source.samples(&app.config, now).await?);
        *shown = Some((now, text.clone()));
        Ok(text)
    }
}
