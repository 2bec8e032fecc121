//! Health checks: whether the service runs, and whether its dependencies work.

mod alive;
mod cache;
mod checks;
mod database;
mod full;
mod kept;
mod mail;

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use serde_json::Value;
use transport::Transport;
use user_app::App;
use user_app::keyring::KeyUse;
use user_web::problem::Problem;

use checks::{Check, Memory};
use mail::Mail;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The time after which all checks of a call have ended.
const DEADLINE: Duration = Duration::from_secs(2);

user_web::calls! {
    App;
    any query: alive, database, cache, full;
}

/// The function's routes.
pub fn router(app: App, transport: Transport) -> Router {
    user_web::serve(routes().layer(Extension(Arc::new(Memory::new(Mail::new(transport))))), app)
}

/// How long a successful check took, in milliseconds; [`Problem::Unhealthy`] for a failed one.
fn latency(name: &'static str, check: &Check) -> Result<f64, Problem> {
    let latency = check.details.get("latency_ms").and_then(Value::as_f64);
    latency.filter(|_| check.healthy).ok_or(Problem::Unhealthy(name))
}
