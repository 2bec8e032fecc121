//! Sends the messages of the outbox as emails: new ones from its stream, and every minute those that are due for a retry. A message is
//! claimed before it is sent, so that it is not sent twice, and settled afterwards.

mod resolve;
mod write;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use futures::future::{join, join_all, try_join};
use serde_json::Value;
use transport::{Refusal, Transport};
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::error::Error;
use user_core::id::UserId;
use user_core::limit::mailbox::Asked;
use user_core::message::{Message, MessageKind, MessageState};
use user_store::mailbox::Epoch;
use user_store::outbox::{self, SHARDS};
use user_telemetry::metric;

use crate::resolve::Outgoing;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Sign;

/// The event that starts the mailer.
pub enum Wake {
    /// Messages that were just written to the outbox.
    Stream(Box<Event>),
    /// The schedule, which starts the retries.
    Schedule,
}

impl Wake {
    /// Reads an event in Lambda's format.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is of neither kind.
    pub fn read(event: Value) -> Result<Self, Error> {
        match &event {
            Value::Object(fields) if fields.contains_key("Records") => {
                serde_json::from_value(event).map(|event| Self::Stream(Box::new(event))).map_err(Error::internal)
            }
            Value::Object(_) => Ok(Self::Schedule),
            _ => Err(Error::internal("the event is no object")),
        }
    }
}

/// Sends the messages that are due. Records whose messages could not even be claimed are returned as failures, so that they are retried.
///
/// # Errors
/// [`Error::Unavailable`] if the database does not answer a scheduled run.
pub async fn handle(app: &App, transport: &Transport, wake: Wake) -> Result<DynamoDbEventResponse, Error> {
    // Without keys in force, messages without a link are still sent, and the others are retried later.
    let _ = join(app.refresh_keys(), app.newest_keyring()).await;
    let mut response = DynamoDbEventResponse::default();
    match wake {
        Wake::Stream(event) => {
            // Most of this time is spent waiting, so the messages are handled concurrently.
            let messages = event.records.into_iter().map(|record| {
                let message = outbox::from_image(record.change.new_image);
                Box::pin(deliver_new(app, transport, record.change.sequence_number, message))
            });
            let failed = join_all(messages).await;
            response.batch_item_failures = failed.into_iter().flatten().collect();
        }
        Wake::Schedule => {
            let shards = (0..SHARDS).map(|shard| Box::pin(deliver_due(app, transport, shard)));
            join_all(shards).await.into_iter().collect::<Result<(), _>>()?;
        }
    }
    Ok(response)
}

/// Sends a message from the stream; returns its record as a failure if the message could not even be claimed.
async fn deliver_new(
    app: &App,
    transport: &Transport,
    record: Option<String>,
    message: Result<Message, Error>,
) -> Option<DynamoDbBatchItemFailure> {
    let delivered = async { deliver(app, transport, message?).await };
    let error = Box::pin(delivered).await.err()?;
    tracing::error!(error.cause = %error, stream.sequence_number = ?record, "a message was not claimed");
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = record;
    Some(failure)
}

/// Sends the due messages of one partition of the index; a failure of one does not affect the others.
async fn deliver_due(app: &App, transport: &Transport, shard: u64) -> Result<(), Error> {
    let mut outcome = Ok(());
    for message in app.store.list_due_messages(shard, app.clock.now()).await? {
        outcome = deliver(app, transport, message).await.and(outcome);
    }
    outcome
}

/// The outcome of a message that was claimed.
enum Fate {
    Sent(String),
    Dropped,
    Suppressed(String),
    Refused(Refusal),
}

async fn deliver(app: &App, transport: &Transport, message: Message) -> Result<(), Error> {
    // A later release wrote it; the mailer of that release has the text for it.
    if !message.kind.is_known() {
        tracing::warn!(message.id = %message.id, message.kind = message.kind.as_str(), "a message of an unknown kind waits");
        return Ok(());
    }
    let Some(message) = app.store.take_message(&message, app.clock.now()).await? else { return Ok(()) };
    let fate = attempt(app, transport, &message).await.unwrap_or_else(|error| {
        tracing::error!(message.id = %message.id, error.cause = %error, "a message could not be written");
        Fate::Refused(Refusal { code: INTERNAL.to_owned(), is_permanent: false })
    });
    let settled = match &fate {
        Fate::Sent(message_id) => Some((MessageState::Sent, Some(message_id.as_str()), None)),
        Fate::Dropped => Some((MessageState::Dropped, None, None)),
        Fate::Suppressed(reason) => Some((MessageState::Suppressed, None, Some(reason.as_str()))),
        Fate::Refused(refusal) if refusal.is_permanent || message.is_given_up() => {
            Some((MessageState::Failed, None, Some(refusal.code.as_str())))
        }
        Fate::Refused(_) => None,
    };
    if let (None, Fate::Refused(Refusal { code, .. }), Some(retry_at)) = (&settled, &fate, message.retry_at) {
        app.store.postpone_message(&message, code, retry_at).await?;
    }
    if let Some((state, message_id, problem)) = settled {
        app.store.settle_message(&message, state, (message_id, problem), app.clock.now()).await?;
    }
    note(
        &message,
        settled.as_ref().map_or("postponed", |(state, ..)| state.as_str()),
        settled.and_then(|(_, _, problem)| problem),
    );
    Ok(())
}

async fn attempt(app: &App, transport: &Transport, message: &Message) -> Result<Fate, Error> {
    let to = message.to.key();
    let marks = app.store.read_undeliverable(&to, app.clock.now());
    let (marks, outgoing) = try_join(marks, resolve::resolve(app, message)).await?;
    let Some(outgoing) = outgoing else { return Ok(Fate::Dropped) };
    let mailbox = outgoing.to.mailbox();
    if let Some(mark) = marks.into_iter().find(|mark| mark.stops(&mailbox)) {
        return Ok(Fate::Suppressed(mark.reason));
    }
    if !is_within_limit(app, message, &outgoing).await? {
        return Ok(Fate::Suppressed(MAILBOX_LIMIT.to_owned()));
    }
    let mail = write::mail(app, message, &outgoing)?;
    Ok(transport.send(&mail).await.map_or_else(Fate::Refused, Fate::Sent))
}

/// The problem of a message that did not reach the mail service.
const INTERNAL: &str = "internal";

/// The problem of a message to a mailbox that has reached its limit.
const MAILBOX_LIMIT: &str = "mailbox-limit";

/// Whether the mailbox may get another email that anybody can request. A message that the mail service refused before was counted then.
async fn is_within_limit(app: &App, message: &Message, outgoing: &Outgoing) -> Result<bool, Error> {
    let asked = match (&message.user_id, message.kind) {
        (None, MessageKind::VerifyEmail) => Asked::Verification,
        (None, _) => Asked::Recovery,
        (_, MessageKind::ConfirmEmail) => Asked::Change,
        (_, MessageKind::EmailChange) => Asked::Notice,
        _ => return Ok(true),
    };
    // A later epoch voids links, so it renews the allowance of the account's own address (not that of other mailboxes or the way back).
    // Another account there does so, too, but not without email verification: then anybody could create one.
    let own = outgoing.to.key() == outgoing.user.email.key();
    let user_id = if app.config.email_verification_enabled { outgoing.user.id.clone() } else { UserId::of("") };
    let epoch = own.then_some(Epoch { user_id, epoch: outgoing.user.epoch });
    if message.problem.as_deref().is_some_and(|problem| problem != INTERNAL) {
        return Ok(true);
    }
    app.store.count_message(message, asked, epoch, app.clock.now()).await
}

/// Counts and logs the outcome of a message.
fn note(message: &Message, outcome: &str, problem: Option<&str>) {
    metric::MESSAGES.add(&[message.kind.as_str(), outcome], 1);
    tracing::info!(
        message.id = %message.id,
        message.kind = message.kind.as_str(),
        message.outcome = outcome,
        message.attempts = message.attempts,
        message.problem = problem,
        user.id = message.user_id.as_ref().map(UserId::as_str),
        request.id = message.request_id,
        "a message"
    );
}
