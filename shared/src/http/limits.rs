//! Rate limits at the HTTP edge: who is counted, and the headers that tell how he stands (IETF draft-ietf-httpapi-ratelimit-headers).

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::http::request::Parts;
use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::extract::FromRequestParts;

use crate::app::App;
use crate::app::keyring::Keyring;
use crate::app::limiter::Weighed;
use crate::email::EmailKey;
use crate::error::Error;
use crate::id::UserId;
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

/// The limits of this request's sender. The source is judged before anything else is read or counted: what a refused one names
/// costs nobody anything.
pub struct Limits {
    app: App,
    ledger: Ledger,
    source: String,
    /// Whether the request was counted by its source as one of [`Class::General`].
    counted: AtomicBool,
}

impl FromRequestParts<App> for Limits {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let ledger = parts.extensions.get::<Ledger>().cloned().unwrap_or_default();
        let origin = Origin::from_request_parts(parts, app).await?;
        Ok(Self {
            app: app.clone(),
            ledger,
            source: format!("source:{}", origin.network()),
            counted: AtomicBool::default(),
        })
    }
}

impl Limits {
    /// Counts a call of somebody unknown, by source; once, however often it is asked for.
    ///
    /// # Errors
    /// [`Error::Throttled`].
    pub async fn general(&self) -> Result<(), Error> {
        if !self.counted.load(Ordering::Relaxed) {
            self.admit(Class::General, &self.source).await?;
            self.counted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Counts a call of somebody unknown that takes a password or sends mail, by source.
    ///
    /// # Errors
    /// [`Error::Throttled`]; [`Error::Unavailable`] when it cannot be counted.
    pub async fn auth(&self) -> Result<(), Error> {
        self.admit(Class::Auth, &self.source).await
    }

    /// Counts a sign-in, by account. The source must be admitted before. How an account stands is told in a refusal alone, or each
    /// answer would tell a stranger when its owner comes.
    ///
    /// # Errors
    /// As [`Limits::auth`].
    pub async fn sign_in(&self, account: &EmailKey) -> Result<(), Error> {
        self.weigh(Class::SignIn, &format!("account:{}", account.as_str())).await.outcome.map(|_| ())
    }

    /// Counts a call of a signed-in user, from wherever it comes.
    ///
    /// # Errors
    /// [`Error::Throttled`]; for [`Class::Auth`] also [`Error::Unavailable`] when it cannot be counted.
    pub async fn user(&self, class: Class, user: &UserId) -> Result<(), Error> {
        self.admit(class, &format!("user:{user}")).await
    }

    /// Whether this instance knows that the source is refused. Nothing is counted.
    pub(super) fn is_source_refused(&self) -> bool {
        self.app.limiter.is_refused(Class::General, &self.source, self.app.clock.now())
    }

    /// Counts a call before it is known whether it is the user's: it is to be accepted or taken back.
    pub(super) async fn weigh_user(&self, class: Class, user: &UserId) -> Weighed {
        self.weigh(class, &format!("user:{user}")).await
    }

    /// Goes on if a call that was counted is admitted.
    pub(super) fn accept(&self, weighed: Weighed) -> Result<(), Error> {
        weighed.outcome?.into_iter().for_each(|standing| self.ledger.note(standing));
        Ok(())
    }

    /// Takes the count of a call back that was not the user's.
    pub(super) async fn take_back(&self, class: Class, user: &UserId, weighed: &Weighed) {
        if let Some(at) = weighed.counted_at {
            Box::pin(self.app.limiter.take_back(&self.app.store, class, &format!("user:{user}"), at)).await;
        }
    }

    /// The keys for reading `token`. The secret is read again for a key that is not known, and not before the source is admitted.
    ///
    /// # Errors
    /// [`Error::Throttled`]; as [`App::keyring`].
    pub async fn keyring_for(&self, token: &str) -> Result<Arc<Keyring>, Error> {
        if !self.app.knows_key_of(token) {
            self.general().await?;
            self.app.seek_keys().await;
        }
        self.app.keyring()
    }

    async fn admit(&self, class: Class, subject: &str) -> Result<(), Error> {
        let weighed = self.weigh(class, subject).await;
        self.accept(weighed)
    }

    async fn weigh(&self, class: Class, subject: &str) -> Weighed {
        Box::pin(self.app.limiter.weigh(&self.app.store, class, subject, self.app.clock.now())).await
    }
}

/// Writes the headers of a standing; after a refusal also `Retry-After`, in seconds.
pub(super) fn write(headers: &mut HeaderMap, standing: &Standing) {
    let Standing { class, limit, remaining, seconds, admitted } = standing;
    let class = class.as_str();
    let mut set = |name, value: String| HeaderValue::from_str(&value).map(|value| headers.insert(name, value)).ok();
    if *limit > 0 {
        set(HeaderName::from_static("ratelimit-policy"), format!("\"{class}\";q={limit};w={WINDOW_SECONDS}"));
        set(HeaderName::from_static("ratelimit"), format!("\"{class}\";r={remaining};t={seconds}"));
    }
    if !admitted {
        set(header::RETRY_AFTER, seconds.to_string());
    }
}
