//! `POST /users/me/email`: the request for a new address. It reserves nothing, and the old one signs in until the account confirms.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_config::Enumeration;
use user_core::email::Email;
use user_core::error::Refusal;
use user_core::message::{Message, MessageKind};
use user_core::password::Password;
use user_core::principal::Principal;
use user_core::user::User;
use user_store::claim::Claim;
use user_store::user::Change;
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::prove_unless_fresh;

/// A new address.
#[derive(ToSchema)]
#[schema(as = EmailChange)]
pub(crate) struct EmailChange {
    /// The address that is to become the account's, by the rules of sign-up.
    #[schema(value_type = String, format = "email", max_length = 254, example = "ann@new.example.com")]
    new_email: Email,
    #[schema(schema_with = fields::password_unless_fresh, required = false)]
    password: Option<Password>,
}

impl Body for EmailChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let new_email = fields.text("new_email", Email::parse);
        let password = fields.optional_text("password", |text| Ok(Some(Password::typed(text))));
        Some(Self { new_email: new_email?, password: password?.value() })
    }
}

const MESSAGE: &str = "Follow the link in the email to the new address.";

/// Change your address
///
/// Sends a link to the new address, by which the account confirms it, and a notice to the old one, which signs in until then. Nothing is
/// reserved: whoever proves the address first has it. With `SIGNUP_ENUMERATION` private the answer is the same for an address that is
/// taken.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/email",
    operation_id = "changeMyEmail",
    tag = "Addresses",
    request_body = EmailChange,
    responses((
        status = 202,
        description = "The emails are on their way.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["unauthenticated", "step-up-required", "invalid-credentials", "email-taken"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    body::Json(request): body::Json<EmailChange>,
) -> Result<(StatusCode, Json<MessageBody>), Problem> {
    prove_unless_fresh(&app, &limits, &caller, request.password).await?;
    let by = caller.by(&app);
    let Principal { user, session, .. } = caller.principal;
    let (new, now) = (request.new_email, app.clock.now());
    if new.key() == user.email.key() {
        return Err(Problem::invalid("new_email", Refusal::new("same-email", "this is the address already")));
    }
    // Where sign-up does not tell, this does not either: who proves an address is found out when it is confirmed.
    if app.config.signup_enumeration == Enumeration::Reveal
        && matches!(app.store.claim(&new.key(), &user.id, now).await?, Claim::Taken)
    {
        return Err(Problem::EmailTaken);
    }
    let decide = |before: &User| -> Result<Change, Problem> {
        // A new epoch means that what was proven above is not the present state.
        if before.epoch != session.epoch {
            return Err(Problem::Unauthenticated);
        }
        let after = before.requesting_email(new.clone(), now)?;
        let link = Message::about(&after, MessageKind::ConfirmEmail, new.clone(), &by, now)?;
        let notice = Message::about(&after, MessageKind::EmailChange, before.email.clone(), &by, now)?;
        Ok(Change { messages: vec![link, notice], ..after.into() })
    };
    let gone = |error| if matches!(error, Problem::NotFound) { Problem::Unauthenticated } else { error };
    app.store.change_user(&user.id, Some(user.clone()), &by, decide).await.map_err(gone)?;
    Ok((StatusCode::ACCEPTED, Json(MessageBody { message: MESSAGE })))
}
