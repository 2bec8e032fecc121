//! `GET /health`: whether the service runs.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use user_app::App;
use user_core::clock::Timestamp;
use utoipa::ToSchema;

/// What the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct About {
    /// `healthy` or `unhealthy`.
    #[schema(value_type = String, pattern = "^(un)?healthy$", example = "healthy")]
    status: &'static str,
    /// When this was found.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    timestamp: String,
    /// The project's name.
    #[schema(example = "Coffee Shop API")]
    service: String,
    #[schema(example = "0.1.0")]
    version: String,
    /// `development`, `staging` or `production`.
    #[schema(example = "production")]
    environment: String,
}

impl About {
    pub(crate) fn of(app: &App, healthy: bool, at: Timestamp) -> Self {
        Self {
            status: if healthy { "healthy" } else { "unhealthy" },
            timestamp: at.to_string(),
            service: app.config.project_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: app.config.environment.to_string(),
        }
    }
}

/// Does the service run?
///
/// No input or output, so that it tells only whether the function runs. Health checks are not rate limited.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "health",
    tag = "Health",
    responses((status = 200, description = "The function runs.", body = About)),
)]
pub(crate) async fn handle(State(app): State<App>) -> Json<About> {
    Json(About::of(&app, true, app.clock.now()))
}
