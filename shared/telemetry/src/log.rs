//! The log: one line for each thing worth knowing. In JSON a request's line is its metrics at once.

mod json;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use user_config::{Config, LogFormat};

use json::Json;

/// The crates whose lines `LOG_LEVEL` is about. Below `info` others would write whole requests, with all that is secret in them.
pub const LOGGED_CRATES: [&str; 23] = [
    "auth",
    "cleanup",
    "discovery",
    "docs",
    "feedback",
    "folder",
    "guess",
    "health",
    "https",
    "local",
    "mailer",
    "metrics",
    "rotation",
    "template",
    "transport",
    "user_app",
    "user_config",
    "user_core",
    "user_runtime",
    "user_store",
    "user_telemetry",
    "user_web",
    "users",
];

/// The target of a request's line.
pub const REQUEST: &str = "user_telemetry::request";

/// Writes log lines to standard output, as the configuration wants them. The first call in a process counts.
pub fn start(config: &Config) {
    start_to(config, std::io::stdout);
}

/// The same, to another place.
pub fn start_to<W>(config: &Config, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let own = |target: &str| LOGGED_CRATES.contains(&target.split("::").next().unwrap_or_default());
    let harmless = filter_fn(move |line| *line.level() <= Level::INFO || own(line.target()));
    let log = tracing_subscriber::registry().with(config.log_level.clone()).with(harmless);
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(writer);
    // An error says that a log is running already.
    let _ = match config.log_format {
        LogFormat::Json => log.with(lines.event_format(Json)).try_init(),
        LogFormat::Plain => log.with(lines).try_init(),
    };
}
