//! `POST /auth/logout`: ends the session of a refresh token. A token that is no longer valid is no error (RFC 7009, 2.2).

use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::limits::Limits;
use user_core::token::{RefreshClaims, TokenKind};
use user_web::body::Json;
use user_web::problem::Problem;

use crate::refresh::Refresh;

/// Sign out
///
/// Ends the session of a refresh token; its access tokens stop working at once. A token that is no longer valid is not an error.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    operation_id = "logOut",
    tag = "Sessions",
    request_body = Refresh,
    responses((status = 204, description = "There is no such session any more.")),
    extensions(("x-problems" = json!(["throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    Json(request): Json<Refresh>,
) -> Result<StatusCode, Problem> {
    limits.general().await?;
    let presented = limits.read::<RefreshClaims>(TokenKind::Refresh, &request.refresh_token).await?;
    if let Some(RefreshClaims { sub, sid, .. }) = presented.map(|presented| presented.claims) {
        app.store.delete_session(&sub, &sid).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
