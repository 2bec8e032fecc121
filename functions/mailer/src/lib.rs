//! Sends the letters that the outbox' stream brings: each at least once, then marked, so that a record that comes again is not sent
//! again.

pub mod backend;
mod resolve;
mod write;

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use user_core::app::App;
use user_core::error::Error;
use user_core::letter::{Letter, State};
use user_core::metric;
use user_core::store::outbox;

pub use backend::{Backend, Mail};

/// Sends the letters of a batch, in order. Those that could not be sent are named, so that only they come again.
pub async fn handle(app: &App, backend: &Backend, event: Event) -> DynamoDbEventResponse {
    let mut response = DynamoDbEventResponse::default();
    futures::future::join(app.refresh_keys(), app.newest_keyring()).await;
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone();
        if let Err(error) = deliver(app, backend, record).await {
            metrics::counter!(metric::LETTERS, "kind" => "unknown", "outcome" => "failed").increment(1);
            tracing::error!(error.cause = %error, stream.sequence_number = ?sequence_number, "a letter was not sent");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

async fn deliver(app: &App, backend: &Backend, record: EventRecord) -> Result<(), Error> {
    let image = outbox::from_image(record.change.new_image)?;
    // The stream shows the letter as it was put; what became of it since, only the table knows.
    let letter = match app.store.read_letter(&image.id).await? {
        Some(letter) if letter.state == State::Pending => letter,
        _ => return Ok(()),
    };
    let Some(addressee) = resolve::addressee(app, &letter).await? else {
        count(&letter, "dropped");
        let (kind, request_id) = (letter.kind.as_str(), letter.request_id.as_str());
        tracing::info!(letter.id = %letter.id, letter.kind = kind, request.id = request_id, "a letter was dropped");
        return app.store.settle_letter(&letter.id, State::Dropped, None).await;
    };
    let mail = write::mail(app, &letter, &addressee)?;
    let message_id = backend.send(app, &mail).await?;
    app.store.settle_letter(&letter.id, State::Sent, Some(&message_id)).await?;
    count(&letter, "sent");
    tracing::info!(
        letter.id = %letter.id,
        letter.kind = letter.kind.as_str(),
        user.id = %addressee.id,
        request.id = letter.request_id,
        "a letter was sent"
    );
    Ok(())
}

fn count(letter: &Letter, outcome: &'static str) {
    metrics::counter!(metric::LETTERS, "kind" => letter.kind.as_str(), "outcome" => outcome).increment(1);
}
