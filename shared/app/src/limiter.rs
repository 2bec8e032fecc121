//! Applies rate limits. The counters are in the database, atomic, so that they hold over all instances; what an instance has seen of
//! them it remembers, so that the requests of a refused subject cost nothing, and those of a frequent one little.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join;
use user_config::Config;
use user_core::clock::Timestamp;
use user_core::limit::{Class, Counts, NETWORKS, RateLimitState, Share, WINDOW_SECONDS, judge, step, step_of};
use user_store::Store;
use user_telemetry::metric;
use user_web::problem::Problem;

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

/// What became of a request.
pub struct Weighed {
    /// When it was counted; it was not when its subject was known to be refused, nor when the database did not answer.
    pub counted_at: Option<Timestamp>,
    /// How the subject stands, or [`Problem::Throttled`]; under a database that does not answer [`Problem::Unavailable`] for
    /// [`Class::Auth`] and [`Class::SignIn`], while the others are let through without a state.
    pub outcome: Result<Option<RateLimitState>, Problem>,
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

    /// Wrong passwords in a row from one network that make nobody wait: what two minutes' worth of the limit lets through, 10 by default.
    #[must_use]
    pub fn free_failures(&self) -> u64 {
        self.auth.saturating_mul(2)
    }

    /// Counts a request of `subject` and says how it stands.
    pub async fn weigh(&self, store: &Store, class: Class, subject: &str, now: Timestamp) -> Weighed {
        let limit = self.limit(class);
        let window = window_of(now);
        let elapsed = now.since(window);
        let key = (class, subject.to_owned());
        let weighed = |is_counted: bool, outcome| Weighed { counted_at: is_counted.then_some(now), outcome };
        let (previous, asked) = match self.recall(&key, window, now) {
            Recalled::Refused(seconds) => return weighed(false, Err(refusal(class, limit, seconds))),
            Recalled::Counted(left) => {
                return weighed(true, Ok(Some(RateLimitState::ahead(class, limit, left, elapsed))));
            }
            Recalled::Nothing { previous, asked } => (previous, asked),
        };
        let count = store.count(class.as_str(), subject, window, step(elapsed), asked.cast_signed());
        let counted = match previous {
            Some(previous) => count.await.map(|current| (previous, current)),
            None => try_join(store.read_counts(class.as_str(), subject, window.plus(-WINDOW_SECONDS)), count).await,
        };
        let (previous, current) = match counted {
            Ok(counts) => counts,
            Err(error) => {
                tracing::error!(limit.class = class.as_str(), error.cause = %error, "a request was not counted");
                metric::UNCOUNTED.add(&[class.as_str()], 1);
                let is_strict = matches!(class, Class::Auth | Class::SignIn);
                return weighed(false, if is_strict { Err(Problem::Unavailable) } else { Ok(None) });
            }
        };
        let (state, left) = judge(class, limit, &previous, &current, elapsed, asked);
        let refused_until = if state.admitted { now } else { now.plus(state.seconds) };
        self.remember(key, window, |memory| {
            (memory.window, memory.previous, memory.refused_until) = (window, previous, refused_until);
            memory.share.counted(step_of(now), asked, left, &state);
        });
        let refused = || refusal(class, limit, state.seconds);
        weighed(true, state.admitted.then_some(Some(state)).ok_or_else(refused))
    }

    /// Whether this instance knows that a subject is refused now. Nothing is counted.
    #[must_use]
    pub fn is_refused(&self, class: Class, subject: &str, now: Timestamp) -> bool {
        self.lock().get(&(class, subject.to_owned())).is_some_and(|known| known.refused_until > now)
    }

    /// Takes a request back that was counted at `at` and was not the subject's, as well as it goes: with what was counted ahead
    /// for it and not used, and with what it led to.
    pub async fn take_back(&self, store: &Store, class: Class, subject: &str, at: Timestamp) {
        let (window, mut requests) = (window_of(at), 1_u64);
        if let Some(memory) = self.lock().get_mut(&(class, subject.to_owned())) {
            requests += memory.share.give_up(step_of(at));
            // Its counts are read again.
            *memory = Memory { share: memory.share, ..Memory::default() };
        }
        let taken = store.count(class.as_str(), subject, window, step(at.since(window)), -requests.cast_signed());
        if let Err(error) = taken.await {
            tracing::warn!(limit.class = class.as_str(), error.cause = %error, "a count was not taken back");
        }
    }

    fn limit(&self, class: Class) -> u64 {
        match class {
            Class::General => self.general,
            Class::Auth => self.auth,
            Class::SignIn => self.auth.saturating_mul(NETWORKS),
            Class::Admin => self.admin,
        }
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

/// The window that a moment lies in.
fn window_of(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - now.0.rem_euclid(WINDOW_SECONDS))
}

fn note_lookup(outcome: &'static str) {
    metric::CACHE_LOOKUPS.add(&["refusals", outcome], 1);
}

fn refusal(class: Class, limit: u64, seconds: i64) -> Problem {
    Problem::Throttled(RateLimitState { class, limit, remaining: 0, seconds: seconds.max(1), admitted: false })
}
