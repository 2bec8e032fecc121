//! `DELETE /users/me/sessions/{session_id}`.

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use user_app::App;
use user_app::caller::Caller;
use user_core::id::SessionId;
use user_web::extract::Path;
use user_web::problem::Problem;
use utoipa::IntoParams;

/// The session that a path is about.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfSession {
    /// The session's id
    #[param(value_type = String, example = "q7Wc1nB0Zx5mJ8sT2vLr9A")]
    session_id: SessionId,
}

/// End one of your sessions
///
/// Its tokens stop working at once. It may be the present one.
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/sessions/{session_id}",
    operation_id = "endMySession",
    tag = "Me",
    params(OfSession),
    responses((status = 204, description = "The session is ended.")),
    extensions(("x-problems" = json!(["unauthenticated", "not-found"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(OfSession { session_id: id }): Path<OfSession>,
) -> Result<StatusCode, Problem> {
    app.store.end_session(&caller.principal.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
