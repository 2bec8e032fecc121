//! `GET /metrics`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use user_app::App;
use user_web::problem::Problem;

use crate::Metrics;

/// Prometheus' text format, version 0.0.4.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

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
        content_type = FORMAT,
        body = String,
        example = json!("# HELP http_requests_total Requests\n# TYPE http_requests_total counter\n")
    )),
    security(("metrics" = [])),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(metrics): Extension<Arc<Metrics>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    metrics.token.check(&app, &headers).await?;
    let text = Box::pin(metrics.text(&app)).await?;
    Ok(([(CONTENT_TYPE, FORMAT)], text).into_response())
}
