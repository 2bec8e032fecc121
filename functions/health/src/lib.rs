//! Health checks: whether the service lives, and whether what it needs does.

mod checks;

use std::time::Duration;

use ::http::StatusCode;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Map, Value, json};
use transport::Transport;
use user_core::app::App;
use user_core::error::Error;
use user_core::http;

use checks::Check;

/// All checks of one call are over after this time.
const DEADLINE: Duration = Duration::from_secs(2);

/// The function's routes.
pub fn router(app: App, transport: Transport) -> Router {
    let routes = Router::new()
        .route("/api/v1/health", get(alive))
        .route("/api/v1/health/", get(alive))
        .route("/api/v1/health/db", get(database))
        .route("/api/v1/health/cache", get(cache))
        .route("/api/v1/health/full", get(full));
    http::serve(routes.layer(Extension(transport)), app)
}

/// `GET /health`: no input or output, so that it tells only whether the function runs.
async fn alive(State(app): State<App>) -> Json<Value> {
    Json(Value::Object(about(&app, true)))
}

/// `GET /health/db`.
async fn database(State(app): State<App>) -> Result<Json<Value>, Error> {
    one(&app, "database", &checks::database(&app).await)
}

/// `GET /health/cache`.
async fn cache(State(app): State<App>) -> Result<Json<Value>, Error> {
    one(&app, "cache", &checks::cache(&app).await)
}

fn one(app: &App, name: &'static str, check: &Check) -> Result<Json<Value>, Error> {
    if !check.healthy {
        return Err(Error::Unhealthy(name));
    }
    let latency = check.details.get("latency_ms").cloned();
    Ok(Json(
        json!({ "status": "healthy", name: "connected", "latency_ms": latency, "timestamp": app.clock.now().to_string() }),
    ))
}

/// `GET /health/full`: every check, side by side.
async fn full(State(app): State<App>, Extension(transport): Extension<Transport>) -> Response {
    let checks = Box::pin(checks::all(&app, &transport)).await;
    let healthy = checks.iter().all(|(_, check)| check.healthy);
    let mut body = about(&app, healthy);
    body.insert(
        "checks".to_owned(),
        checks.into_iter().map(|(name, check)| (name.to_owned(), check.into())).collect::<Map<_, _>>().into(),
    );
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Value::Object(body))).into_response()
}

fn about(app: &App, healthy: bool) -> Map<String, Value> {
    let text = |text: String| Value::String(text);
    Map::from_iter([
        ("status".to_owned(), text(if healthy { "healthy" } else { "unhealthy" }.to_owned())),
        ("timestamp".to_owned(), text(app.clock.now().to_string())),
        ("service".to_owned(), text(app.config.project_name.clone())),
        ("version".to_owned(), text(app.config.api_version.clone())),
        ("environment".to_owned(), text(app.config.environment.to_string())),
    ])
}
