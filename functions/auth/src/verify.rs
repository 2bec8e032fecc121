//! `POST /auth/verify`: the token of an email proves an address, once.

use axum::Json;
use axum::extract::State;
use user_app::App;
use user_app::limits::Limits;
use user_core::event::{Actor, By};
use user_core::ticket::Purpose;
use user_core::user::{Edit, User};
use user_web::body::{self, Body, Fields, MessageBody};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;

/// The token of an email.
#[derive(ToSchema)]
#[schema(as = EmailToken)]
pub(crate) struct Proof {
    #[schema(schema_with = fields::link_token)]
    pub(crate) token: String,
}

impl Body for Proof {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.text("token", |text| Ok(text.to_owned()));
        Some(Self { token: token? })
    }
}

const MESSAGE: &str = "Your address is verified. You can sign in.";

/// Verify an address
///
/// The token of a verification email, which works once.
#[utoipa::path(
    post,
    path = "/api/v1/auth/verify",
    operation_id = "verify",
    tag = "Registration",
    request_body = Proof,
    responses((
        status = 200,
        description = "The address is proven, and the account can be signed in.",
        body = MessageBody,
        example = json!({ "message": MESSAGE })
    )),
    extensions(("x-problems" = json!(["invalid-token", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(proof): body::Json<Proof>,
) -> Result<Json<MessageBody>, Problem> {
    limits.general().await?;
    let now = app.clock.now();
    let ticket = crate::read_ticket(&app, &limits, Purpose::Verify, &proof.token).await?;
    let decide = |user: &User| {
        if user.may_verify(&ticket, now) {
            Ok(user.edited(&Edit { is_verified: Some(true), ..Edit::default() }, now).into())
        } else {
            Err(Problem::InvalidToken)
        }
    };
    let by = By::request(Actor::User(ticket.user.clone()), &origin, &app.clock);
    match app.store.change_user(&ticket.user, None, &by, decide).await {
        Ok(_) => Ok(Json(MessageBody { message: MESSAGE })),
        Err(Problem::NotFound) => Err(Problem::InvalidToken),
        Err(error) => Err(error),
    }
}
