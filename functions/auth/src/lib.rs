//! Everything that signs in and out, and every call that takes a password: one file for each.

mod change_email;
mod change_password;
mod confirm_email;
mod delete_me;
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
use axum::middleware::from_fn;
use axum::routing::{delete, post, put};
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
use user_web::query;
use utoipa::OpenApi;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Sign;

/// The function's routes.
pub fn router(app: App) -> Router {
    let routes = Router::new()
        .route("/api/v1/auth/signup", post(signup::handle))
        .route("/api/v1/auth/verify", post(verify::handle))
        .route("/api/v1/auth/resend-verification", post(resend_verification::handle))
        .route("/api/v1/auth/login", post(login::handle))
        .route("/api/v1/auth/refresh", post(refresh::handle))
        .route("/api/v1/auth/step-up", post(step_up::handle))
        .route("/api/v1/auth/logout", post(logout::handle))
        .route("/api/v1/auth/logout-all", post(logout_all::handle))
        .route("/api/v1/auth/forgot-password", post(forgot_password::handle))
        .route("/api/v1/auth/reset-password", post(reset_password::handle))
        .route("/api/v1/auth/confirm-email", post(confirm_email::handle))
        .route("/api/v1/auth/revert-email", post(revert_email::handle))
        .route("/api/v1/users/me/email", post(change_email::handle))
        .route("/api/v1/users/me/password", put(change_password::handle))
        .route("/api/v1/users/me", delete(delete_me::handle))
        .route_layer(from_fn(query::none));
    user_web::serve(routes, app)
}

/// The calls of this function; see [`openapi`].
#[derive(OpenApi)]
#[openapi(paths(
    signup::handle,
    verify::handle,
    resend_verification::handle,
    login::handle,
    refresh::handle,
    step_up::handle,
    logout::handle,
    logout_all::handle,
    forgot_password::handle,
    reset_password::handle,
    confirm_email::handle,
    revert_email::handle,
    change_email::handle,
    change_password::handle,
    delete_me::handle
))]
struct Calls;

/// What the handlers say of themselves.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Calls::openapi()
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
