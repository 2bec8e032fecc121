//! All metrics: name, unit, labels and description. On Lambda they are written to the log in `CloudWatch`'s embedded metric format; those
//! of a request are part of the request's log line. Labels have few values: never a user, an address or a raw path.
//!
//! `CloudWatch` charges for each combination of labels. So a metric that the dashboard or an alarm needs names the labels that they
//! need. With `METRICS_DETAIL=essential` it is emitted with those labels alone, and all other metrics are not emitted.

mod collector;

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};
use user_config::Config;

pub use collector::Collector;

/// The namespace in `CloudWatch`.
pub const NAMESPACE: &str = "UserManagement";

/// The dimension that every series has besides its metric's labels: the stack's name. It separates the stacks of an account.
pub const STACK: &str = "stack";

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// A counter, a gauge or a histogram.
    pub kind: Kind,
    /// The unit of its values.
    pub unit: Unit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The labels that the dashboard and the alarms need; `None` when they do not need the metric.
    pub essential: Option<&'static [&'static str]>,
    /// What it measures.
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
    HTTP_REQUESTS = "http_requests_total", Counter, Count, ["method", "route", "status"], None, "HTTP requests that functions answered";
    HTTP_SECONDS = "http_request_duration_seconds", Histogram, Seconds, ["method", "route"], None, "Time taken to answer a request";
    HTTP_FAILURES = "http_failures_total", Counter, Count, [], Some(&[]), "Responses with a 5xx status";
    ERRORS = "errors_total", Counter, Count, ["code"], None, "Problem documents, by code";
    EVENTS = "security_events_total", Counter, Count, ["name"], Some(&["name"]), "Security events, by name";
    DYNAMODB_CALLS = "dynamodb_calls_total", Counter, Count, ["operation", "table"], None, "Database calls";
    DYNAMODB_SECONDS = "dynamodb_call_duration_seconds", Histogram, Seconds, ["operation", "table"], None, "Time taken by a database call, including retries";
    DYNAMODB_RETRIES = "dynamodb_retries_total", Counter, Count, ["operation", "table"], None, "Retries of database calls";
    DYNAMODB_FAILURES = "dynamodb_failures_total", Counter, Count, ["operation", "table"], Some(&[]), "Database calls that failed after all retries, not counting failed conditions";
    DYNAMODB_UNITS = "dynamodb_units_total", Counter, Count, ["operation", "table"], None, "Capacity units consumed by database calls, rounded up";
    CACHE_LOOKUPS = "cache_lookups_total", Counter, Count, ["cache", "outcome"], None, "Lookups in an instance's caches of keys and of refused senders";
    UNCOUNTED = "requests_uncounted_total", Counter, Count, ["class"], Some(&[]), "Requests that no rate limiter could count";
    BREACH_CHECKS = "breach_checks_total", Counter, Count, ["outcome"], None, "New passwords that were checked against breached passwords";
    ARGON2_SECONDS = "argon2_duration_seconds", Histogram, Seconds, [], None, "Time taken to compute a password hash";
    MESSAGES = "messages_total", Counter, Count, ["kind", "outcome"], Some(&["outcome"]), "Emails, by outcome";
    CLEANUPS = "cleanups_total", Counter, Count, [], Some(&[]), "Cleanup runs that completed";
    USERS_REMOVED = "users_removed_total", Counter, Count, [], None, "Users removed by cleanup";
    USERS_OVERDUE = "users_overdue", Gauge, Count, [], Some(&[]), "Users that cleanup should have removed and did not";
    KEY_AGE = "signing_key_age_seconds", Gauge, Seconds, [], Some(&[]), "Time since the current signing key began to sign";
    COLD_STARTS = "cold_starts_total", Counter, Count, [], Some(&[]), "Function instances that started";
}

impl Metric {
    /// Increments the counter. `labels` are the values of [`Metric::labels`] in their order.
    pub fn add(&self, labels: &[&str], count: u64) {
        if let Some(sink) = SINK.get().filter(|_| count > 0) {
            sink.collector.add(self, labels, count);
        }
    }

    /// Sets the gauge.
    pub fn set(&self, value: f64) {
        if let Some(sink) = SINK.get() {
            sink.collector.set(self, value);
        }
    }

    /// Adds a value to the histogram. `labels` are the values of [`Metric::labels`] in their order.
    pub fn record(&self, labels: &[&str], value: f64) {
        if let Some(sink) = SINK.get() {
            sink.collector.record(self, labels, value);
        }
    }
}

/// What metrics are written to.
pub type Writer = Box<dyn io::Write>;

/// The collector, where it writes, and when.
struct Sink {
    collector: Collector,
    writer: fn() -> Writer,
    when: When,
    answers: AtomicUsize,
}

/// When metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// With each request's log line, since Lambda may freeze an instance after each answer.
    EachRequest,
    /// Together after this many answers, apart from the log.
    Answers(usize),
}

static SINK: OnceLock<Sink> = OnceLock::new();

/// Starts to collect metrics. What is not part of a request's log line is written to `writer`. Only the first call in a process has an
/// effect.
pub fn start(config: &Config, writer: fn() -> Writer, when: When) {
    let collector = Collector::new(config.metrics_detail, &config.stack_name);
    let _ = SINK.set(Sink { collector, writer, when, answers: AtomicUsize::new(1) });
}

/// The log line of a request, with the metrics collected since the last one if metrics are part of the log. Metrics that do not fit into
/// one object with the rest follow in further objects.
#[must_use]
pub(crate) fn with_line(line: Map<String, Value>) -> Vec<Map<String, Value>> {
    match SINK.get() {
        Some(sink) if sink.when == When::EachRequest => sink.collector.take_into(line),
        _ => vec![line],
    }
}

/// Notes that a request's log line was written, and writes the remaining metrics when they are due.
pub fn answered() {
    let due = |sink: &Sink| match sink.when {
        When::EachRequest => true,
        When::Answers(together) => sink.answers.fetch_add(1, Ordering::Relaxed).is_multiple_of(together),
    };
    if SINK.get().is_some_and(due) {
        flush();
    }
}

/// Writes what was collected since the last time; `CloudWatch` reads it from the log. Does nothing before [`start`].
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
