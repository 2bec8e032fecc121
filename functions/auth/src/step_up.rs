//! `POST /auth/step-up`: the password again, for a session that is fresh (RFC 9470).

use axum::Json;
use axum::extract::State;
use futures::future::{join, try_join};
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::event::{Event, EventName};
use user_core::password::Password;
use user_core::principal::Principal;
use user_core::proof::Proof;
use user_core::session::Session;
use user_core::token::TokenPair;
use user_store::session::Rotation;
use user_web::body::{self, Body, Fields};
use user_web::problem::Problem;
use utoipa::ToSchema;

use crate::fields;
use crate::prove::prove;

/// What proves that the user is there.
#[derive(ToSchema)]
pub(crate) struct StepUp {
    #[schema(schema_with = fields::password)]
    password: Password,
}

impl Body for StepUp {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.text("password", |text| Ok(Password::typed(text)));
        Some(Self { password: password? })
    }
}

/// Prove your password again
///
/// Gives the next pair of tokens of the same session, whose claim `auth_time` is now. For five minutes the access token makes sensitive
/// changes (password, address, deletion) without the password. As after a refresh, the former refresh token is used up; access tokens
/// from before stay valid and are not fresh.
#[utoipa::path(
    post,
    path = "/api/v1/auth/step-up",
    operation_id = "stepUp",
    tag = "Sessions",
    request_body = StepUp,
    responses((status = 200, description = "The next pair of the same session.", body = TokenPair)),
    extensions(("x-problems" = json!(["unauthenticated", "invalid-credentials", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    limits: Limits,
    body::Json(request): body::Json<StepUp>,
) -> Result<Json<TokenPair>, Problem> {
    let proof = prove(&app, &limits, &caller, request.password).await?;
    let event = Event::new(EventName::SignedIn, &proof.user_id, &caller.by(&app))?;
    let event = Event { detail: Some("step-up".to_owned()), ..event };
    let Principal { user, session, .. } = caller.principal;
    // Nobody has the tokens before the event is written, as at sign-in.
    let written = try_join(turn(&app, session, &proof), async { Ok(app.store.note_event(&event).await?) });
    let (_, written) = Box::pin(join(app.newest_keyring(), written)).await;
    let (session, ()) = written?;
    Ok(Json(app.keyring()?.tokens.pair(&session, user.role)?))
}

/// How often a refresh that comes in between is followed.
const TURNS: usize = 3;

/// The next turn of `session`, begun by `proof`.
async fn turn(app: &App, mut session: Session, proof: &Proof) -> Result<Session, Problem> {
    let now = proof.authentication.at;
    let end = now.plus(app.config.refresh_token_seconds());
    for _ in 0..TURNS {
        let present = (&session.user_id, &session.id, session.seq);
        let rotation = app.store.rotate_session(present, proof.epoch, now, end, Some(&proof.authentication));
        match rotation.await? {
            Rotation::Turned(session) => return Ok(session),
            Rotation::Refused(Some(other)) if other.epoch == proof.epoch && !other.is_expired(now) => session = other,
            Rotation::Refused(_) => return Err(Problem::Unauthenticated),
        }
    }
    Err(Problem::Busy)
}
