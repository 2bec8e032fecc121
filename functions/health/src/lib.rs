//! Health checks: whether the service runs, and whether its dependencies work.

mod checks;
mod kept;
mod mail;

use std::sync::Arc;
use std::time::Duration;

use ::http::StatusCode;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde::Serialize;
use serde_json::{Map, Value};
use transport::Transport;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_web::problem::Problem;
use utoipa::{OpenApi, ToSchema};

use checks::{Check, Memory};
use mail::Mail;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The time after which all checks of a call have ended.
const DEADLINE: Duration = Duration::from_secs(2);

/// The function's routes.
pub fn router(app: App, transport: Transport) -> Router {
    let routes = Router::new()
        .route("/api/v1/health", get(alive))
        .route("/api/v1/health/db", get(database))
        .route("/api/v1/health/cache", get(cache))
        .route("/api/v1/health/full", get(full));
    user_web::serve(routes.layer(Extension(Arc::new(Memory::new(Mail::new(transport))))), app)
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
async fn alive(State(app): State<App>) -> Json<About> {
    Json(About::of(&app, true, app.clock.now()))
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
async fn database(
    State(app): State<App>,
    Extension(memory): Extension<Arc<Memory>>,
) -> Result<Json<DatabaseHealth>, Problem> {
    let check = checks::database(&app, &memory).await;
    let latency_ms = latency("database", &check)?;
    let (status, database, timestamp) = ("healthy", "connected", check.checked_at.to_string());
    Ok(Json(DatabaseHealth { status, database, latency_ms, timestamp }))
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
async fn cache(
    State(app): State<App>,
    Extension(memory): Extension<Arc<Memory>>,
) -> Result<Json<CacheHealth>, Problem> {
    let check = checks::cache(&app, &memory).await;
    let latency_ms = latency("cache", &check)?;
    let (status, cache, timestamp) = ("healthy", "connected", check.checked_at.to_string());
    Ok(Json(CacheHealth { status, cache, latency_ms, timestamp }))
}

/// How long a successful check took, in milliseconds; [`Problem::Unhealthy`] for a failed one.
fn latency(name: &'static str, check: &Check) -> Result<f64, Problem> {
    let latency = check.details.get("latency_ms").and_then(Value::as_f64);
    latency.filter(|_| check.healthy).ok_or(Problem::Unhealthy(name))
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
async fn full(State(app): State<App>, Extension(memory): Extension<Arc<Memory>>) -> Response {
    let checks = Box::pin(checks::all(&app, &memory)).await;
    let oldest = checks.iter().map(|(_, check)| check.checked_at).min();
    let healthy = checks.iter().all(|(_, check)| check.healthy);
    let checks = checks.into_iter().map(|(name, check)| (name.to_owned(), check.into())).collect();
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Full { about: About::of(&app, healthy, oldest.unwrap_or(app.clock.now())), checks })).into_response()
}

/// What the service is.
#[derive(Serialize, ToSchema)]
struct About {
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
    fn of(app: &App, healthy: bool, at: Timestamp) -> Self {
        Self {
            status: if healthy { "healthy" } else { "unhealthy" },
            timestamp: at.to_string(),
            service: app.config.project_name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: app.config.environment.to_string(),
        }
    }
}

/// The table of record answers.
#[derive(Serialize, ToSchema)]
struct DatabaseHealth {
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

/// The table of sessions answers.
#[derive(Serialize, ToSchema)]
struct CacheHealth {
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

/// What the service is, and the outcome of every check.
#[derive(Serialize, ToSchema)]
struct Full {
    #[serde(flatten)]
    about: About,
    /// By name: `database`, `cache`, `email`, `signing_keys`, `cleanup`.
    #[schema(value_type = std::collections::BTreeMap<String, Check>)]
    checks: Map<String, Value>,
}

/// The calls of this function; see [`openapi`].
#[derive(OpenApi)]
#[openapi(paths(alive, database, cache, full))]
struct Calls;

/// The handlers' own descriptions.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Calls::openapi()
}
