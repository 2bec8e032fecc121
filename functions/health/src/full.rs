//! `GET /health/full`: whether everything works that the service needs.

use std::sync::Arc;

use ::http::StatusCode;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Map, Value};
use user_app::App;
use utoipa::ToSchema;

use crate::alive::About;
use crate::checks::{self, Check, Memory};

/// What the service is, and the outcome of every check.
#[derive(Serialize, ToSchema)]
struct Full {
    #[serde(flatten)]
    about: About,
    /// By name: `database`, `cache`, `email`, `signing_keys`, `cleanup`.
    #[schema(value_type = std::collections::BTreeMap<String, Check>)]
    checks: Map<String, Value>,
}

/// Is everything well that the service needs?
///
/// Every check, side by side, under one deadline; each is at most five seconds old, and `timestamp` is that of the oldest. Why a check
/// fails is in the log, never in the answer.
#[utoipa::path(
    get,
    path = "/api/v1/health/full",
    operation_id = "fullHealth",
    tag = "Health",
    responses(
        (status = 200, description = "All checks passed.", body = Full),
        (status = 503, description = "A check failed.", body = Full)
    ),
)]
pub(crate) async fn handle(State(app): State<App>, Extension(memory): Extension<Arc<Memory>>) -> Response {
    let checks = Box::pin(checks::all(&app, &memory)).await;
    let oldest = checks.iter().map(|(_, check)| check.checked_at).min();
    let healthy = checks.iter().all(|(_, check)| check.healthy);
    let checks = checks.into_iter().map(|(name, check)| (name.to_owned(), check.into())).collect();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Full { about: About::of(&app, healthy, oldest.unwrap_or(app.clock.now())), checks })).into_response()
}
