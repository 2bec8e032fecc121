//! The log: one line for each thing worth knowing. In JSON a request's line is its metrics at once.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};
use crate::metric;

/// The crates whose lines `LOG_LEVEL` is about. Below `info` others would write whole requests, with all that is secret in them.
pub const LOGGED_CRATES: [&str; 13] = [
    "auth",
    "cleanup",
    "discovery",
    "docs",
    "feedback",
    "fleet",
    "health",
    "local",
    "mailer",
    "rotation",
    "transport",
    "user_core",
    "users",
];

/// The target of a request's line.
pub(crate) const REQUEST: &str = "user_core::request";

/// Writes log lines to standard output, as the configuration wants them. The first call in a process counts.
pub fn start(config: &Config) {
    start_to(config, std::io::stdout);
}

/// The same, to another place.
pub fn start_to<W>(config: &Config, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted: Targets = config.log_level.parse().unwrap_or_else(|_| Targets::new().with_default(Level::INFO));
    let own = |target: &str| LOGGED_CRATES.contains(&target.split("::").next().unwrap_or_default());
    let harmless = filter_fn(move |line| *line.level() <= Level::INFO || own(line.target()));
    let log = tracing_subscriber::registry().with(wanted).with(harmless);
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(writer);
    // An error says that a log is running already.
    let _ = match config.log_format {
        LogFormat::Json => log.with(lines.event_format(Json)).try_init(),
        LogFormat::Plain => log.with(lines).try_init(),
    };
}

/// One object a line: `timestamp` (RFC 3339) and `level`, by which Lambda knows them ("Log-level filtering"), `message`, and the fields
/// under their dotted names.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line(Map::new());
        event.record(&mut line);
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        line.put("timestamp", now);
        line.put("level", event.metadata().level().as_str());
        let lines = if event.metadata().target() == REQUEST { metric::with_line(line.0) } else { vec![line.0] };
        for line in lines {
            writeln!(writer, "{}", Value::Object(line))?;
        }
        Ok(())
    }
}

struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }
}
