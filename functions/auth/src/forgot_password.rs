//! `POST /auth/forgot-password`: an email with which its reader chooses a new password. Whether the address has an account, the mailer
//! finds out, so that the answer is the same, and as fast, for every address.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::limits::Limits;
use user_core::message::MessageKind;
use user_web::body::{self, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;

use crate::resend_verification::Address;

const MESSAGE: &str = "If this address has an account, an email is on its way.";

/// Ask for an email to set a new password
///
/// The answer is the same, and as fast, for every address; an email is sent if the address has an account, at most five in an hour and then
/// one an hour to one mailbox. Its link is valid for 70 minutes.
#[utoipa::path(
    post,
    path = "/api/v1/auth/forgot-password",
    operation_id = "forgotPassword",
    tag = "Passwords",
    request_body = Address,
    responses((
        status = 202,
        description = "The request is accepted, whether or not there is such an account.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(request): body::Json<Address>,
) -> Result<(StatusCode, Json<MessageBody>), Problem> {
    crate::ask_for_message(&app, &limits, &origin, MessageKind::ResetPassword, request.email).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageBody { message: MESSAGE })))
}
