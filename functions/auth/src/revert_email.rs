//! `POST /auth/revert-email`: the token of the notice takes a change of address back and ends every session.

use axum::Json;
use axum::extract::State;
use user_core::app::App;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::http::body::{self, Message};
use user_core::http::limits::Limits;
use user_core::session::Origin;
use user_core::token::Kind;

use crate::verify::Proof;

/// Take the old address back
///
/// The token of the notice to the old address undoes a change of address, for a week, and ends every session: for owners who did not
/// want the change.
#[utoipa::path(
    post,
    path = "/api/v1/auth/revert-email",
    operation_id = "revertEmail",
    tag = "Addresses",
    request_body = Proof,
    responses((
        status = 200,
        description = "The old address signs in again; every session is ended.",
        body = Message,
        example = json!({ "message": "The address is yours again, and all sessions are ended. Choose a new password now." })
    )),
    extensions(("x-problems" = json!(["invalid-token", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    origin: Origin,
    body::Json(proof): body::Json<Proof>,
) -> Result<Json<Message>, Error> {
    limits.general().await?;
    let now = app.clock.now();
    let claims = crate::read_ticket(&app, Kind::RevertEmail, &proof.token).await?;
    let by = By::request(Actor::User(claims.sub.clone()), &origin, &app.clock);
    let attempt = async || {
        let before = app.store.read_user(&claims.sub).await?.ok_or(Error::InvalidToken)?;
        let after = before.with_email_reverted(&claims.jti, now)?;
        let login = app.store.read_login(&before.email.key()).await?.ok_or(Error::Stale)?;
        app.store.revert_email(&before, &after, &login, &by).await
    };
    app.store.again_when_stale(attempt).await?;
    Ok(Json(Message { message: "The address is yours again, and all sessions are ended. Choose a new password now." }))
}
