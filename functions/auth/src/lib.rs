//! Everything that happens before a caller is signed in: one file for each call.

mod login;
mod refresh;
mod resend_verification;
mod signup;
mod verify;

use axum::Router;
use axum::routing::post;
use user_core::app::App;
use user_core::http;

/// The function's routes.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/api/v1/auth/signup", post(signup::handle))
        .route("/api/v1/auth/verify", post(verify::handle))
        .route("/api/v1/auth/resend-verification", post(resend_verification::handle))
        .route("/api/v1/auth/login", post(login::handle))
        .route("/api/v1/auth/refresh", post(refresh::handle));
    http::serve(routes, app)
}
