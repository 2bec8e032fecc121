//! `GET /users/{user_id}`.

use axum::extract::State;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_web::extract::Path;
use user_web::problem::Problem;

use crate::OfUser;
use crate::change::Shown;

/// See a user
///
/// Administrators see everybody, others themselves: they get 403 whether or not there is such a user.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user_id}",
    operation_id = "readUser",
    tag = "Users",
    params(OfUser),
    responses(Shown),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
) -> Result<Shown, Problem> {
    permit(&caller.principal, Action::Read(&id))?;
    let user = if id == caller.principal.user.id { caller.principal.user } else { crate::find(&app, &id).await? };
    Ok(Shown(user))
}
