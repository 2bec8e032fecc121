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
