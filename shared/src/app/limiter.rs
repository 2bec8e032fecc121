//! Applies rate limits. The counters are in the database, atomic, so that they hold over all instances; what an instance has seen of
//! them it remembers, so that the requests of a refused subject cost nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Error;
use crate::limit::{Class, Counts, Standing, WINDOW_SECONDS, judge, step};
use crate::metric;
use crate::store::Store;

/// How many subjects an instance remembers.
const MEMORY: usize = 10_000;

/// The limits and what this instance remembers of their subjects.
pub struct Limiter {
    general: u64,
    auth: u64,
    admin: u64,
    memory: Mutex<HashMap<(Class, String), Memory>>,
}

/// What is known of a subject without asking.
#[derive(Clone, Copy)]
struct Memory {
    /// The window that `previous` came before.
    window: Timestamp,
    /// The counts of the window before: it is over, so they do not change.
    previous: Counts,
    /// Until when the subject is refused.
    refused_until: Timestamp,
}

impl Limiter {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            general: config.rate_limit,
            auth: config.rate_limit_auth,
            admin: config.rate_limit_admin,
            memory: Mutex::default(),
        }
    }

    /// Wrong passwords in a row that make nobody wait: what two minutes' worth of the limit lets through, 10 by default.
    #[must_use]
    pub fn free_failures(&self) -> u64 {
        self.auth.saturating_mul(2)
    }

    /// Counts a request of `subject` and says how it stands.
    ///
    /// # Errors
    /// [`Error::Throttled`]; under a database that does not answer [`Error::Unavailable`] for [`Class::Auth`], while the others are
    /// let through without a standing.
    pub async fn admit(
        &self,
        store: &Store,
        class: Class,
        subject: &str,
        now: Timestamp,
    ) -> Result<Option<Standing>, Error> {
        let limit = match class {
            Class::General => self.general,
            Class::Auth => self.auth,
            Class::Admin => self.admin,
        };
        let key = (class, subject.to_owned());
        let known = self.lock().get(&key).copied();
        if let Some(known) = known.filter(|known| known.refused_until > now) {
            note_lookup("hit");
            return Err(refusal(class, limit, known.refused_until.since(now)));
        }
        note_lookup("miss");
        let window = Timestamp(now.0 - now.0.rem_euclid(WINDOW_SECONDS));
        let counted = self.counts(store, (class, subject), window, step(now.since(window)), known).await;
        let (previous, current) = match counted {
            Ok(counts) => counts,
            Err(error) => {
                tracing::error!(limit.class = class.as_str(), error.cause = %error, "a request was not counted");
                metrics::counter!(metric::UNCOUNTED, "class" => class.as_str()).increment(1);
                return if class == Class::Auth { Err(Error::Unavailable) } else { Ok(None) };
            }
        };
        let standing = judge(class, limit, &previous, &current, now.since(window));
        let refused_until = if standing.admitted { now } else { now.plus(standing.seconds) };
        self.remember(key, Memory { window, previous, refused_until });
        if standing.admitted { Ok(Some(standing)) } else { Err(refusal(class, limit, standing.seconds)) }
    }

    async fn counts(
        &self,
        store: &Store,
        (class, subject): (Class, &str),
        window: Timestamp,
        step: usize,
        known: Option<Memory>,
    ) -> Result<(Counts, Counts), Error> {
        let class = class.as_str();
        let count = store.count(class, subject, window, step);
        match known.filter(|known| known.window == window) {
            Some(known) => Ok((known.previous, count.await?)),
            None => {
                futures::future::try_join(store.read_counts(class, subject, window.plus(-WINDOW_SECONDS)), count).await
            }
        }
    }

    fn remember(&self, key: (Class, String), memory: Memory) {
        let mut memories = self.lock();
        if memories.len() >= MEMORY {
            // Windows that are over tell nothing; if all are of this one, they are learnt again.
            memories.retain(|_, old| old.window == memory.window);
            if memories.len() >= MEMORY {
                memories.clear();
            }
        }
        memories.insert(key, memory);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Class, String), Memory>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note_lookup(outcome: &'static str) {
    metrics::counter!(metric::CACHE_LOOKUPS, "cache" => "refusals", "outcome" => outcome).increment(1);
}

fn refusal(class: Class, limit: u64, seconds: i64) -> Error {
    Error::Throttled(Standing { class, limit, remaining: 0, seconds: seconds.max(1), admitted: false })
}
