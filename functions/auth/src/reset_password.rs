//! `POST /auth/reset-password`: the token of an email sets a new password, once. It ends every session, and it proves the address, so
//! it verifies too.

use axum::Json;
use axum::extract::State;
use futures::future::join;
use user_app::App;
use user_app::limits::Limits;
use user_core::event::{Actor, By};
use user_core::message::{self, Message};
use user_core::password::Password;
use user_core::ticket::Purpose;
use user_core::user::{Edit, User};
use user_store::user::Change;
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;

/// A new password, and what allows to set it.
#[derive(ToSchema)]
#[schema(as = PasswordReset)]
pub(crate) struct Reset {
    #[schema(schema_with = fields::link_token)]
    token: String,
    #[schema(schema_with = fields::new_password)]
    new_password: Password,
}

impl Body for Reset {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.text("token", |text| Ok(text.to_owned()));
        let new_password = fields.text("new_password", |text| Ok(Password::typed(text)));
        Some(Self { token: token?, new_password: new_password? })
    }
}

const MESSAGE: &str = "Your password is changed. Sign in with it.";

/// Set a new password by the link of an email
///
/// The token of an email sets a new password, once. It ends every session, voids every other link and every pending change, and proves
/// the address; the names of a sign-up that waited for this proof are dropped. For the rules of passwords see sign-up.
#[utoipa::path(
    post,
    path = "/api/v1/auth/reset-password",
    operation_id = "resetPassword",
    tag = "Passwords",
    request_body = Reset,
    responses((
        status = 200,
        description = "The password is set; every session is ended.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["invalid-token", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(request): body::Json<Reset>,
) -> Result<Json<MessageBody>, Problem> {
    let now = app.clock.now();
    limits.auth().await?;
    let ticket = crate::read_ticket(&app, &limits, Purpose::Reset, &request.token).await?;
    let user = app.store.read_user(&ticket.user).await?.ok_or(Problem::InvalidToken)?;
    // Nothing is hashed for an invalid token.
    if !user.may_reset(&ticket, now) {
        return Err(Problem::InvalidToken);
    }
    app.new_passwords.check("new_password", &request.new_password, &user).await?;
    let hash = app.hasher.hash(request.new_password).await?;
    let by = By::request(Actor::User(ticket.user.clone()), &origin, &app.clock);
    let notice = Message::about(&user, message::MessageKind::PasswordChanged, user.email.clone(), &by, now)?;
    let proven = |user: &User| user.edited(&claimed(user), now).in_new_epoch(now);
    let decide = |user: &User| {
        if !user.may_reset(&ticket, now) {
            return Err(Problem::InvalidToken);
        }
        Ok(Change { password_hash: Some(hash.clone()), messages: vec![notice.clone()], ..proven(user).into() })
    };
    let (account, network) = (user.email.key(), origin.network());
    let changed = app.store.change_user(&ticket.user, Some(user.clone()), &by, decide);
    // What others try meanwhile does not keep the owner from signing in. Concurrently, since the link is valid by now: noted for a link
    // that another reset voids in this moment, it opens nothing.
    let noted = app.store.note_reset(&account, &network, proven(&user).epoch, now);
    let (changed, noted) = Box::pin(join(changed, noted)).await;
    noted.unwrap_or_else(|error| tracing::warn!(error.cause = %error, "the network of a reset was not noted"));
    match changed {
        Ok(_) => Ok(Json(MessageBody { message: MESSAGE })),
        Err(Problem::NotFound) => Err(Problem::InvalidToken),
        Err(error) => Err(error),
    }
}

/// What a reset proves: the address. The names of a sign-up that waited for this proof may be a stranger's words, and go.
fn claimed(user: &User) -> Edit {
    let gone = user.expires_at.map(|_| None);
    Edit { is_verified: Some(true), first_name: gone.clone(), last_name: gone, ..Edit::default() }
}
