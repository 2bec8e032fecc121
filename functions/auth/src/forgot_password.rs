//! `POST /auth/forgot-password`: a letter with which its reader chooses a new password. Whether the address has an account, the mailer
//! finds out, so that the answer is the same, and as fast, for every address.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_core::app::App;
use user_core::error::Error;
use user_core::http::body::{self, Message};
use user_core::http::limits::Limits;
use user_core::letter::Kind;
use user_core::session::Origin;

use crate::resend_verification::Address;

pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    origin: Origin,
    body::Json(wish): body::Json<Address>,
) -> Result<(StatusCode, Json<Message>), Error> {
    crate::ask_for_letter(&app, &limits, &origin, Kind::ResetPassword, wish.email).await?;
    let message = "If this address has an account, a letter is on its way.";
    Ok((StatusCode::ACCEPTED, Json(Message { message })))
}
