//! Removes users who did not verify their address, a minute after they expired, ends sessions that removed users left behind, and records
//! the run.

use std::time::{Duration, Instant};

use futures::future::{ready, try_join, try_join_all};
use futures::{StreamExt, stream};
use serde::Serialize;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::event::{Actor, By, Event, EventName};
use user_store::expiry::{Heartbeat, Overdue, Removal, SHARDS};
use user_store::sweep::{LATE_SECONDS, Sweep};
use user_telemetry::{metric, security};

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Verify;

/// Users expire to the second, but they are removed a little later, so that clocks that differ do no harm.
const SLACK_SECONDS: i64 = 60;
/// How many users of one shard are removed at a time.
const AT_A_TIME: usize = 4;
/// The part of the given time that is reserved for counting the remaining users and recording the run.
const RESERVE: Duration = Duration::from_secs(5);

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Users removed.
    pub removed: u64,
    /// Users that were verified or removed in the last moment.
    pub spared: u64,
    /// Removed users whose remaining sessions were looked for.
    pub swept: u64,
    /// Users whose removal or sweep failed; the next run tries again.
    pub failed: u64,
    /// Overdue users that remain (a lower bound if there are very many).
    pub overdue: u64,
    /// Whether the run reached the end of the list before its time was over.
    pub complete: bool,
}

impl Report {
    fn new() -> Self {
        Self { removed: 0, spared: 0, swept: 0, failed: 0, overdue: 0, complete: true }
    }
}

/// Removes as many overdue users as it can in the given time, and stops by itself before that is over.
///
/// # Errors
/// [`Error::Internal`] if the list of overdue users or the record of the run cannot be read or written.
pub async fn handle(app: &App, time: Duration) -> Result<Report, Error> {
    let stop_at = Instant::now() + time.saturating_sub(RESERVE);
    let cutoff = app.clock.now().plus(-SLACK_SECONDS);
    let shards = try_join_all((0..SHARDS).map(|shard| clean(app, shard, cutoff, stop_at)));
    let (shards, mut report) = try_join(shards, sweep(app, stop_at)).await?;
    for shard in shards {
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
    metric::CLEANUPS.add(&[], 1);
    metric::USERS_REMOVED.add(&[], report.removed);
    note_key_age(app).await;
    metric::USERS_OVERDUE.set(f64::from(u32::try_from(report.overdue).unwrap_or(u32::MAX)));
    tracing::info!(
        cleanup.removed = report.removed,
        cleanup.swept = report.swept,
        cleanup.overdue = report.overdue,
        cleanup.failed = report.failed,
        "cleanup"
    );
    Ok(report)
}

/// Reports the age of the signing key, for the alarm on a rotation that fails or does not run.
async fn note_key_age(app: &App) {
    match app.store.read_verification_keys().await {
        Ok(keys) => {
            let seconds = keys.signing_seconds(app.clock.now());
            metric::KEY_AGE.set(f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
        Err(error) => tracing::error!(error.cause = %error, "the keys cannot be read"),
    }
}

async fn clean(app: &App, shard: u64, cutoff: Timestamp, stop_at: Instant) -> Result<Report, Error> {
    let mut report = Report::new();
    let mut place = None;
    loop {
        let (users, next) = app.store.list_overdue(shard, cutoff, place).await?;
        // Removals that have begun are completed and counted; after the time is over no more begin.
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

/// Ends the sessions of users who were removed so long ago that no session can begin any more.
async fn sweep(app: &App, stop_at: Instant) -> Result<Report, Error> {
    let (cutoff, mut report, mut place) = (app.clock.now().plus(-LATE_SECONDS), Report::new(), None);
    loop {
        let (sweeps, next) = app.store.list_sweeps(cutoff, place).await?;
        for noted in sweeps {
            let left = stop_at.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, sweep_one(app, &noted)).await {
                Ok(Ok(())) => report.swept += 1,
                Ok(Err(error)) => {
                    tracing::error!(user.id = %noted.user_id, error.cause = %error, "sessions were not swept");
                    report.failed += 1;
                }
                // Ended sessions stay ended; the next run continues.
                Err(_) => {
                    report.complete = false;
                    return Ok(report);
                }
            }
        }
        if next.is_none() {
            return Ok(report);
        }
        place = next;
    }
}

async fn sweep_one(app: &App, noted: &Sweep) -> Result<(), Error> {
    app.store.sweep(noted).await?;
    app.store.forget_sweep(noted).await
}

async fn remove(app: &App, user: Overdue, cutoff: Timestamp) -> Option<Removal> {
    let removal = app.store.remove_overdue(&user, cutoff).await;
    if let Ok(Removal::Removed) = removal {
        let event = Event::new(EventName::Expired, &user.id, &By::itself(Actor::Service, &app.clock));
        event.iter().for_each(security::note);
    }
    removal.map_err(|error| tracing::error!(user.id = %user.id, error.cause = %error, "a user was not removed")).ok()
}
