//! `POST /auth/confirm-email`: the account itself proves its new address by the token of a link that went there. Neither the link alone
//! moves an account, nor does the account without it: nobody can be talked into confirming a stranger's change.

use axum::Json;
use axum::extract::State;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::error::Error;
use user_core::event::{Actor, By};
use user_core::id::SessionId;
use user_core::message::{self, Message};
use user_core::password::Password;
use user_core::session::Origin;
use user_core::ticket::{Purpose, Ticket};
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::prove;
use crate::sign_in::login_by_password;

/// The token of a link, and for whoever is not signed in the account's password.
#[derive(ToSchema)]
#[schema(as = EmailConfirmation)]
pub(crate) struct Confirmation {
    #[schema(schema_with = fields::link_token)]
    token: String,
    #[schema(schema_with = fields::password_unless_signed_in, required = false)]
    password: Option<Password>,
}

impl Body for Confirmation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.text("token", |text| Ok(text.to_owned()));
        let password = fields.optional_text("password", |text| Ok(Some(Password::typed(text))));
        Some(Self { token: token?, password: password?.value() })
    }
}

const MESSAGE: &str = "Your address is changed. Sign in with it.";

/// Confirm a new address
///
/// The token of the link that went to the new address makes it the account's, if the account itself brings it: with its access token, or
/// with its password in the body. Whoever proves an address first has it. All sessions end but the one that confirms; the old address gets
/// a notice with a link that takes it back.
#[utoipa::path(
    post,
    path = "/api/v1/auth/confirm-email",
    operation_id = "confirmEmail",
    tag = "Addresses",
    request_body = Confirmation,
    responses((
        status = 200,
        description = "The new address signs in from now on.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    security((), ("bearer" = [])),
    extensions(("x-problems" = json!(["invalid-token", "unauthenticated", "invalid-credentials", "email-taken", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Option<Caller>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(confirmation): body::Json<Confirmation>,
) -> Result<Json<MessageBody>, Problem> {
    let Confirmation { token, password } = confirmation;
    let (ticket, stays) = match (caller, password) {
        (Some(caller), password) => {
            // What is sent counts: beside an access token the password is not needed, but a wrong one is refused.
            if let Some(password) = password {
                prove(&app, &limits, &caller, password).await?;
            }
            let ticket = crate::read_ticket(&app, &limits, Purpose::ConfirmEmail, &token).await?;
            let own = ticket.user == caller.principal.user.id;
            (own.then_some(ticket).ok_or(Problem::InvalidToken)?, Some(caller.principal.session.id))
        }
        (None, Some(password)) => {
            limits.auth().await?;
            let ticket = crate::read_ticket(&app, &limits, Purpose::ConfirmEmail, &token).await?;
            prove_by_password(&app, &limits, &origin, &ticket, password).await?;
            (ticket, None)
        }
        (None, None) => {
            limits.general().await?;
            return Err(Problem::Unauthenticated);
        }
    };
    confirm(&app, &ticket, stays.as_ref(), &origin).await?;
    Ok(Json(MessageBody { message: MESSAGE }))
}

/// Goes on when `password` is the one of the account that the link is about, and the link still holds.
async fn prove_by_password(
    app: &App,
    limits: &Limits,
    origin: &Origin,
    ticket: &Ticket,
    password: Password,
) -> Result<(), Problem> {
    let user = app.store.read_user(&ticket.user).await?.ok_or(Problem::InvalidToken)?;
    // Nothing is hashed for a link that holds no more.
    user.confirming_email(ticket, app.clock.now())?;
    let login = Box::pin(login_by_password(app, limits, origin, &user.email, password)).await?;
    if login.user_id == user.id && login.epoch == user.epoch { Ok(()) } else { Err(Problem::InvalidToken) }
}

async fn confirm(app: &App, ticket: &Ticket, stays: Option<&SessionId>, origin: &Origin) -> Result<(), Problem> {
    let now = app.clock.now();
    let by = By::request(Actor::User(ticket.user.clone()), origin, &app.clock);
    let attempt = async || -> Result<Result<(), Error>, Problem> {
        let before = app.store.read_user(&ticket.user).await?.ok_or(Problem::InvalidToken)?;
        let after = before.confirming_email(ticket, now)?;
        let back = after.may_take_back(&before.email);
        let kind = if back { message::MessageKind::EmailChanged } else { message::MessageKind::EmailReverted };
        let notice = Message::about(&before, kind, before.email.clone(), &by, now)?;
        Ok(app.store.move_email(&before, &after, (&notice, stays), &by).await)
    };
    app.store.again_when_changed(attempt).await
}
