//! Sessions as they are shown.

use axum::Json;
use serde::Serialize;
use user_core::clock::Timestamp;
use user_core::id::SessionId;
use user_core::session::{MOST, Session};
use user_core::user::User;
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
pub(crate) fn views(
    mut sessions: Vec<Session>,
    user: &User,
    current: &SessionId,
    now: Timestamp,
) -> Json<Vec<SessionView>> {
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
