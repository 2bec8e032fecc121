//! `DELETE /users/{user_id}/sessions`.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::user::User;
use user_store::user::Change;
use user_web::extract::Path;
use user_web::problem::Problem;

use crate::OfUser;

/// Sign a user out everywhere
///
/// Ends every session of a user, and with them every link in emails and every change that waits for one; for administrators. The user
/// can sign in again at once.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}/sessions",
    operation_id = "endSessions",
    tag = "Users",
    params(OfUser),
    responses((status = 204, description = "All sessions are ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(OfUser { user_id: id }): Path<OfUser>,
) -> Result<StatusCode, Problem> {
    permit(&caller.principal, Action::EndSessions)?;
    let (now, by) = (app.clock.now(), caller.by(&app));
    let decide = |user: &User| -> Result<Change, Problem> {
        crate::existing(user, now)?;
        let own = user.id == caller.principal.user.id;
        Ok(if own { user.ending_sessions(caller.principal.session.epoch, now)? } else { user.in_new_epoch(now) }.into())
    };
    app.store.change_user(&id, None, &by, decide).await.map(|_| StatusCode::NO_CONTENT)
}
