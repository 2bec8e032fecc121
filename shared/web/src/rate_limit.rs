//! How a request stands against the rate limits, as its answer tells it (IETF draft-ietf-httpapi-ratelimit-headers).

use std::sync::{Arc, Mutex, PoisonError};

use ::http::{HeaderMap, HeaderName, HeaderValue, header};
use user_core::limit::{Standing, WINDOW_SECONDS};

/// The scarcest standing of a request, for its answer's headers.
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Option<Standing>>>);

impl Ledger {
    /// Keeps a standing, if it is the scarcest so far.
    pub fn note(&self, standing: Standing) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_none_or(|noted| standing.remaining < noted.remaining) {
            *noted = Some(standing);
        }
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
