//! Rate limits at the HTTP edge: who is counted, and the headers that tell how he stands (IETF draft-ietf-httpapi-ratelimit-headers).

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::extract::FromRequestParts;

use crate::app::App;
use crate::error::Error;
use crate::limit::{Class, Standing, WINDOW_SECONDS};
use crate::session::Origin;

/// The scarcest standing of a request, for its answer's headers.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Option<Standing>>>);

impl Ledger {
    fn note(&self, standing: Standing) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none_or(|noted| standing.remaining < noted.remaining) {
            *noted = Some(standing);
        }
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits of this request's sender.
pub struct Limits {
    app: App,
    ledger: Ledger,
    source: String,
}

impl FromRequestParts<App> for Limits {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ledger = parts.extensions.get::<Ledger>().cloned().unwrap_or_default();
        let origin = Origin::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), ledger, source: source(&origin.ip) })
    }
}

impl Limits {
    /// Counts a call of somebody unknown, by source address.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub async fn general(&self) -> Result<(), Error> {
        self.admit(Class::General, &self.source).await
    }

    /// Counts a call that takes a password or sends mail, by source address and by account.
    ///
    /// # Errors
    /// [`Error::Throttled`]; [`Error::Unavailable`] when it cannot be counted.
    pub async fn auth(&self, account: &str) -> Result<(), Error> {
        let (source, account) = futures::future::join(self.auth_source(), self.auth_account(account)).await;
        source.and(account)
    }

    /// The part of [`Limits::auth`] that is about the source address.
    ///
    /// # Errors
    /// As there.
    pub async fn auth_source(&self) -> Result<(), Error> {
        self.admit(Class::Auth, &self.source).await
    }

    /// The part of [`Limits::auth`] that is about the account.
    ///
    /// # Errors
    /// As there.
    pub async fn auth_account(&self, account: &str) -> Result<(), Error> {
        self.admit(Class::Auth, &format!("account:{account}")).await
    }

    /// Counts a call of a signed-in user.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub(super) async fn user(&self, class: Class, user: &str) -> Result<(), Error> {
        self.admit(class, &format!("user:{user}")).await
    }

    async fn admit(&self, class: Class, subject: &str) -> Result<(), Error> {
        let standing = Box::pin(self.app.limiter.admit(&self.app.store, class, subject, self.app.clock.now())).await?;
        standing.into_iter().for_each(|standing| self.ledger.note(standing));
        Ok(())
    }
}

/// Whom a source address stands for: an IPv4 address for itself, an IPv6 address for its network of 64 bits (RFC 6177).
fn source(ip: &str) -> String {
    match ip.parse() {
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("source:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => format!("source:{ip}"),
    }
}

/// Writes the headers of a standing; after a refusal also `Retry-After`, in seconds.
pub(super) fn write(headers: &mut HeaderMap, standing: &Standing) {
    let Standing { class, limit, remaining, seconds, admitted } = standing;
    let class = class.as_str();
    let mut set = |name, value: String| HeaderValue::from_str(&value).map(|value| headers.insert(name, value)).ok();
    set(HeaderName::from_static("ratelimit-policy"), format!("\"{class}\";q={limit};w={WINDOW_SECONDS}"));
    set(HeaderName::from_static("ratelimit"), format!("\"{class}\";r={remaining};t={seconds}"));
    if !admitted {
        set(header::RETRY_AFTER, seconds.to_string());
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_ipv6_network_is_one_source() {
        assert_eq!(super::source("2001:db8:1:2:3:4:5:6"), super::source("2001:db8:1:2::9"));
        assert_ne!(super::source("2001:db8:1:2::9"), super::source("2001:db8:1:3::9"));
        assert_eq!(super::source("192.0.2.1"), "source:192.0.2.1");
    }
}
