//! Rate limits of a request: who is counted, and as what.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ::http::request::Parts;
use axum::extract::FromRequestParts;
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::id::UserId;
use user_core::limit::Class;
use user_web::extract::RequestOrigin;
use user_web::problem::Problem;
use user_web::rate_limit::Ledger;

use crate::App;
use crate::keyring::Keyring;
use crate::limiter::Weighed;

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
            self.admit(Class::General, &self.source).await?;
            self.counted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Counts a call of somebody unknown that takes a password or sends mail, by source.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; [`Problem::Unavailable`] when it cannot be counted.
    pub async fn auth(&self) -> Result<(), Problem> {
        self.admit(Class::Auth, &self.source).await
    }

    /// Counts a sign-in, by account. The source must be admitted before. How an account stands is told in a refusal alone, or each
    /// answer would tell a stranger when its owner comes.
    ///
    /// # Errors
    /// As [`Limits::auth`].
    pub async fn sign_in(&self, account: &EmailKey) -> Result<(), Problem> {
        self.weigh(Class::SignIn, &format!("account:{}", account.as_str())).await.outcome.map(|_| ())
    }

    /// Counts a call of a signed-in user, from wherever it comes.
    ///
    /// # Errors
    /// [`Problem::Throttled`]; for [`Class::Auth`] also [`Problem::Unavailable`] when it cannot be counted.
    pub async fn user(&self, class: Class, user: &UserId) -> Result<(), Problem> {
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
    pub(super) fn accept(&self, weighed: Weighed) -> Result<(), Problem> {
        weighed.outcome?.into_iter().for_each(|state| self.ledger.note(state));
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

    async fn admit(&self, class: Class, subject: &str) -> Result<(), Problem> {
        let weighed = self.weigh(class, subject).await;
        self.accept(weighed)
    }

    async fn weigh(&self, class: Class, subject: &str) -> Weighed {
        Box::pin(self.app.limiter.weigh(&self.app.store, class, subject, self.app.clock.now())).await
    }
}
