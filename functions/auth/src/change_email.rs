//! `POST /users/me/email`: the wish for a new address. The old one signs in until the new one is proven.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_core::app::App;
use user_core::email::Email;
use user_core::error::{Error, Refusal};
use user_core::http::body::{self, Body, Fields, Message};
use user_core::http::extract::Caller;
use user_core::http::limits::Limits;
use user_core::letter::{Kind, Letter};
use user_core::password::Password;
use utoipa::ToSchema;

/// A new address.
#[derive(ToSchema)]
#[schema(as = EmailChange)]
pub(crate) struct Wish {
    /// The address that is to become the account's, by the rules of sign-up.
    #[schema(value_type = String, format = "email", max_length = 254, example = "ann@new.example.com")]
    new_email: Email,
    /// The account's password.
    #[schema(value_type = String, format = Password, example = "Flat-Wh1te-please")]
    password: Password,
}

impl Body for Wish {
    fn read(fields: &mut Fields) -> Option<Self> {
        let new_email = fields.text("new_email", Email::parse);
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        Some(Self { new_email: new_email?, password: password? })
    }
}

/// Change your address
///
/// Sends a letter to the new address, which has to be proven, and a notice to the old one, which signs in until then.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/email",
    operation_id = "changeMyEmail",
    tag = "Addresses",
    request_body = Wish,
    responses((
        status = 202,
        description = "The letters are on their way.",
        body = Message,
        example = json!({ "message": "Follow the link in the letter to the new address." })
    )),
    extensions(("x-problems" = json!(["unauthenticated", "invalid-credentials", "email-taken"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    body::Json(wish): body::Json<Wish>,
) -> Result<(StatusCode, Json<Message>), Error> {
    let by = caller.by(&app);
    let Caller { user, session, .. } = caller;
    limits.auth(user.email.key().as_str()).await?;
    crate::prove(&app, &user, wish.password).await?;
    if wish.new_email.key() == user.email.key() {
        return Err(Error::invalid("new_email", Refusal::new("same-email", "this is the address already")));
    }
    let now = app.clock.now();
    let prove = Letter::new(Kind::ConfirmEmail, wish.new_email.clone(), Some(user.id.clone()), &by, now)?;
    let notice = Letter::new(Kind::EmailChange, user.email.clone(), Some(user.id.clone()), &by, now)?;
    let attempt = async || {
        let before = app.store.read_user(&user.id).await?.ok_or(Error::Unauthenticated)?;
        // A new epoch or address means that what was proven above is not the present state.
        if before.epoch != session.epoch || before.email != user.email {
            return Err(Error::Unauthenticated);
        }
        let (new, proof, revert) = (wish.new_email.clone(), prove.ticket.clone(), notice.ticket.clone());
        let after = before.wanting_email(new, proof, revert, now)?;
        app.store.want_email(&before, &after, [&prove, &notice], (&by, now)).await
    };
    app.store.again_when_stale(attempt).await?;
    Ok((StatusCode::ACCEPTED, Json(Message { message: "Follow the link in the letter to the new address." })))
}
