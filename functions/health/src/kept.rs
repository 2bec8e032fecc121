//! The outcome of a check is reused for a few seconds: anybody may call these routes at any rate, and each check makes database calls.

use std::future::Future;

use tokio::sync::Mutex;
use user_core::clock::Clock;

use crate::checks::Check;

/// How long an outcome is reused, healthy or not, in seconds.
pub(crate) const KEPT_SECONDS: i64 = 5;

/// The last outcome of one check of this instance.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Check>>);

impl Kept {
    /// The last outcome, if it is less than [`KEPT_SECONDS`] old, or that of a new `run`. Callers that arrive during a run wait for it, so
    /// that any number of requests costs one run.
    pub(crate) async fn or(&self, clock: &Clock, run: impl Future<Output = Check>) -> Check {
        let mut kept = self.0.lock().await;
        let now = clock.now();
        if let Some(check) = kept.as_ref().filter(|check| (0..KEPT_SECONDS).contains(&now.since(check.checked_at))) {
            return check.clone();
        }
        let check = run.await;
        *kept = Some(check.clone());
        check
    }
}
