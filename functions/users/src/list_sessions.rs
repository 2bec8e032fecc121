//! `GET /users/{user_id}/sessions`.

use axum::Json;
use axum::extract::State;
use futures::TryFutureExt as _;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_web::extract::Path;
use user_web::problem::Problem;

use crate::OfUser;
use crate::session_view::{SessionView, views};

/// See a user's sessions
///
/// Where a user is signed in, the last used first: 50 at most; for administrators.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user_id}/sessions",
    operation_id = "listSessions",
    tag = "Users",
    params(OfUser),
    responses((status = 200, description = "The sessions.", body = Vec<SessionView>)),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
) -> Result<Json<Vec<SessionView>>, Problem> {
    permit(&caller.principal, Action::ReadSessions)?;
    let sessions = app.store.list_sessions(&id).map_err(Problem::from);
    let (user, sessions) = tokio::try_join!(crate::find(&app, &id), sessions)?;
    Ok(views(sessions, &user, &caller.principal.session.id, app.clock.now()))
}
