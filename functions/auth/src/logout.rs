//! `POST /auth/logout`: ends the session of a refresh token. A token that is good for nothing any more is no error (RFC 7009, 2.2).

use axum::extract::State;
use http::StatusCode;
use user_core::app::App;
use user_core::error::Error;
use user_core::http::body::Json;
use user_core::http::limits::Limits;

use crate::refresh::Refresh;

pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    Json(wish): Json<Refresh>,
) -> Result<StatusCode, Error> {
    limits.general().await?;
    let keyring = app.keyring_for(&wish.refresh_token).await;
    if let Ok(claims) = keyring.tokens.read_refresh(&wish.refresh_token, app.clock.now()) {
        app.store.delete_session(&claims.sub, &claims.sid).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
