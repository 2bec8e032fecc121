//! `POST /auth/logout-all`: ends every session of the caller.

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::Caller;
use user_core::principal::Principal;
use user_core::user::User;
use user_store::user::Change;
use user_web::problem::Problem;

/// Sign out everywhere
///
/// Ends every session of the caller, this one too, and with them every link in emails and a pending change of address. Five times at once,
/// and then once in 70 minutes: together with new passwords and confirmed changes, so that a thief cannot void the owner's links as fast as
/// they come.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout-all",
    operation_id = "logOutEverywhere",
    tag = "Sessions",
    responses((status = 204, description = "All sessions are ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "not-found"]))),
)]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    let (now, by) = (app.clock.now(), caller.by(&app));
    let Principal { user, session, .. } = caller.principal;
    let decide = |user: &User| -> Result<Change, Problem> { Ok(user.ending_sessions(session.epoch, now)?.into()) };
    app.store.change_user(&user.id, Some(user.clone()), &by, decide).await?;
    Ok(StatusCode::NO_CONTENT)
}
