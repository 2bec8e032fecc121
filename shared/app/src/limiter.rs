//! Applies rate limits. The counters are in the database, atomic, so that they hold over all instances; what an instance has seen of
//! them it remembers, so that the requests of a refused subject cost nothing, and those of a frequent one little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join;
use user_config::Config;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::limit::{Class, Input, NETWORKS, Next, RateLimitState, Share};
use user_store::Store;
use user_telemetry::metric;

/// How many subjects an instance remembers.
const MEMORY: usize = 10_000;

/// The limits, and what this instance knows of their subjects.
pub struct Limiter {
    general: u64,
    auth: u64,
    admin: u64,
    shares: Mutex<HashMap<(Class, String), Share>>,
}

impl Limiter {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            general: config.rate_limit,
            auth: config.rate_limit_auth,
            admin: config.rate_limit_admin,
            shares: Mutex::default(),
        }
    }

    /// Wrong passwords in a row from one network that make nobody wait: what two minutes' worth of the limit lets through, 10 by default.
    #[must_use]
    pub fn free_failures(&self) -> u64 {
        self.auth.saturating_mul(2)
    }

    /// Gives an input to the share of a subject, and does in the database what the share asks for. Returns the answer to a request; none
    /// after [`Input::TakenBack`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn apply(
        &self,
        store: &Store,
        class: Class,
        subject: &str,
        mut input: Input,
        now: Timestamp,
    ) -> Result<Option<RateLimitState>, Error> {
        let key = (class, subject.to_owned());
        loop {
            input = match self.next(&key, input, now) {
                Next::Answer(state) => return Ok(Some(state)),
                Next::Count { requests, previous } => {
                    let count = store.count(class, subject, requests.cast_signed(), now);
                    let (previous, current) = match previous {
                        Some(previous) => (previous, count.await?),
                        None => try_join(store.read_previous_counts(class, subject, now), count).await?,
                    };
                    Input::Counted { requests, previous, current }
                }
                Next::TakeBack { requests } => {
                    store.count(class, subject, -requests.cast_signed(), now).await?;
                    return Ok(None);
                }
            };
        }
    }

    /// Whether this instance knows that a subject is refused now. Nothing is counted.
    #[must_use]
    pub fn is_refused(&self, class: Class, subject: &str, now: Timestamp) -> bool {
        self.lock().get(&(class, subject.to_owned())).is_some_and(|share| share.is_refused(now))
    }

    fn limit(&self, class: Class) -> u64 {
        match class {
            Class::General => self.general,
            Class::Auth => self.auth,
            Class::SignIn => self.auth.saturating_mul(NETWORKS),
            Class::Admin => self.admin,
        }
    }

    fn next(&self, key: &(Class, String), input: Input, now: Timestamp) -> Next {
        let mut shares = self.lock();
        if shares.len() >= MEMORY && !shares.contains_key(key) {
            // Windows that are over tell nothing; if all are of this one, they are learnt again.
            shares.retain(|_, share| share.previous(now).is_some());
            if shares.len() >= MEMORY {
                shares.clear();
            }
        }
        let share = match shares.get_mut(key) {
            Some(share) => share,
            None => shares.entry(key.clone()).or_insert(Share::new(key.0, self.limit(key.0))),
        };
        if input == Input::Requested {
            metric::CACHE_LOOKUPS.add(&["refusals", if share.is_refused(now) { "hit" } else { "miss" }], 1);
        }
        share.next(input, now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Class, String), Share>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
