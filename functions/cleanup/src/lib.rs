//! Removes users that never proved their address, a minute after their time is over, and leaves a note of the run.

use std::time::{Duration, Instant};

use futures::future::{ready, try_join_all};
use futures::{StreamExt, stream};
use serde::Serialize;
use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::event::{Actor, By, Event, Name};
use user_core::metric;
use user_core::store::expiry::{Heartbeat, Overdue, Removal, SHARDS};

/// Users are over at their second; removing them may take its time, so that clocks that differ do no harm.
const SLACK_SECONDS: i64 = 60;
/// How many users of one shard are removed at a time.
const AT_A_TIME: usize = 4;
/// What is kept of the time given, for counting what is left and writing the note.
const RESERVE: Duration = Duration::from_secs(5);

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Users removed.
    pub removed: u64,
    /// Users that were verified, or gone, at the last moment.
    pub spared: u64,
    /// Users whose removal failed; the next run tries again.
    pub failed: u64,
    /// Overdue users left (at least so many, where there are very many).
    pub overdue: u64,
    /// Whether the run came to the end of the list before its time was over.
    pub complete: bool,
}

/// Removes all overdue users it can in the time given, and stops by itself before that is over.
///
/// # Errors
/// [`Error::Internal`] when the list of overdue users or the note cannot be read or written.
pub async fn handle(app: &App, time: Duration) -> Result<Report, Error> {
    let stop_at = Instant::now() + time.saturating_sub(RESERVE);
    let cutoff = app.clock.now().plus(-SLACK_SECONDS);
    let mut report = Report { removed: 0, spared: 0, failed: 0, overdue: 0, complete: true };
    for shard in try_join_all((0..SHARDS).map(|shard| clean(app, shard, cutoff, stop_at))).await? {
        report.removed += shard.removed;
        report.spared += shard.spared;
        report.failed += shard.failed;
        report.complete &= shard.complete;
    }
    if !report.complete || report.failed > 0 {
        let left = try_join_all((0..SHARDS).map(|shard| app.store.count_overdue(shard, cutoff))).await?;
        report.overdue = left.iter().sum();
    }
    let note = Heartbeat { ended_at: app.clock.now(), removed: report.removed, overdue: report.overdue };
    app.store.write_heartbeat(&note).await?;
    metrics::counter!(metric::USERS_REMOVED).increment(report.removed);
    metrics::gauge!(metric::USERS_OVERDUE).set(f64::from(u32::try_from(report.overdue).unwrap_or(u32::MAX)));
    tracing::info!(
        cleanup.removed = report.removed,
        cleanup.overdue = report.overdue,
        cleanup.failed = report.failed,
        "cleanup"
    );
    Ok(report)
}

async fn clean(app: &App, shard: u64, cutoff: Timestamp, stop_at: Instant) -> Result<Report, Error> {
    let mut report = Report { removed: 0, spared: 0, failed: 0, overdue: 0, complete: true };
    let mut place = None;
    loop {
        let (users, next) = app.store.list_overdue(shard, cutoff, place).await?;
        // What has begun is brought to its end and counted; when time is over no more begins.
        let users = stream::iter(users).take_while(|_| ready(Instant::now() < stop_at));
        let mut removals = users.map(|user| remove(app, user, cutoff)).buffer_unordered(AT_A_TIME);
        while let Some(removal) = removals.next().await {
            match removal {
                Some(Removal::Removed) => report.removed += 1,
                Some(Removal::Spared) => report.spared += 1,
                None => report.failed += 1,
            }
        }
        if Instant::now() >= stop_at {
            report.complete = false;
            return Ok(report);
        }
        if next.is_none() {
            return Ok(report);
        }
        place = next;
    }
}

async fn remove(app: &App, user: Overdue, cutoff: Timestamp) -> Option<Removal> {
    let removal = app.store.remove_overdue(&user, cutoff).await;
    if let Ok(Removal::Removed) = removal {
        let event = Event::new(Name::Expired, &user.id, &By::itself(Actor::Service, &app.clock));
        event.iter().for_each(Event::log);
    }
    removal.map_err(|error| tracing::error!(user.id = %user.id, error.cause = %error, "a user was not removed")).ok()
}
