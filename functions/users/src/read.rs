//! `GET /users/me`, `GET /users/{user_id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use user_core::access::{Action, permit};
use user_core::app::App;
use user_core::error::Error;
use user_core::http::extract::Caller;
use user_core::id::UserId;

pub(crate) async fn me(caller: Caller) -> Response {
    crate::show(caller.user)
}

pub(crate) async fn one(State(app): State<App>, caller: Caller, Path(id): Path<UserId>) -> Result<Response, Error> {
    permit(&caller.user, Action::Read(&id))?;
    let user = if id == caller.user.id { caller.user } else { crate::find(&app, &id).await? };
    Ok(crate::show(user))
}
