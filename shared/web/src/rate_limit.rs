//! The state of a request's rate limits, as the answer tells it (IETF draft-ietf-httpapi-ratelimit-headers).

use std::sync::{Arc, Mutex, PoisonError};

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use user_core::limit::{RateLimitState, WINDOW_SECONDS};

/// The state with the fewest requests left, for the headers of the answer.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Option<RateLimitState>>>);

impl Ledger {
    /// Keeps a state if it has fewer requests left than the one before.
    pub fn note(&self, state: RateLimitState) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none_or(|noted| state.remaining < noted.remaining) {
            *noted = Some(state);
        }
    }

    pub(super) fn state(&self) -> Option<RateLimitState> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the headers of a state; after a refusal also `Retry-After`, in seconds.
pub(super) fn write(headers: &mut HeaderMap, state: &RateLimitState) {
    let RateLimitState { class, limit, remaining, seconds, admitted, counted_at: _ } = state;
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
