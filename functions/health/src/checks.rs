//! The checks. A failing part makes only its own check unhealthy; the reason goes to the log, never into the answer. The outcome of a
//! database check is reused for a few seconds.

use std::future::Future;
use std::time::Instant;

use futures::future::try_join;
use serde_json::{Map, Value, json};
use user_app::App;
use user_core::clock::Timestamp;
use user_core::error::Error;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::DEADLINE;
use crate::kept::Kept;
use crate::mail::Mail;

/// Cleanup runs every hour; three missed runs are a fault.
const CLEANUP_OVERDUE_SECONDS: i64 = 3 * 3_600;

/// The outcomes that are kept from one request to the next.
pub(crate) struct Memory {
    mail: Mail,
    database: Kept,
    cache: Kept,
    email: Kept,
    cleanup: Kept,
    signing_keys: Kept,
}

impl Memory {
    pub(crate) fn new(mail: Mail) -> Self {
        let [database, cache, email, cleanup, signing_keys] = std::array::from_fn(|_| Kept::default());
        Self { mail, database, cache, email, cleanup, signing_keys }
    }
}

/// The outcome of one check.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) healthy: bool,
    /// When it began.
    pub(crate) checked_at: Timestamp,
    pub(crate) details: Map<String, Value>,
}

/// The schema of a check: its details depend on the check.
impl PartialSchema for Check {
    fn schema() -> RefOr<Schema> {
        let text = |description| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
        let number = |description| ObjectBuilder::new().schema_type(Type::Number).description(Some(description));
        let healthy = ["healthy", "unhealthy"];
        let last_run = ObjectBuilder::new().schema_type([Type::String, Type::Null].into_iter().collect::<SchemaType>());
        ObjectBuilder::new()
            .description(Some("The outcome of one check."))
            .property("status", text("Whether it went well").enum_values(Some(healthy)))
            .required("status")
            .property("latency_ms", number("How long it took, in milliseconds").examples([json!(1.25)]))
            .property("backend", text("What emails are sent by").examples([json!("ses")]))
            .property("last_run", last_run.description(Some("When the cleanup last ended")))
            .property("removed", number("How many users it removed"))
            .property("overdue", number("How many it left for the next run"))
            .into()
    }
}

impl ToSchema for Check {}

impl From<Check> for Value {
    fn from(check: Check) -> Self {
        let mut object = check.details;
        object.insert("status".to_owned(), json!(if check.healthy { "healthy" } else { "unhealthy" }));
        Self::Object(object)
    }
}

/// All checks by name; they run concurrently.
pub(crate) async fn all(app: &App, memory: &Memory) -> Vec<(&'static str, Check)> {
    let (database, cache, email, keys, cleanup) = futures::join!(
        database(app, memory),
        cache(app, memory),
        email(app, memory),
        signing_keys(app, memory),
        cleanup(app, memory)
    );
    vec![("database", database), ("cache", cache), ("email", email), ("signing_keys", keys), ("cleanup", cleanup)]
}

/// The users table answers a read.
pub(crate) async fn database(app: &App, memory: &Memory) -> Check {
    let probe = async { app.store.probe_users().await.map(|()| json!({})) };
    memory.database.or(&app.clock, Box::pin(timed(app, "database", probe))).await
}

/// The ephemeral table answers a write, a read and a delete of an item.
pub(crate) async fn cache(app: &App, memory: &Memory) -> Check {
    let probe = async { app.store.probe_ephemeral(app.clock.now()).await.map(|()| json!({})) };
    memory.cache.or(&app.clock, Box::pin(timed(app, "cache", probe))).await
}

/// Messages can be written to the outbox, and the mail service would accept one: SES may send and has quota left, or the mail server sends
/// its greeting.
async fn email(app: &App, memory: &Memory) -> Check {
    let backend = app.config.mail_backend.to_string();
    let probes = async { try_join(app.store.probe_outbox(), memory.mail.probe(app.clock.now())).await };
    let probe = Box::pin(async { probes.await.map(|_| json!({ "backend": backend })) });
    memory.email.or(&app.clock, timed(app, "email", probe)).await
}

/// The keys in force can be read as verifiers read them. That they sign and verify, each rotation tests before it puts them into force.
async fn signing_keys(app: &App, memory: &Memory) -> Check {
    let probe = async { app.keyring_in_force().await.map(|_| json!({})) };
    memory.signing_keys.or(&app.clock, timed(app, "signing_keys", Box::pin(probe))).await
}

/// The last cleanup is recent. Before the first one this check is healthy.
async fn cleanup(app: &App, memory: &Memory) -> Check {
    let read = async {
        let Some(last) = app.store.read_heartbeat().await? else {
            return Ok(json!({ "last_run": null }));
        };
        let details =
            json!({ "last_run": last.ended_at.to_string(), "removed": last.removed, "overdue": last.overdue });
        if app.clock.now().since(last.ended_at) > CLEANUP_OVERDUE_SECONDS {
            return Err(Error::internal("no cleanup for three hours"));
        }
        Ok(details)
    };
    memory.cleanup.or(&app.clock, Box::pin(timed(app, "cleanup", read))).await
}

async fn timed(app: &App, name: &str, probe: impl Future<Output = Result<Value, Error>>) -> Check {
    let (started, checked_at) = (Instant::now(), app.clock.now());
    let outcome =
        tokio::time::timeout(DEADLINE, probe).await.unwrap_or_else(|_| Err(Error::internal("no answer in time")));
    let latency_ms = (started.elapsed().as_secs_f64() * 100_000.0).round() / 100.0;
    let healthy = outcome.is_ok();
    let mut details = match outcome {
        Ok(Value::Object(details)) => details,
        Ok(_) => Map::new(),
        Err(error) => {
            tracing::error!(check = name, error.cause = %error, "unhealthy");
            Map::new()
        }
    };
    details.insert("latency_ms".to_owned(), json!(latency_ms));
    Check { healthy, checked_at, details }
}
