//! `GET /health/cache`: whether the table of sessions answers.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use user_app::App;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::checks::{self, Memory};
use crate::latency;

/// The table of sessions answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct CacheHealth {
    #[schema(value_type = String, pattern = "^healthy$", example = "healthy")]
    status: &'static str,
    #[schema(value_type = String, pattern = "^connected$", example = "connected")]
    cache: &'static str,
    /// How long the check took, in milliseconds.
    #[schema(example = 1.25)]
    latency_ms: f64,
    /// When this was found.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    timestamp: String,
}

/// Does the table of sessions answer?
///
/// By a real write, read and delete, at most five seconds ago.
#[utoipa::path(
    get,
    path = "/api/v1/health/cache",
    operation_id = "healthOfCache",
    tag = "Health",
    responses((status = 200, description = "The table answers.", body = CacheHealth)),
    extensions(("x-problems" = json!(["unhealthy"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(memory): Extension<Arc<Memory>>,
) -> Result<Json<CacheHealth>, Problem> {
    let check = checks::cache(&app, &memory).await;
    let latency_ms = latency("cache", &check)?;
    let (status, cache, timestamp) = ("healthy", "connected", check.checked_at.to_string());
    Ok(Json(CacheHealth { status, cache, latency_ms, timestamp }))
}
