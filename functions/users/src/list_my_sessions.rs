//! `GET /users/me/sessions`.

use axum::Json;
use axum::extract::State;
use user_app::App;
use user_app::caller::Caller;
use user_web::problem::Problem;

use crate::session_view::{SessionView, views};

/// See your sessions
///
/// Every session that is still valid, the last used first: 50 at most. With one more sign-in the session that was unused longest ends.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/sessions",
    operation_id = "listMySessions",
    tag = "Me",
    responses((status = 200, description = "The sessions.", body = Vec<SessionView>)),
    extensions(("x-problems" = json!(["unauthenticated"]))),
)]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<Vec<SessionView>>, Problem> {
    let sessions = app.store.list_sessions(&caller.principal.user.id).await?;
    Ok(views(sessions, &caller.principal.user, &caller.principal.session.id, app.clock.now()))
}
