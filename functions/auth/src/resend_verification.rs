//! `POST /auth/resend-verification`: another email, if the address waits for one. The mailer finds that out, so that the answer is
//! the same, and as fast, for every address.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::limits::Limits;
use user_core::email::Email;
use user_core::message::MessageKind;
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

/// An address that an email is asked for.
#[derive(ToSchema)]
pub(crate) struct Address {
    /// The account's address.
    #[schema(value_type = String, format = "email", max_length = 254, example = "ann@example.com")]
    pub(crate) email: Email,
}

impl Body for Address {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.text("email", Email::known);
        Some(Self { email: email? })
    }
}

const MESSAGE: &str = "If this address waits for its verification, a new email is on its way.";

/// Ask for another verification email
///
/// The answer is the same, and as fast, for every address; an email is sent if the address waits for its verification, at most five in an
/// hour and then one an hour to one mailbox.
#[utoipa::path(
    post,
    path = "/api/v1/auth/resend-verification",
    operation_id = "resendVerification",
    tag = "Registration",
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
    crate::ask_for_message(&app, &limits, &origin, MessageKind::VerifyEmail, request.email).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageBody { message: MESSAGE })))
}
