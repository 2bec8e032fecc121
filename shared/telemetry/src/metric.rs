//! Metrics: every name with what it counts, its unit and its labels. On Lambda they leave in the log, in `CloudWatch`'s embedded metric
//! format, a request's as a part of the request's own line. Labels have few values: never a user, an address or a raw path.
//!
//! `CloudWatch` charges for each combination of labels. So a metric that the dashboard or an alarm needs says which of its labels they
//! need; with `METRICS_DETAIL=essential` it leaves with those alone, and the others do not leave at all.

mod collector;

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};
use user_config::Config;

pub use collector::Collector;

/// The namespace in `CloudWatch`.
pub const NAMESPACE: &str = "UserManagement";

/// The dimension that every series has besides its metric's labels: the name of the stack, so that two stacks of an account are apart.
pub const STACK: &str = "stack";

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whether it counts up, is a value of the moment, or a distribution.
    pub kind: Kind,
    /// The unit of its values.
    pub unit: Unit,
    /// What it is told apart by.
    pub labels: &'static [&'static str],
    /// Those of its labels that the dashboard and the alarms need; `None` when they do not need it.
    pub essential: Option<&'static [&'static str]>,
    /// What it says.
    pub description: &'static str,
}

/// See [`Metric::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// See [`Metric::unit`]; the names are `CloudWatch`'s (`MetricDatum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unit {
    Count,
    Seconds,
}

impl Unit {
    /// Its name in `CloudWatch`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
        }
    }
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $unit:ident, [$($label:literal),*], $essential:expr, $description:literal;)+) => {
        $(#[doc = $description] pub const $constant: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            essential: $essential,
            description: $description,
        };)+

        /// All metrics.
        pub const ALL: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    HTTP_REQUESTS = "http_requests_total", Counter, Count, ["method", "route", "status"], None, "Requests that functions answered";
    HTTP_SECONDS = "http_request_duration_seconds", Histogram, Seconds, ["method", "route"], None, "How long an answer took";
    HTTP_FAILURES = "http_failures_total", Counter, Count, [], Some(&[]), "Answers that were a 5xx";
    ERRORS = "errors_total", Counter, Count, ["code"], None, "Problem documents by their code";
    EVENTS = "security_events_total", Counter, Count, ["name"], Some(&["name"]), "Security events by their name";
    DYNAMODB_CALLS = "dynamodb_calls_total", Counter, Count, ["operation", "table"], None, "Database calls";
    DYNAMODB_SECONDS = "dynamodb_call_duration_seconds", Histogram, Seconds, ["operation", "table"], None, "How long a database call took, retries included";
    DYNAMODB_RETRIES = "dynamodb_retries_total", Counter, Count, ["operation", "table"], None, "Database calls that were repeated";
    DYNAMODB_FAILURES = "dynamodb_failures_total", Counter, Count, ["operation", "table"], Some(&[]), "Database calls that failed for good, conditions apart";
    DYNAMODB_UNITS = "dynamodb_units_total", Counter, Count, ["operation", "table"], None, "Capacity units that calls consumed, rounded up";
    CACHE_LOOKUPS = "cache_lookups_total", Counter, Count, ["cache", "outcome"], None, "Looks into an instance's memory of keys and of refused senders";
    UNCOUNTED = "requests_uncounted_total", Counter, Count, ["class"], Some(&[]), "Requests that no rate limit could count";
    BREACH_CHECKS = "breach_checks_total", Counter, Count, ["outcome"], None, "New passwords that were looked for among those of breaches";
    ARGON2_SECONDS = "argon2_duration_seconds", Histogram, Seconds, [], None, "How long a password hash took";
    MESSAGES = "messages_total", Counter, Count, ["kind", "outcome"], Some(&["outcome"]), "Emails by what became of them";
    CLEANUPS = "cleanups_total", Counter, Count, [], Some(&[]), "Runs of the cleanup that came to their end";
    USERS_REMOVED = "users_removed_total", Counter, Count, [], None, "Users that cleanup removed";
    USERS_OVERDUE = "users_overdue", Gauge, Count, [], Some(&[]), "Users that cleanup should have removed";
    KEY_AGE = "signing_key_age_seconds", Gauge, Seconds, [], Some(&[]), "For how long the present signing key has signed";
    COLD_STARTS = "cold_starts_total", Counter, Count, [], Some(&[]), "Instances that started";
}

impl Metric {
    /// Counts so many more. `labels` are the values of [`Metric::labels`] in their order.
    pub fn add(&self, labels: &[&str], count: u64) {
        if let Some(sink) = SINK.get().filter(|_| count > 0) {
            sink.collector.add(self, labels, count);
        }
    }

    /// Says the value of the moment.
    pub fn set(&self, value: f64) {
        if let Some(sink) = SINK.get() {
            sink.collector.set(self, value);
        }
    }

    /// Adds a value to the distribution. `labels` are the values of [`Metric::labels`] in their order.
    pub fn record(&self, labels: &[&str], value: f64) {
        if let Some(sink) = SINK.get() {
            sink.collector.record(self, labels, value);
        }
    }
}

/// Where metrics are written to.
pub type Writer = Box<dyn io::Write>;

/// What collects, where it is written to, and when.
struct Sink {
    collector: Collector,
    writer: fn() -> Writer,
    when: When,
    answers: AtomicUsize,
}

/// When metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// With the line of each request, in the log, as Lambda may freeze an instance after each answer.
    EachRequest,
    /// After so many answers together, beside the log.
    Answers(usize),
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Collects metrics from now on. What is not written in the line of a request is written to `writer`. The first call in a process
/// counts.
pub fn start(config: &Config, writer: fn() -> Writer, when: When) {
    let collector = Collector::new(config.metrics_detail, &config.stack_name);
    let _ = SINK.set(Sink { collector, writer, when, answers: AtomicUsize::new(1) });
}

/// The line of a request as it is written: with what was collected since the last time, if metrics are a part of the log. What cannot
/// stand in one object with the rest follows in others.
#[must_use]
pub fn with_line(line: Map<String, Value>) -> Vec<Map<String, Value>> {
    match SINK.get() {
        Some(sink) if sink.when == When::EachRequest => sink.collector.take_into(line),
        _ => vec![line],
    }
}

/// Notes that the line of a request was written, and writes what is left of what was collected if it is time to.
pub fn answered() {
    let due = |sink: &Sink| match sink.when {
        When::EachRequest => true,
        When::Answers(together) => sink.answers.fetch_add(1, Ordering::Relaxed).is_multiple_of(together),
    };
    if SINK.get().is_some_and(due) {
        flush();
    }
}

/// Writes what was collected since the last time; `CloudWatch` reads it from the log. Nothing, when nobody collects.
pub fn flush() {
    let Some(sink) = SINK.get() else { return };
    let mut text = Vec::new();
    for object in sink.collector.take_into(Map::new()) {
        if serde_json::to_writer(&mut text, &object).is_ok() {
            text.push(b'\n');
        }
    }
    if !text.is_empty()
        && let Err(error) = (sink.writer)().write_all(&text)
    {
        tracing::error!(error.cause = %error, "metrics were not written");
    }
}
