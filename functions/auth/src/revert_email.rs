//! `POST /auth/revert-email`: the token of the notice takes a change of address back, ends every session and voids the password, which
//! whoever asked for the change knew; the email to choose another is written in the same transaction.

use axum::Json;
use axum::extract::State;
use user_app::App;
use user_app::limits::Limits;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::message::{self, Message};
use user_core::ticket::Purpose;
use user_web::body::{self, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;

use crate::verify::Proof;

const MESSAGE: &str =
    "The address is yours, and all sessions are ended. Choose a new password by the email we sent you.";

/// Take the old address back
///
/// The token of the notice to the old address undoes a change of address, and every one after it, for a week: for owners who did not want
/// it. Until a week after the last change, `forgot-password` at the old address brings another one. Every session ends, the password is
/// void, and an email to choose another one goes to the address; the one that the account leaves gets a notice.
#[utoipa::path(
    post,
    path = "/api/v1/auth/revert-email",
    operation_id = "revertEmail",
    tag = "Addresses",
    request_body = Proof,
    responses((
        status = 200,
        description = "The old address is the account's again; every session is ended, and the password is void.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["invalid-token", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(proof): body::Json<Proof>,
) -> Result<Json<MessageBody>, Problem> {
    limits.general().await?;
    let now = app.clock.now();
    let ticket = crate::read_ticket(&app, &limits, Purpose::RevertEmail, &proof.token).await?;
    let by = By::request(Actor::User(ticket.user.clone()), &origin, &app.clock);
    let attempt = async || -> Result<Result<(), Error>, Problem> {
        let before = app.store.read_user(&ticket.user).await?.ok_or(Problem::InvalidToken)?;
        let after = before.reverting_email(&ticket, now)?;
        let mut messages =
            vec![Message::about(&after, message::MessageKind::ResetPassword, after.email.clone(), &by, now)?];
        if before.email.key() != after.email.key() {
            messages.push(Message::about(&after, message::MessageKind::EmailReverted, before.email.clone(), &by, now)?);
        }
        Ok(app.store.revert_email(&before, &after, &messages, &by).await)
    };
    app.store.again_when_changed(attempt).await?;
    Ok(Json(MessageBody { message: MESSAGE }))
}
