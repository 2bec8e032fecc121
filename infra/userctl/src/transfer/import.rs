//! Imports users from a file into the store. Several transactions are in flight; each user is written completely or not at all. Existing
//! users are skipped, so that an interrupted import can be started again unchanged.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use template::Fault;
use user_core::clock::Timestamp;
use user_core::error::{Error, Refusal};
use user_store::Store;

use super::read::{Line, Lines};
use super::reject::Rejects;
use super::row::Rules;
use super::{Format, cognito, fastapi, progress, read};
use crate::records::Records;
use crate::records::import::{ARRIVALS_AT_ONCE, Arrival, Landing};
use crate::stage::Stage;

/// How many transactions are in flight.
const FLIGHTS: usize = 8;
/// How long to wait for a database that does not answer, in seconds, longer each time.
const PAUSES: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// The origin of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An export of this service.
    Export(Format),
    /// The users table of a FastAPI service on `PostgreSQL`.
    FastapiPostgres,
    /// Cognito's `list-users`.
    Cognito,
}

/// What to import, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// The origin of the file.
    pub source: Source,
    /// Where rejected rows go.
    pub rejects: PathBuf,
    /// Whether to write nothing.
    pub dry_run: bool,
    /// Whether unverified users expire as new ones do, unless they verify their address in time.
    pub expire_unverified: bool,
    /// Whether to drop a hash of unknown format instead of rejecting its row.
    pub drop_unknown_hashes: bool,
}

/// The outcome of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many rows there were.
    pub rows: u64,
    /// How many users were written; in a dry run, how many would be.
    pub written: u64,
    /// How many users existed already.
    pub known: u64,
    /// How many were rejected, for each reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "rows": self.rows, "written": self.written, "known": self.known, "rejected": self.rejected })
    }

    /// For people.
    #[must_use]
    pub fn text(&self, plan: &Plan) -> String {
        let would = if plan.dry_run { "would be written" } else { "written" };
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let mut lines = vec![format!("{} {rows}: {} {would}, {} known", self.rows, self.written, self.known)];
        lines.extend(self.rejected.iter().map(|(code, count)| format!("rejected  {code}  {count}")));
        if !self.rejected.is_empty() {
            lines.push(format!("which and why: {}", plan.rejects.display()));
        }
        lines.join("\n")
    }
}

/// Users that are imported together, each with its line.
type Chunk = Vec<(u64, Arrival)>;
type Flight<'a> = Pin<Box<dyn Future<Output = (Chunk, Result<Vec<Landing>, Error>)> + 'a>>;

struct Import<'a> {
    store: &'a Store,
    plan: &'a Plan,
    rules: Rules,
    now: Timestamp,
    rejects: Rejects,
    summary: Summary,
    chunk: Chunk,
    flights: FuturesUnordered<Flight<'a>>,
    /// Addresses and identifiers in the chunk and in flight. Rows that share one of them are imported one after the other.
    busy: HashSet<String>,
    /// The lines of a foreign table, by a hash of the address's key, since its addresses may differ only in letter case.
    seen: Option<(RandomState, HashMap<u64, u64>)>,
    /// Whether to look for existing users first; true as long as the chunk that landed last had a row that was not written.
    look: bool,
}

/// Imports a file.
///
/// # Errors
/// If the file cannot be read or has unknown columns, or if the database still does not answer after all pauses. The next run skips what
/// was imported until then.
pub async fn import(stage: &Stage, plan: &Plan, hidden: bool) -> Result<Summary, Fault> {
    let same = |file: &Path| std::fs::canonicalize(file).ok();
    if same(&plan.file).is_some_and(|file| same(&plan.rejects) == Some(file)) {
        return Err("--rejects names the file that is imported".into());
    }
    let opened = read::open(&plan.file)?;
    let bar = if hidden { ProgressBar::hidden() } else { progress::bar(opened.length) };
    let lines = match plan.source {
        Source::Export(format) => read::rows(opened.reader, format),
        Source::FastapiPostgres => fastapi::rows(opened.reader)?,
        Source::Cognito => cognito::rows(opened.reader),
    };
    let now = stage.clock.now();
    let unverified_ttl = plan.expire_unverified.then_some(stage.config.unverified_user_ttl_seconds);
    let import = Import {
        store: &stage.store,
        plan,
        rules: Rules { now, unverified_ttl, drop_unknown_hashes: plan.drop_unknown_hashes },
        now,
        rejects: Rejects::create(&plan.rejects)?,
        summary: Summary::default(),
        chunk: Vec::new(),
        flights: FuturesUnordered::new(),
        busy: HashSet::new(),
        seen: (plan.source == Source::FastapiPostgres).then(Default::default),
        look: true,
    };
    let outcome = Box::pin(import.run(lines, &bar, &opened.position)).await;
    bar.finish_and_clear();
    outcome
}

impl Import<'_> {
    async fn run(mut self, lines: Lines, bar: &ProgressBar, position: &Arc<AtomicU64>) -> Result<Summary, Fault> {
        for line in lines {
            self.take(line?).await?;
            if self.summary.rows.is_multiple_of(500) {
                bar.set_position(position.load(Ordering::Relaxed));
                progress::show(bar, self.summary.rows, "users");
            }
        }
        self.drain().await?;
        self.summary.rejected = self.rejects.finish()?;
        Ok(self.summary)
    }

    async fn take(&mut self, line: Line) -> Result<(), Fault> {
        self.summary.rows += 1;
        let row = match line.row {
            Ok(row) => row,
            Err(refusal) => return Ok(self.rejects.add(line.number, ("", ""), &refusal)?),
        };
        let (id, email) = (row.id.clone(), row.email.clone());
        let arrival = row.arrival(self.rules).and_then(|arrival| self.first_with_address(line.number, arrival));
        let arrival = match arrival {
            Ok(arrival) => arrival,
            Err(refusal) => return Ok(self.rejects.add(line.number, (id.as_str(), email.as_str()), &refusal)?),
        };
        let keys = keys(&arrival);
        if keys.iter().any(|key| self.busy.contains(key)) {
            self.drain().await?;
        }
        self.busy.extend(keys);
        self.chunk.push((line.number, arrival));
        if self.chunk.len() == ARRIVALS_AT_ONCE {
            self.start();
            while self.flights.len() >= FLIGHTS {
                self.land().await?;
            }
        }
        Ok(())
    }

    /// Accepts the first user of a foreign table with an address, and refuses the others.
    fn first_with_address(&mut self, line: u64, arrival: Arrival) -> Result<Arrival, Refusal> {
        let Some((hasher, lines)) = &mut self.seen else { return Ok(arrival) };
        match lines.entry(hasher.hash_one(arrival.user.email.key().as_str())) {
            Entry::Vacant(place) => {
                place.insert(line);
                Ok(arrival)
            }
            Entry::Occupied(first) => {
                let detail = format!("the address of line {}, perhaps in other letter case", first.get());
                Err(Refusal::new("same-address", detail))
            }
        }
    }

    fn start(&mut self) {
        let chunk = std::mem::take(&mut self.chunk);
        if !chunk.is_empty() {
            self.flights.push(Box::pin(fly(self.store, chunk, self.plan.dry_run, self.look, self.now)));
        }
    }

    async fn drain(&mut self) -> Result<(), Fault> {
        self.start();
        while !self.flights.is_empty() {
            self.land().await?;
        }
        Ok(())
    }

    /// Waits for one transaction in flight, and records its outcome.
    async fn land(&mut self) -> Result<(), Fault> {
        let Some((chunk, landings)) = self.flights.next().await else { return Ok(()) };
        let landings = landings?;
        self.look = landings.iter().any(|landing| *landing != Landing::Written);
        for ((line, arrival), landing) in chunk.iter().zip(landings) {
            keys(arrival).iter().for_each(|key| {
                self.busy.remove(key);
            });
            let refusal = match landing {
                Landing::Written => {
                    self.summary.written += 1;
                    continue;
                }
                Landing::Known => {
                    self.summary.known += 1;
                    continue;
                }
                Landing::EmailTaken => Refusal::new("email-taken", "another user has this address"),
                Landing::IdTaken => Refusal::new("id-taken", "a user with this id is there, and differs"),
            };
            let user = &arrival.user;
            self.rejects.add(*line, (user.id.as_str(), user.email.as_str()), &refusal)?;
        }
        Ok(())
    }
}

fn keys(arrival: &Arrival) -> [String; 2] {
    [format!("id {}", arrival.user.id), format!("at {}", arrival.user.email.key().as_str())]
}

/// Writes a chunk, or only reads for a dry run, and tries again while the database does not answer.
async fn fly(
    store: &Store,
    chunk: Chunk,
    dry_run: bool,
    look: bool,
    now: Timestamp,
) -> (Chunk, Result<Vec<Landing>, Error>) {
    let arrivals: Vec<_> = chunk.iter().map(|(_, arrival)| arrival.clone()).collect();
    let mut look = look;
    let mut pauses = PAUSES.into_iter();
    loop {
        let outcome = if dry_run {
            let found = Records(store).look_for(&arrivals, now).await;
            found.map(|found| found.into_iter().map(|landing| landing.unwrap_or(Landing::Written)).collect())
        } else {
            Records(store).take_in(&arrivals, look, now).await
        };
        match (outcome, pauses.next()) {
            (Err(Error::Unavailable | Error::Busy), Some(pause)) => {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                look = true;
            }
            (outcome, _) => return (chunk, outcome),
        }
    }
}
