//! `POST /auth/logout-all`: ends every session of the caller.

use axum::extract::State;
use http::StatusCode;
use user_core::app::App;
use user_core::error::Error;
use user_core::http::extract::Caller;

/// Sign out everywhere
///
/// Ends every session of the caller, this one too.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout-all",
    operation_id = "logOutEverywhere",
    tag = "Sessions",
    responses((status = 204, description = "All sessions are ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "not-found"]))),
)]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<StatusCode, Error> {
    let (id, now, by) = (caller.user.id.clone(), app.clock.now(), caller.by(&app));
    app.store.change_user(&id, Some(caller.user), &by, |user| Ok(user.in_new_epoch(now).into())).await?;
    Ok(StatusCode::NO_CONTENT)
}
