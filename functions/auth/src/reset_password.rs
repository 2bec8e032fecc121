//! `POST /auth/reset-password`: the token of a letter sets a new password, once. It ends every session, and it proves the address, so
//! it verifies too.

use axum::Json;
use axum::extract::State;
use user_core::app::App;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::http::body::{self, Body, Fields, Message};
use user_core::http::limits::Limits;
use user_core::letter::{self, Letter};
use user_core::password::Password;
use user_core::session::Origin;
use user_core::store::user::Change;
use user_core::token::Kind;
use user_core::user::{Edit, User};
use utoipa::ToSchema;

/// A new password, and what allows to set it.
#[derive(ToSchema)]
#[schema(as = PasswordReset)]
pub(crate) struct Reset {
    /// As it stands in the letter's link.
    #[schema(example = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2lnbmF0dXJl")]
    token: String,
    /// A password that the policy takes.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, example = "Four-Qu1et-cups-of-tea")]
    new_password: Password,
}

impl Body for Reset {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.text("token", |text| Ok(text.to_owned()));
        let new_password = fields.text("new_password", |text| Ok(Password::typed(text)));
        Some(Self { token: token?, new_password: new_password? })
    }
}

/// Set a new password with a letter
///
/// The token of a letter sets a new password, once. It ends every session, and it proves the address. For the rules of passwords see
/// sign-up.
#[utoipa::path(
    post,
    path = "/api/v1/auth/reset-password",
    operation_id = "resetPassword",
    tag = "Passwords",
    request_body = Reset,
    responses((
        status = 200,
        description = "The password is set; every session is ended.",
        body = Message,
        example = json!({ "message": "Your password is changed. Sign in with it." })
    )),
    extensions(("x-problems" = json!(["invalid-token", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    origin: Origin,
    body::Json(wish): body::Json<Reset>,
) -> Result<Json<Message>, Error> {
    let now = app.clock.now();
    limits.auth_source().await?;
    let claims = crate::read_ticket(&app, Kind::Reset, &wish.token).await?;
    limits.auth_account(claims.sub.as_str()).await?;
    let user = app.store.read_user(&claims.sub).await?.ok_or(Error::InvalidToken)?;
    let waits =
        |user: &User| user.is_active && !user.is_expired(now) && user.reset_ticket.as_ref() == Some(&claims.jti);
    // Nothing is hashed for a token that is good for nothing.
    if !waits(&user) {
        return Err(Error::InvalidToken);
    }
    app.new_passwords.check("new_password", &wish.new_password, &user).await?;
    let hash = app.hasher.hash(wish.new_password).await?;
    let by = By::request(Actor::User(claims.sub.clone()), &origin, &app.clock);
    let notice = Letter::new(letter::Kind::PasswordChanged, user.email.clone(), Some(user.id.clone()), &by, now)?;
    let decide = |user: &User| {
        if !waits(user) {
            return Err(Error::InvalidToken);
        }
        let proven = user.edited(&Edit { is_verified: Some(true), ..Edit::default() }, now).in_new_epoch(now);
        Ok(Change { password_hash: Some(hash.clone()), letter: Some(notice.clone()), ..proven.into() })
    };
    match app.store.change_user(&claims.sub, Some(user.clone()), &by, decide).await {
        Ok(_) => Ok(Json(Message { message: "Your password is changed. Sign in with it." })),
        Err(Error::NotFound) => Err(Error::InvalidToken),
        Err(error) => Err(error),
    }
}
