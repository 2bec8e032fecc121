//! Who calls: the signed-in user of a request.

use std::marker::PhantomData;

use ::http::header;
use ::http::request::Parts;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use futures::future::join;
use user_core::access;
use user_core::client::Scope;
use user_core::event::{Actor, By};
use user_core::limit::Class;
use user_core::principal::Principal;
use user_core::session::Origin;
use user_telemetry::usage;
use user_web::extract::{RequestOrigin, bearer};
use user_web::problem::Problem;

use crate::App;
use crate::limits::Limits;

/// The signed-in caller, read from the database with its session: a handler with this argument cannot run for anybody else.
/// Deleted, disabled, unverified, signed out, password changed since: all are felt at once. `R` says what the call reaches.
pub struct Caller<R = Own> {
    /// Who it is.
    pub principal: Principal,
    /// Where the request comes from.
    pub origin: Origin,
    reach: PhantomData<R>,
}

/// What calls reach: how they are counted, and what their client needs.
pub trait Reach: Send + Sync {
    /// The rate-limit class in which they are counted, by the user.
    const CLASS: Class;
    /// The scope that the access token needs.
    const SCOPE: Scope;
}

/// Calls on one's own account.
pub struct Own;

impl Reach for Own {
    const CLASS: Class = Class::General;
    const SCOPE: Scope = Scope::Account;
}

/// Calls on all users' records.
pub struct Others;

impl Reach for Others {
    const CLASS: Class = Class::Admin;
    const SCOPE: Scope = Scope::Users;
}

impl<R> Caller<R> {
    /// The caller as one who does something.
    #[must_use]
    pub fn by(&self, app: &App) -> By {
        By::request(Actor::User(self.principal.user.id.clone()), &self.origin, &app.clock)
    }
}

impl<R: Reach> FromRequestParts<App> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let now = app.clock.now();
        let Ok(limits) = Limits::from_request_parts(parts, app).await;
        let token = bearer(&parts.headers).unwrap_or_default();
        let Some(presented) = limits.read_access(token).await? else {
            // Whoever guesses tokens is counted, too.
            limits.general().await?;
            return Err(Problem::Unauthenticated);
        };
        let claims = &presented.claims;
        let suspect = app.ended.has(&claims.sid);
        if suspect {
            limits.general().await?;
        }
        // A source that is refused moves nobody's counter but a live session's.
        let later = suspect || limits.is_source_refused();
        let weighed = async { if later { Ok(None) } else { limits.weigh_user(R::CLASS, &claims.sub).await } };
        let read = app.store.read_caller(&claims.sub, &claims.sid);
        let (_, (weighed, read)) = join(app.keyring_in_force(), join(weighed, read)).await;
        let (user, session) = read?;
        let live = user
            .zip(session)
            .filter(|(user, session)| user.may_sign_in(now) && !session.is_expired(now) && session.epoch == user.epoch);
        app.ended.note(&claims.sid, live.is_none());
        // Only now: another request may have seen meanwhile that the keys are void.
        let is_signed = presented.keyring(app)?.is_some();
        let Some((user, session)) = live.filter(|_| is_signed) else {
            if let Ok(Some(state)) = weighed {
                limits.take_back(&claims.sub, state).await;
            }
            limits.general().await?;
            return Err(Problem::Unauthenticated);
        };
        let principal = Principal::new(user, session, presented.claims);
        let Principal { user, session, .. } = &principal;
        if later {
            limits.user(R::CLASS, &user.id).await?;
        } else {
            limits.accept(weighed)?;
        }
        usage::note_user(&user.id);
        if now.since(session.last_used_at) >= TOUCH_SECONDS {
            let touched = app.store.touch_session(session, now).await;
            touched.unwrap_or_else(|error| tracing::warn!(error.cause = %error, "the use of a session was not noted"));
        }
        let Ok(RequestOrigin(origin)) = RequestOrigin::from_request_parts(parts, app).await;
        access::within(&principal, R::SCOPE)?;
        Ok(Self { principal, origin, reach: PhantomData })
    }
}

/// A call that may also be made without an access token. One that comes and is not valid is refused all the same.
impl<R: Reach> OptionalFromRequestParts<App> for Caller<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

/// How often the last use of a session is written, in seconds.
const TOUCH_SECONDS: i64 = 60;
