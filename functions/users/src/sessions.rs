//! `GET /users/me/sessions`, `DELETE /users/me/sessions/{session_id}`.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use user_core::app::App;
use user_core::error::Error;
use user_core::http::extract::Caller;
use user_core::id::SessionId;

/// A session as its owner sees it.
#[derive(Serialize)]
pub(crate) struct SessionView {
    id: SessionId,
    created_at: String,
    last_used_at: String,
    ip: String,
    user_agent: String,
    current: bool,
}

pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<SessionView>>, Error> {
    let now = app.clock.now();
    let mut sessions = app.store.list_sessions(&caller.user.id).await?;
    sessions.retain(|session| session.epoch == caller.user.epoch && !session.is_expired(now));
    sessions.sort_by_key(|session| std::cmp::Reverse(session.last_used_at));
    let view = sessions.into_iter().map(|session| SessionView {
        current: session.id == caller.session.id,
        id: session.id,
        created_at: session.created_at.to_string(),
        last_used_at: session.last_used_at.to_string(),
        ip: session.ip,
        user_agent: session.user_agent,
    });
    Ok(Json(view.collect()))
}

pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Error> {
    app.store.end_session(&caller.user.id, &id).await.map(|()| StatusCode::NO_CONTENT)
}
