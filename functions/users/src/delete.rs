//! `DELETE /users/{user_id}`.

use axum::extract::{Path, State};
use http::StatusCode;
use user_core::access::{Action, permit};
use user_core::app::App;
use user_core::error::Error;
use user_core::http::extract::{Caller, IfMatch};
use user_core::id::UserId;
use user_core::user::User;

pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<UserId>,
    if_match: IfMatch,
) -> Result<StatusCode, Error> {
    permit(&caller.user, Action::Delete)?;
    let now = app.clock.now();
    let decide = |user: &User| {
        crate::existing(user, now)?;
        if_match.check(user)
    };
    app.store.remove_user(&id, &caller.by(&app), decide).await.map(|()| StatusCode::NO_CONTENT)
}
