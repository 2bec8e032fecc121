//! The signed-in user and the administration of users: one file for each kind of call.

mod delete;
mod events;
mod list;
mod read;
mod role;
mod sessions;
mod update;

use ::http::header::{ALLOW, ETAG};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_core::id::UserId;
use user_core::user::{User, UserView};
use user_web::problem::Problem;
use user_web::query;
use utoipa::OpenApi;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// The methods of `/users/me` and `/users/me/sessions`: the gateway takes them for a user's and brings here what those paths lack.
/// Some are another function's; a test compares them with the template.
const ME: &str = "DELETE, GET, OPTIONS, PATCH";
const MY_SESSIONS: &str = "GET, OPTIONS";

/// The function's routes.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/api/v1/me", get(read::me))
        .route("/api/v1/users/me", get(read::me).patch(update::patch_me).fallback(async || lacks(ME)))
        .route("/api/v1/users/me/sessions", get(sessions::list).fallback(async || lacks(MY_SESSIONS)))
        .route("/api/v1/users/me/sessions/{session_id}", delete(sessions::end))
        .route(
            "/api/v1/users/{user_id}",
            get(read::one).patch(update::patch).put(update::replace).delete(delete::handle),
        )
        .route("/api/v1/users/{user_id}/sessions", get(sessions::list_of).delete(sessions::end_all))
        .route("/api/v1/users/{user_id}/role", put(role::handle).patch(role::handle))
        .route_layer(from_fn(query::none))
        .route("/api/v1/users", get(list::handle))
        .route("/api/v1/users/{user_id}/events", get(events::handle));
    user_web::serve(routes, app)
}

/// The calls of this function; see [`openapi`].
#[derive(OpenApi)]
#[openapi(paths(
    read::me,
    update::patch_me,
    sessions::list,
    sessions::end,
    sessions::list_of,
    sessions::end_all,
    list::handle,
    read::one,
    update::patch,
    update::replace,
    delete::handle,
    events::handle,
    role::handle
))]
struct Calls;

/// What the handlers say of themselves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Calls::openapi()
}

/// The answer to a method that a path lacks.
fn lacks(methods: &'static str) -> Response {
    ([(ALLOW, methods)], Problem::MethodNotAllowed).into_response()
}

/// The answer that shows a user.
fn show(user: User) -> Response {
    ([(ETAG, user.etag())], Json(UserView::from(user))).into_response()
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
