//! Applies rate limits. The counters are in the database, atomic, so that they hold over all instances; what an instance has seen of
//! them it remembers, so that the requests of a refused subject cost nothing, and those of a frequent one little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::error::Error;
use crate::limit::{Class, Counts, Share, Standing, WINDOW_SECONDS, judge, step, step_of};
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
#[derive(Clone, Copy, Default)]
struct Memory {
    /// The window that `previous` came before.
    window: Timestamp,
    /// The counts of the window before: it is over, so they do not change.
    previous: Counts,
    /// Until when the subject is refused.
    refused_until: Timestamp,
    /// What was counted ahead.
    share: Share,
}

/// What an instance's memory says of a request.
enum Recalled {
    /// Its subject is refused, for so many seconds more.
    Refused(i64),
    /// It was counted ahead; so many are left.
    Counted(u64),
    /// It is to be counted, with so many altogether; the counts of the window before, if they are known.
    Nothing { previous: Option<Counts>, asked: u64 },
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
        let window = Timestamp(now.0 - now.0.rem_euclid(WINDOW_SECONDS));
        let elapsed = now.since(window);
        let key = (class, subject.to_owned());
        let (previous, asked) = match self.recall(&key, window, now) {
            Recalled::Refused(seconds) => return Err(refusal(class, limit, seconds)),
            Recalled::Counted(remaining) => return Ok(Some(Standing::ahead(class, limit, remaining, elapsed))),
            Recalled::Nothing { previous, asked } => (previous, asked),
        };
        let count = store.count(class.as_str(), subject, window, step(elapsed), asked);
        let counted = match previous {
            Some(previous) => count.await.map(|current| (previous, current)),
            None => try_join(store.read_counts(class.as_str(), subject, window.plus(-WINDOW_SECONDS)), count).await,
        };
        let (previous, current) = match counted {
            Ok(counts) => counts,
            Err(error) => {
                tracing::error!(limit.class = class.as_str(), error.cause = %error, "a request was not counted");
                metrics::counter!(metric::UNCOUNTED, "class" => class.as_str()).increment(1);
                return if class == Class::Auth { Err(Error::Unavailable) } else { Ok(None) };
            }
        };
        let (standing, left) = judge(class, limit, &previous, &current, elapsed, asked);
        let refused_until = if standing.admitted { now } else { now.plus(standing.seconds) };
        self.remember(key, window, |memory| {
            (memory.window, memory.previous, memory.refused_until) = (window, previous, refused_until);
            memory.share.counted(step_of(now), asked, left, &standing);
        });
        if standing.admitted { Ok(Some(standing)) } else { Err(refusal(class, limit, standing.seconds)) }
    }

    /// What the memory says of a request.
    fn recall(&self, key: &(Class, String), window: Timestamp, now: Timestamp) -> Recalled {
        let mut memories = self.lock();
        let known = memories.get_mut(key);
        let refused = known.as_ref().map_or(0, |known| known.refused_until.since(now));
        note_lookup(if refused > 0 { "hit" } else { "miss" });
        let Some(known) = known else { return Recalled::Nothing { previous: None, asked: 1 } };
        if refused > 0 {
            return Recalled::Refused(refused);
        }
        if let Some(remaining) = known.share.serve(step_of(now)) {
            return Recalled::Counted(remaining);
        }
        let previous = (known.window == window).then_some(known.previous);
        Recalled::Nothing { previous, asked: known.share.ask(step_of(now)) }
    }

    fn remember(&self, key: (Class, String), window: Timestamp, learn: impl FnOnce(&mut Memory)) {
        let mut memories = self.lock();
        if memories.len() >= MEMORY && !memories.contains_key(&key) {
            // Windows that are over tell nothing; if all are of this one, they are learnt again.
            memories.retain(|_, old| old.window == window);
            if memories.len() >= MEMORY {
                memories.clear();
            }
        }
        learn(memories.entry(key).or_default());
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
