//! Arguments of handlers that come from the request's head.

use std::convert::Infallible;
use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Extensions, HeaderMap, header};
use axum::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use futures::future::join;
use lambda_http::request::RequestContext;

use crate::app::App;
use crate::error::Error;
use crate::event::{Actor, By};
use crate::http::limits::Limits;
use crate::language::Language;
use crate::limit::Class;
use crate::session::{Origin, Session};
use crate::usage;
use crate::user::User;

/// The signed-in caller, read from the database with its session: a handler with this argument cannot run for anybody else.
/// Deleted, disabled, unverified, signed out, password changed since: all are felt at once.
pub struct Caller {
    /// As the record stands now, whatever the token says.
    pub user: User,
    /// The session that the token belongs to.
    pub session: Session,
    /// Where the request comes from.
    pub origin: Origin,
}

impl Caller {
    /// The caller as one who does something.
    #[must_use]
    pub fn by(&self, app: &App) -> By {
        By::request(Actor::User(self.user.id.clone()), &self.origin, &app.clock)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let now = app.clock.now();
        let Ok(limits) = Limits::from_request_parts(parts, app).await;
        let token = bearer(&parts.headers).unwrap_or_default();
        let known = limits.keyring_for(token).await?;
        let Ok(claims) = known.tokens.read_access(token, now) else {
            // Whoever guesses tokens is counted, too.
            limits.general().await?;
            return Err(Error::Unauthenticated);
        };
        let class = class(parts.uri.path());
        let suspect = app.ended.has(&claims.sid);
        if suspect {
            limits.general().await?;
        }
        // A source that is refused moves nobody's counter but a live session's.
        let later = suspect || limits.is_source_refused();
        let weighed = async { if later { None } else { Some(limits.weigh_user(class, &claims.sub).await) } };
        let read = app.store.read_caller(&claims.sub, &claims.sid);
        let (_, (weighed, read)) = join(app.keyring_in_force(), join(weighed, read)).await;
        let (user, session) = read?;
        let live = user
            .zip(session)
            .filter(|(user, session)| user.may_sign_in(now) && !session.is_expired(now) && session.epoch == user.epoch);
        app.ended.note(&claims.sid, live.is_none());
        // Only now: another request may have seen meanwhile that the keys are void.
        let keyring = app.keyring()?;
        let is_signed = Arc::ptr_eq(&known, &keyring) || keyring.tokens.knows(token);
        let Some((user, session)) = live.filter(|_| is_signed) else {
            if let Some(weighed) = weighed {
                limits.take_back(class, &claims.sub, &weighed).await;
            }
            limits.general().await?;
            return Err(Error::Unauthenticated);
        };
        match weighed {
            Some(weighed) => limits.accept(weighed)?,
            None => limits.user(class, &user.id).await?,
        }
        if now.since(session.last_used_at) >= TOUCH_SECONDS {
            let touched = app.store.touch_session(&session, now).await;
            touched.unwrap_or_else(|error| tracing::warn!(error.cause = %error, "the use of a session was not noted"));
        }
        let Ok(origin) = Origin::from_request_parts(parts, app).await;
        usage::note_user(&user.id);
        Ok(Self { user, session, origin })
    }
}

/// A call that may also be made without an access token. One that comes and is not valid is refused all the same.
impl OptionalFromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, Error> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

/// Calls on `/users` that do not go to `/users/me` are an administrator's.
fn class(path: &str) -> Class {
    let rest = path.split_once("/users").map(|(_, rest)| rest);
    match rest {
        Some(rest) if rest != "/me" && !rest.starts_with("/me/") => Class::Admin,
        _ => Class::General,
    }
}

/// How often the last use of a session is written, in seconds.
const TOUCH_SECONDS: i64 = 60;

/// The token of `Authorization: Bearer` (RFC 6750, 2.1). Two such headers are none.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Where the request comes from: the address as the gateway saw it, or as the edge says it (`edge.rs`), never another header's word.
impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let context = context(&parts.extensions);
        let ip = context.and_then(|context| context.http.source_ip.clone()).unwrap_or_default();
        let request_id = context.and_then(|context| context.request_id.clone()).unwrap_or_default();
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { ip, request_id, user_agent: agent.unwrap_or_default().to_owned() })
    }
}

/// The language that the caller likes best, of those that letters are written in.
impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Self::accepted(header.unwrap_or_default()))
    }
}

/// Where the caller reached the service, such as `https://api.example.com`, as the gateway saw it.
pub struct BaseUrl(pub String);

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // API Gateway sets it, whatever the client sent; the local gateway, which speaks plain HTTP, has none.
        let https = parts.headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
        let host = context(&parts.extensions).and_then(|context| context.domain_name.clone()).unwrap_or_default();
        if https {
            return Ok(Self(format!("https://{host}")));
        }
        // `sam local start-api` names the host alone; its port is in a header.
        let port = parts.headers.get("x-forwarded-port").and_then(|value| value.to_str().ok()?.parse::<u16>().ok());
        let port = port.filter(|_| !host.contains(':')).map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("http://{host}{port}")))
    }
}

/// The condition of `If-Match` (RFC 9110, 13.1.1).
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Goes on when there is no condition or `user` meets it.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn check(&self, user: &User) -> Result<(), Error> {
        let etag = user.etag();
        let holds = |tags: &String| tags.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag);
        if self.0.as_ref().is_none_or(holds) { Ok(()) } else { Err(Error::Stale) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let tags: Vec<_> =
            parts.headers.get_all(header::IF_MATCH).iter().map(|value| value.to_str().unwrap_or("")).collect();
        Ok(Self((!tags.is_empty()).then(|| tags.join(","))))
    }
}

/// The gateway's name for the request; empty when there is no gateway.
pub(super) fn request_id(request: &Request) -> String {
    context(request.extensions()).and_then(|context| context.request_id.clone()).unwrap_or_default()
}

/// The address that the request came from: as the gateway saw it, or as the edge says it, never another header's word.
pub(super) fn source_address(request: &Request) -> Option<String> {
    context(request.extensions())?.http.source_ip.clone()
}

fn context(extensions: &Extensions) -> Option<&lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}
