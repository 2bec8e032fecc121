//! What a request uses, collected while it is handled, for its log line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use user_core::id::UserId;

tokio::task_local! {
    static USAGE: Arc<Usage>;
}

/// What one request has used so far.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    half_units: AtomicU64,
    user: OnceLock<UserId>,
}

impl Usage {
    /// The number of database calls, with retries.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The read and write units of the database.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a request uses few")]
    pub fn units(&self) -> f64 {
        self.half_units.load(Ordering::Relaxed) as f64 / 2.0
    }

    /// The user who made the request, once authenticated.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.user.get()
    }
}

/// Runs `work`, and adds to `usage` what it notes.
pub async fn gather<T>(usage: Arc<Usage>, work: impl Future<Output = T>) -> T {
    USAGE.scope(usage, work).await
}

/// Notes a database call with its attempts and units. Units come in halves (`DynamoDB`, read consistency).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few, and never negative")]
pub fn note_call(attempts: u32, units: f64) {
    let _ = USAGE.try_with(|usage| {
        usage.calls.fetch_add(u64::from(attempts), Ordering::Relaxed);
        usage.half_units.fetch_add((units * 2.0).round() as u64, Ordering::Relaxed);
    });
}

/// Notes the user who made the request.
pub fn note_user(user: &UserId) {
    let _ = USAGE.try_with(|usage| usage.user.set(user.clone()));
}
