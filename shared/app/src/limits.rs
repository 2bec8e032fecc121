//! Rate limits of a request: who is counted, and as what.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::request::Parts;
use axum::extract::FromRequestParts;
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::id::UserId;
use user_core::limit::{Class, Input, RateLimitState};
use user_telemetry::metric;
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use user_web::rate_limit::Ledger;

use crate::App;
use crate::keyring::Keyring;

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
        let RequestOrigin(origin) = RequestOrigin::from_request_parts(parts, app).await?;
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
    /// [`Problem::Throttled`].
    pub async fn general(&self) -> Result<(), Problem> {
        if !self.counted.load(Ordering::Relaxed) {
            self.accept(self.weigh(Class::General, &self.source).await)?;
            self.counted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Counts a call of somebody unknown that takes a password or sends mail, by source.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; [`Problem::Unavailable`] when it cannot be counted.
    pub async fn auth(&self) -> Result<(), Problem> {
        self.accept(self.weigh(Class::Auth, &self.source).await)
    }

    /// Counts a sign-in, by account. The source must be admitted before.
    ///
    /// # Errors
    /// As [`Limits::auth`].
    pub async fn sign_in(&self, account: &EmailKey) -> Result<(), Problem> {
        self.accept(self.weigh(Class::SignIn, &format!("account:{}", account.as_str())).await)
    }

    /// Counts a call of a signed-in user, from wherever it comes.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; for [`Class::Auth`] also [`Problem::Unavailable`] when it cannot be counted.
    pub async fn user(&self, class: Class, user: &UserId) -> Result<(), Problem> {
        self.accept(self.weigh_user(class, user).await)
    }

    /// Whether this instance knows that the source is refused. Nothing is counted.
    pub(super) fn is_source_refused(&self) -> bool {
        self.app.limiter.is_refused(Class::General, &self.source, self.app.clock.now())
    }

    /// Counts a call before it is known whether it is the user's. What comes back is to be accepted or taken back.
    pub(super) async fn weigh_user(&self, class: Class, user: &UserId) -> Result<Option<RateLimitState>, Problem> {
        self.weigh(class, &format!("user:{user}")).await
    }

    /// Goes on if a call is admitted; then the answer's headers tell how its subject stands.
    pub(super) fn accept(&self, weighed: Result<Option<RateLimitState>, Problem>) -> Result<(), Problem> {
        match weighed? {
            Some(state) if !state.admitted => return Err(Problem::Throttled(state)),
            // How an account stands is told in a refusal alone, or each answer would tell a stranger when its owner comes.
            Some(state) if state.class != Class::SignIn => self.ledger.note(state),
            _ => {}
        }
        Ok(())
    }

    /// Takes a call back that was counted and was not the user's, as well as it goes.
    pub(super) async fn take_back(&self, user: &UserId, state: RateLimitState) {
        let Some(at) = state.counted_at else { return };
        let (class, subject) = (state.class, format!("user:{user}"));
        let taken = self.app.limiter.apply(&self.app.store, class, &subject, Input::TakenBack, at);
        if let Err(error) = Box::pin(taken).await {
            tracing::warn!(limit.class = class.as_str(), error.cause = %error, "a count was not taken back");
        }
    }

    /// The keys for reading `token`. The secret is read again for a key that is not known, and not before the source is admitted.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; as [`App::keyring`].
    pub(crate) async fn keyring_for(&self, token: &str) -> Result<Arc<Keyring>, Problem> {
        if !self.app.knows_key_of(token) {
            self.general().await?;
            self.app.seek_keys().await;
        }
        Ok(self.app.keyring()?)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Counts a call. Its subject's state comes back, admitted or not; none for a call that could not be counted and goes on.
    async fn weigh(&self, class: Class, subject: &str) -> Result<Option<RateLimitState>, Problem> {
        let weighed = self.app.limiter.apply(&self.app.store, class, subject, Input::Requested, self.now());
        Box::pin(weighed).await.or_else(|error| {
            tracing::error!(limit.class = class.as_str(), error.cause = %error, "a request was not counted");
            metric::UNCOUNTED.add(&[class.as_str()], 1);
            let is_strict = matches!(class, Class::Auth | Class::SignIn);
            if is_strict { Err(Problem::Unavailable) } else { Ok(None) }
        })
    }
}
