//! `GET /users/me/sessions`, `DELETE /users/me/sessions/{session_id}`, and for administrators `GET` and `DELETE
//! /users/{user_id}/sessions`.

use axum::Json;
use axum::extract::{Path, State};
use futures::TryFutureExt as _;
use http::StatusCode;
use serde::Serialize;
use user_app::App;
use user_app::caller::{Caller, Others};
use user_core::access::{Action, permit};
use user_core::clock::Timestamp;
use user_core::id::{SessionId, UserId};
use user_core::session::{MOST, Session};
use user_core::user::User;
use user_store::user::Change;
use user_web::problem::Problem;
use utoipa::ToSchema;

/// A session as its owner and administrators see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    #[schema(value_type = String, example = "q7Wc1nB0Zx5mJ8sT2vLr9A")]
    id: SessionId,
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    created_at: String,
    /// To the minute.
    #[schema(format = DateTime, example = "2026-11-23T08:30:00Z")]
    last_used_at: String,
    /// The source address that it began from.
    #[schema(example = "192.0.2.7")]
    ip: String,
    /// What the client called itself then.
    #[schema(example = "Mozilla/5.0")]
    user_agent: String,
    /// Whether it is the session of this request.
    #[schema(example = true)]
    current: bool,
}

/// The sessions of `user` that are valid at `now`, the last used first and this request's before others of that moment. They are [`MOST`]
/// at most, also of a user who has more from before there was a limit.
fn views(mut sessions: Vec<Session>, user: &User, current: &SessionId, now: Timestamp) -> Json<Vec<SessionView>> {
    sessions.retain(|session| session.epoch == user.epoch && !session.is_expired(now));
    sessions
        .sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.id == *current, session.created_at)));
    let view = sessions.into_iter().take(MOST).map(|session| SessionView {
        current: session.id == *current,
        id: session.id,
        created_at: session.created_at.to_string(),
        last_used_at: session.last_used_at.to_string(),
        ip: session.ip,
        user_agent: session.user_agent,
    });
    Json(view.collect())
}

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
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<SessionView>>, Problem> {
    let sessions = app.store.list_sessions(&caller.principal.user.id).await?;
    Ok(views(sessions, &caller.principal.user, &caller.principal.session.id, app.clock.now()))
}

/// End one of your sessions
///
/// Its tokens stop working at once. It may be the present one.
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/sessions/{session_id}",
    operation_id = "endMySession",
    tag = "Me",
    params(("session_id" = String, Path, description = "The session's id", example = "q7Wc1nB0Zx5mJ8sT2vLr9A")),
    responses((status = 204, description = "The session is ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "not-found"]))),
)]
pub(crate) async fn end(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    app.store.end_session(&caller.principal.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// See a user's sessions
///
/// Where a user is signed in, the last used first: 50 at most; for administrators.
#[utoipa::path(
    get,
    path = "/api/v1/users/{user_id}/sessions",
    operation_id = "listSessions",
    tag = "Users",
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")),
    responses((status = 200, description = "The sessions.", body = Vec<SessionView>)),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn list_of(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
) -> Result<Json<Vec<SessionView>>, Problem> {
    permit(&caller.principal, Action::ReadSessions)?;
    let sessions = app.store.list_sessions(&id).map_err(Problem::from);
    let (user, sessions) = tokio::try_join!(crate::find(&app, &id), sessions)?;
    Ok(views(sessions, &user, &caller.principal.session.id, app.clock.now()))
}

/// Sign a user out everywhere
///
/// Ends every session of a user, and with them every link in emails and every change that waits for one; for administrators. The user
/// can sign in again at once.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{user_id}/sessions",
    operation_id = "endSessions",
    tag = "Users",
    params(("user_id" = String, Path, description = "The user's id", example = "0193a5b2-7c1e-7d4a-9f3b-2a6c8e0d4f51")),
    responses((status = 204, description = "All sessions are ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "forbidden", "not-found"]))),
)]
pub(crate) async fn end_all(
    State(app): State<App>,
    caller: Caller<Others>,
    Path(id): Path<UserId>,
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
