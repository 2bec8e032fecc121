//! `POST /auth/refresh`: a refresh token, valid once, for the next pair.

use axum::Json;
use axum::extract::State;
use futures::TryFutureExt as _;
use futures::future::{join, try_join};
use user_app::App;
use user_app::limits::Limits;
use user_core::event::{Actor, By, Event, EventName};
use user_core::session::{Late, judge_late};
use user_core::token::{RefreshClaims, TokenKind, TokenPair};
use user_store::session::Rotation;
use user_web::body::{self, Body, Fields};
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use utoipa::ToSchema;

/// A refresh token.
#[derive(ToSchema)]
#[schema(as = RefreshToken)]
pub(crate) struct Refresh {
    /// From the last pair.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6InJlZnJlc2gifQ.eyJzZXEiOjF9.c2lnbmF0dXJl")]
    pub(crate) refresh_token: String,
}

impl Body for Refresh {
    fn read(fields: &mut Fields) -> Option<Self> {
        let refresh_token = fields.text("refresh_token", |text| Ok(text.to_owned()));
        Some(Self { refresh_token: refresh_token? })
    }
}

/// Get the next pair of tokens
///
/// A refresh token is valid once. Sent again within ten seconds (after a lost reply, or from a second tab) it gets the same pair again,
/// unless that pair was used. Any later use ends the session. No token outlives its session, so the last ones of a session are valid for
/// less long than others.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    operation_id = "refresh",
    tag = "Sessions",
    request_body = Refresh,
    responses((status = 200, description = "The next pair; the old refresh token is used up.", body = TokenPair)),
    extensions(("x-problems" = json!(["invalid-refresh-token", "refresh-token-reused", "throttled"]))),
)]
pub(crate) async fn handle(
    State(app): State<App>,
    limits: Limits,
    RequestOrigin(origin): RequestOrigin,
    body::Json(request): body::Json<Refresh>,
) -> Result<Json<TokenPair>, Problem> {
    let now = app.clock.now();
    let Some(presented) = limits.read::<RefreshClaims>(TokenKind::Refresh, &request.refresh_token).await? else {
        limits.general().await?;
        return Err(Problem::InvalidRefreshToken);
    };
    // Whose key has become void meanwhile gets no new pair.
    let in_force = || presented.keyring(&app)?.ok_or(Problem::InvalidRefreshToken);
    let claims = &presented.claims;
    let read = try_join(limits.general(), app.store.read_user(&claims.sub).map_err(Problem::from));
    let (_, read) = join(app.keyring_in_force(), read).await;
    let ((), user) = read?;
    in_force()?;
    let user = user.filter(|user| user.may_sign_in(now)).ok_or(Problem::InvalidRefreshToken)?;
    let end = now.plus(app.config.refresh_token_seconds());
    match app.store.rotate_session((&claims.sub, &claims.sid, claims.seq), user.epoch, now, end).await? {
        Rotation::Turned(session) => Ok(Json(in_force()?.tokens.pair(&session, user.role)?)),
        Rotation::Refused(None) => Err(Problem::InvalidRefreshToken),
        Rotation::Refused(Some(session)) => {
            match judge_late(&session, claims.seq, user.epoch, now, app.config.refresh_reuse_grace_seconds) {
                Late::SameSuccessor => Ok(Json(in_force()?.tokens.pair(&session, user.role)?)),
                Late::Refused => Err(Problem::InvalidRefreshToken),
                Late::Reused => {
                    let by = By::request(Actor::Anonymous, &origin, &app.clock);
                    let event = Event::new(EventName::RefreshTokenReused, &claims.sub, &by)?;
                    let ended = app.store.delete_session(&claims.sub, &claims.sid);
                    try_join(ended, app.store.note_event(&event)).await?;
                    Err(Problem::RefreshTokenReused)
                }
            }
        }
    }
}
