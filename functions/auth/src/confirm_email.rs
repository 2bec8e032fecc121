//! `POST /auth/confirm-email`: the token of a letter proves a new address, which becomes the user's.

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

/// Prove a new address
///
/// The token of the letter to the new address makes it the account's. The sessions live on.
#[utoipa::path(
    post,
    path = "/api/v1/auth/confirm-email",
    operation_id = "confirmEmail",
    tag = "Addresses",
    request_body = Proof,
    responses((
        status = 200,
        description = "The new address signs in from now on.",
        body = Message,
        example = json!({ "message": "Your address is changed. Sign in with it." })
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
    let claims = crate::read_ticket(&app, Kind::ConfirmEmail, &proof.token).await?;
    let by = By::request(Actor::User(claims.sub.clone()), &origin, &app.clock);
    let attempt = async || {
        let before = app.store.read_user(&claims.sub).await?.ok_or(Error::InvalidToken)?;
        let (after, reserved_until) = before.with_email_proven(&claims.jti, now)?;
        let login = app.store.read_login(&before.email.key()).await?.ok_or(Error::Stale)?;
        app.store.move_email(&before, &after, &login, &by, (reserved_until, now)).await
    };
    app.store.again_when_stale(attempt).await?;
    Ok(Json(Message { message: "Your address is changed. Sign in with it." }))
}
