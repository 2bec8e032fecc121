//! Records the reports of Amazon SES: marks emails that bounced or were reported as spam, and their mailboxes, which get no more.

mod report;

use serde_json::Value;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::email::Email;
use user_core::error::Error;
use user_core::id::MessageId;
use user_core::message::{Message, MessageState};
use user_store::delivery::Undeliverable;
use user_telemetry::metric;

use report::{Envelope, Report};

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Nothing;

/// Handles an event from `EventBridge`. A repeated event has no further effect; an event about none of our messages is ignored.
///
/// # Errors
/// [`Error::Internal`] if it is no such event; [`Error::Unavailable`] if the database does not answer.
pub async fn handle(app: &App, event: Value) -> Result<(), Error> {
    let Envelope { detail } = serde_json::from_value(event).map_err(Error::internal)?;
    let Some(id) = detail.mail.message_id() else { return Ok(()) };
    let Some(news) = detail.news() else { return Ok(()) };
    for email in detail.mail.recipients() {
        if news.condemns {
            let mark = Undeliverable::new(email.mailbox(), news.code.clone(), app.clock.now());
            app.store.mark_undeliverable(&email.key(), &mark).await?;
        }
        note(app, &email, &MessageId::of(id), &news).await?;
    }
    Ok(())
}

/// Records the outcome on the message, and counts it once.
async fn note(app: &App, email: &Email, id: &MessageId, news: &Report) -> Result<(), Error> {
    let Some(message) = app.store.read_message(&email.key(), id).await? else { return Ok(()) };
    let state = if news.is_complaint { MessageState::Complained } else { MessageState::Bounced };
    if app.store.settle_message(&message, state, (None, Some(&news.code)), app.clock.now()).await? {
        count(&message, state, &news.code);
    }
    Ok(())
}

fn count(message: &Message, state: MessageState, code: &str) {
    metric::MESSAGES.add(&[message.kind.as_str(), state.as_str()], 1);
    tracing::warn!(
        message.id = %message.id,
        message.kind = message.kind.as_str(),
        message.outcome = state.as_str(),
        message.problem = code,
        request.id = message.request_id,
        "a message came back"
    );
}
