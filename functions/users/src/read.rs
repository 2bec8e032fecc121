//! `GET /users/me`, `GET /users/{user_id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::id::UserId;
use user_core::user::UserView;
use user_web::problem::Problem;

/// See yourself
///
/// The signed-in user, as the record stands now.
#[utoipa::path(
    get,
    path = "/api/v1/users/me",
    operation_id = "readMe",
    tag = "Me",
    responses((status = 200, description = "The caller.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated"])), ("x-also" = json!(["/api/v1/me"]))),
)]
pub(crate) async fn me(caller: Caller) -> Response {
    crate::show(caller.principal.user)
}

/// See a user
///
/// Administrators see everybody, others themselves: they get 403 whether or not there is such a user.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user_id}",
    operation_id = "readUser",
    tag = "Users",
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")),
    responses((status = 200, description = "The user.", body = UserView, headers(("etag" = String, description = "The version of the record, for `If-Match`")))),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn one(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
) -> Result<Response, Problem> {
    permit(&caller.principal, Action::Read(&id))?;
    let user = if id == caller.principal.user.id { caller.principal.user } else { crate::find(&app, &id).await? };
    Ok(crate::show(user))
}
