//! `DELETE /users/{user_id}`.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::user::User;
use user_web::extract::{IfMatch, Path};
use user_web::problem::Problem;

use crate::OfUser;

/// Delete a user
///
/// For administrators. For good, with every session; the address is free again at once. The last administrator who can sign in stays.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}",
    operation_id = "deleteUser",
    tag = "Users",
    params(OfUser, IfMatch),
    responses((status = 204, description = "The user is gone.")),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found", "last-admin", "stale"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    permit(&caller.principal, Action::Delete)?;
    let now = app.clock.now();
    let decide = |user: &User| {
        crate::existing(user, now)?;
        if_match.check(user)
    };
    app.store.remove_user(&id, &caller.by(&app), decide).await.map(|()| StatusCode::NO_CONTENT)
}
