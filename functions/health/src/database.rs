//! `GET /health/db`: whether the table of record answers.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use user_app::App;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::checks::{self, Memory};
use crate::latency;

/// The table of record answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct DatabaseHealth {
    #[schema(value_type = String, pattern = "^healthy$", example = "healthy")]
    status: &'static str,
    #[schema(value_type = String, pattern = "^connected$", example = "connected")]
    database: &'static str,
    /// How long the check took, in milliseconds.
    #[schema(example = 1.25)]
    latency_ms: f64,
    /// When this was found.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    timestamp: String,
}

/// Does the table of record answer?
///
/// By a real read, at most five seconds ago.
#[utoipa::path(
    get,
    path = "/api/v1/health/db",
    operation_id = "healthOfDatabase",
    tag = "Health",
    responses((status = 200, description = "The table answers.", body = DatabaseHealth)),
    extensions(("x-problems" = json!(["unhealthy"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(memory): Extension<Arc<Memory>>,
) -> Result<Json<DatabaseHealth>, Problem> {
    let check = checks::database(&app, &memory).await;
    let latency_ms = latency("database", &check)?;
    let (status, database, timestamp) = ("healthy", "connected", check.checked_at.to_string());
    Ok(Json(DatabaseHealth { status, database, latency_ms, timestamp }))
}
