//! `POST /auth/step-up`: the password again, for a fresh access token (RFC 9470).

use axum::Json;
use axum::extract::State;
use futures::future::join;
use user_app::App;
use user_app::caller::Caller;
use user_app::limits::Limits;
use user_core::event::{Event, EventName};
use user_core::password::Password;
use user_core::principal::Principal;
use user_core::token::TokenPair;
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
/// Gives an access token of the same session whose claim `auth_time` is now. For five minutes it makes sensitive changes (password,
/// address, deletion) without the password. Only this token counts as fresh: neither earlier access tokens nor those of a refresh. The
/// refresh token is the one that was valid when the call began, and is not used up: a client that refreshes meanwhile keeps the newer one.
#[utoipa::path(
    post,
    path = "/api/v1/auth/step-up",
    operation_id = "stepUp",
    tag = "Sessions",
    request_body = StepUp,
    responses((status = 200, description = "A fresh access token, and the present refresh token.", body = TokenPair)),
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
    // Nobody has the token before the event is written, as at sign-in.
    let (_, written) = Box::pin(join(app.newest_keyring(), app.store.note_event(&event))).await;
    written?;
    let Principal { user, session, .. } = &caller.principal;
    Ok(Json(app.keyring()?.tokens.stepped_up(session, user.role, proof.authentication)?))
}
