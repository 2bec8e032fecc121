//! The signed-in user and the administration of users: one file for each call.

mod change;
mod delete;
mod end_my_session;
mod end_sessions;
mod events;
mod list;
mod list_my_sessions;
mod list_sessions;
mod read;
mod read_me;
mod replace;
mod role;
mod session_view;
mod update;
mod update_me;

use ::http::header::ALLOW;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use serde::Deserialize;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_core::id::UserId;
use user_core::user::User;
use user_web::problem::Problem;
use utoipa::IntoParams;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The methods of `/users/me` and `/users/me/sessions`: the gateway takes them for a user's and brings here what those paths lack.
/// Some are another function's; a test compares them with the template.
const ME: &str = "DELETE, GET, OPTIONS, PATCH";
const MY_SESSIONS: &str = "GET, OPTIONS";

user_web::calls! {
    App;
    no query: read_me also "/api/v1/me", update_me, list_my_sessions, end_my_session, read, update, replace, delete, list_sessions,
        end_sessions, role;
    query: list, events;
}

/// The function's routes.
pub fn router(app: App) -> Router {
    let lacking = |methods| MethodRouter::new().fallback(async move || lacks(methods));
    let routes =
        routes().route("/api/v1/users/me", lacking(ME)).route("/api/v1/users/me/sessions", lacking(MY_SESSIONS));
    user_web::serve(routes, app)
}

/// The user that a path is about.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OfUser {
    /// The user's id
    #[param(value_type = String, example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")]
    user_id: UserId,
}

/// The answer to a method that a path lacks.
fn lacks(methods: &'static str) -> Response {
    ([(ALLOW, methods)], Problem::MethodNotAllowed).into_response()
}

/// The user as it stands now, if it exists for anybody.
async fn find(app: &App, id: &UserId) -> Result<User, Problem> {
    let user = app.store.read_user(id).await?.ok_or(Problem::NotFound)?;
    existing(&user, app.clock.now()).map(|()| user)
}

/// An expired user exists for nobody.
fn existing(user: &User, now: Timestamp) -> Result<(), Problem> {
    if user.is_expired(now) { Err(Problem::NotFound) } else { Ok(()) }
}
