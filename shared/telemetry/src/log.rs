//! The log: one line for each notable event. In JSON, the line of a request also contains its metrics.

mod json;

use tracing::Level;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use user_config::{Config, LogFormat};

use json::Json;

/// The crates that `LOG_LEVEL` applies to. Below `info`, others would log whole requests, with all secrets in them.
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

/// Writes log lines to standard output, in the configured format. Only the first call in a process has an effect.
pub fn start(config: &Config) {
    start_to(config, std::io::stdout);
}

/// The same, to another writer.
pub fn start_to<W>(config: &Config, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let own = |target: &str| LOGGED_CRATES.contains(&target.split("::").next().unwrap_or_default());
    let harmless = filter_fn(move |line| *line.level() <= Level::INFO || own(line.target()));
    let log = tracing_subscriber::registry().with(config.log_level.clone()).with(harmless);
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(writer);
    // An error means that a log was already started.
    let _ = match config.log_format {
        LogFormat::Json => log.with(lines.event_format(Json)).try_init(),
        LogFormat::Plain => log.with(lines).try_init(),
    };
}
