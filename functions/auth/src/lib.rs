//! Everything that signs in and out, and every call that takes a password: one file for each.

mod change_email;
mod change_password;
mod confirm_email;
mod delete_me;
mod fields;
mod forgot_password;
mod login;
mod logout;
mod logout_all;
mod prove;
mod refresh;
mod resend_verification;
mod reset_password;
mod revert_email;
mod sign_in;
mod signup;
mod step_up;
mod verify;

use axum::Router;
use user_app::App;
use user_app::keyring::KeyUse;
use user_app::limits::Limits;
use user_core::email::Email;
use user_core::event::{Actor, By};
use user_core::message::{Message, MessageKind};
use user_core::session::Origin;
use user_core::ticket::{Purpose, Ticket};
use user_core::token::{TicketClaims, TokenKind};
use user_web::problem::Problem;

user_web::calls! {
    App;
    no query: signup, verify, resend_verification, login, refresh, step_up, logout, logout_all, forgot_password, reset_password,
        confirm_email, revert_email, change_email, change_password, delete_me;
}

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Sign;

/// The function's routes.
pub fn router(app: App) -> Router {
    user_web::serve(routes(), app)
}

/// Puts a message for whoever reads the mail of `email` into the outbox. Whether there is an account that it serves, and whether the
/// mailbox may get one more, the mailer finds out, so that asking takes the same time for every address.
async fn ask_for_message(
    app: &App,
    limits: &Limits,
    origin: &Origin,
    kind: MessageKind,
    email: Email,
) -> Result<(), Problem> {
    limits.auth().await?;
    let by = By::request(Actor::Anonymous, origin, &app.clock);
    Ok(app.store.create_message(&Message::asked_for(kind, email, &by, app.clock.now())?).await?)
}

/// What the link in an email is bound to, by the keys that are in force at this very moment.
async fn read_ticket(app: &App, limits: &Limits, purpose: Purpose, token: &str) -> Result<Ticket, Problem> {
    let presented = limits.read::<TicketClaims>(TokenKind::Ticket(purpose), token).await?;
    app.newest_keyring().await?;
    let presented = presented.ok_or(Problem::InvalidToken)?;
    presented.keyring(app)?.ok_or(Problem::InvalidToken)?;
    Ok(presented.claims.into())
}
