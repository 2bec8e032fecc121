//! Metrics: every name with what it counts, its unit and its labels. On Lambda they leave as lines of the log in `CloudWatch`'s
//! embedded metric format. Labels have few values: never a user, an address or a raw path.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Unit;
use metrics_cloudwatch_embedded::{Builder, Collector};

use crate::config::Config;
use crate::error::Error;

/// The namespace in `CloudWatch`.
pub const NAMESPACE: &str = "UserManagement";

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whether it counts up, is a value of the moment, or a distribution.
    pub kind: Kind,
    /// The unit of its values.
    pub unit: Unit,
    /// What it says.
    pub description: &'static str,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
}

/// See [`Metric::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $unit:ident, [$($label:literal),*], $description:literal;)+) => {
        $(#[doc = $description] pub const $constant: &str = $name;)+

        /// All metrics.
        pub const ALL: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$kind,
            unit: Unit::$unit,
            description: $description,
            labels: &[$($label),*],
        }),+];
    };
}

metrics! {
    HTTP_REQUESTS = "http_requests_total", Counter, Count, ["method", "route", "status"], "Requests that functions answered";
    HTTP_SECONDS = "http_request_duration_seconds", Histogram, Seconds, ["method", "route"], "How long an answer took";
    ERRORS = "errors_total", Counter, Count, ["code"], "Problem documents by their code";
    EVENTS = "security_events_total", Counter, Count, ["name"], "Security events by their name";
    DYNAMODB_CALLS = "dynamodb_calls_total", Counter, Count, ["operation", "table"], "Calls of the database";
    DYNAMODB_SECONDS = "dynamodb_call_duration_seconds", Histogram, Seconds, ["operation", "table"], "How long a call of the database took, retries included";
    DYNAMODB_RETRIES = "dynamodb_retries_total", Counter, Count, ["operation", "table"], "Calls of the database that were repeated";
    DYNAMODB_FAILURES = "dynamodb_failures_total", Counter, Count, ["operation", "table"], "Calls of the database that failed for good, conditions apart";
    DYNAMODB_UNITS = "dynamodb_units_total", Counter, Count, ["operation", "table"], "Capacity units that calls consumed, rounded up";
    CACHE_LOOKUPS = "cache_lookups_total", Counter, Count, ["cache", "outcome"], "Looks into an instance's memory of keys and of refused senders";
    UNCOUNTED = "requests_uncounted_total", Counter, Count, ["class"], "Requests that no rate limit could count";
    BREACH_CHECKS = "breach_checks_total", Counter, Count, ["outcome"], "New passwords that were looked for among those of breaches";
    ARGON2_SECONDS = "argon2_duration_seconds", Histogram, Seconds, [], "How long a password hash took";
    LETTERS = "letters_total", Counter, Count, ["kind", "outcome"], "Letters by what became of them";
    USERS_REMOVED = "users_removed_total", Counter, Count, [], "Users that cleanup removed";
    USERS_OVERDUE = "users_overdue", Gauge, Count, [], "Users that cleanup should have removed";
    COLD_STARTS = "cold_starts_total", Counter, Count, [], "Instances that started";
}

type Writer = Box<dyn io::Write>;

/// What collects, where it is written to, and after how many answers.
struct Sink {
    collector: &'static Collector,
    writer: fn() -> Writer,
    together: usize,
    answers: AtomicUsize,
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Collects metrics from now on, for [`flush`] to write to `writer`; those of so many answers are written `together`, a dozen at most, as
/// no more values of a histogram are kept. The first call in a process counts.
///
/// # Errors
/// [`Error::Internal`] when something else collects them.
pub fn start(config: &Config, writer: fn() -> Writer, together: usize) -> Result<(), Error> {
    if SINK.get().is_some() {
        return Ok(());
    }
    let builder = Builder::new().cloudwatch_namespace(NAMESPACE);
    let collector = builder.with_dimension("environment", config.environment.to_string()).init();
    let collector = collector.map_err(|error| Error::internal(error.to_string()))?;
    for Metric { name, kind, unit, description, .. } in ALL.iter().copied() {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, unit, description),
            Kind::Gauge => metrics::describe_gauge!(name, unit, description),
            Kind::Histogram => metrics::describe_histogram!(name, unit, description),
        }
    }
    let _ = SINK.set(Sink { collector, writer, together, answers: AtomicUsize::new(1) });
    Ok(())
}

/// Notes that an answer is on its way, and writes what was collected if it is time to.
pub fn answered() {
    if SINK.get().is_some_and(|sink| sink.answers.fetch_add(1, Ordering::Relaxed).is_multiple_of(sink.together)) {
        flush();
    }
}

/// Writes what was collected since the last time; `CloudWatch` reads it from the log. Nothing, when nobody collects.
pub fn flush() {
    if let Some(Err(error)) = SINK.get().map(|sink| sink.collector.flush((sink.writer)())) {
        tracing::error!(error.cause = %error, "metrics were not written");
    }
}
