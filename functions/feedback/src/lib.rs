//! Notes what Amazon SES reports of letters: one that came back or was called spam, and the mailbox, to which no more are sent.

mod report;

use serde_json::Value;
use user_app::App;
use user_core::email::Email;
use user_core::error::Error;
use user_core::id::LetterId;
use user_core::letter::{Letter, State};
use user_store::delivery::Undeliverable;
use user_telemetry::metric;

use report::{Envelope, Report};

/// Takes an event as `EventBridge` brings it. The same event twice is as good as once; one about no letter of ours is left alone.
///
/// # Errors
/// [`Error::Internal`] when it is no such event; [`Error::Unavailable`] when the database does not answer.
pub async fn handle(app: &App, event: Value) -> Result<(), Error> {
    let Envelope { detail } = serde_json::from_value(event).map_err(Error::internal)?;
    let Some(id) = detail.mail.letter_id() else { return Ok(()) };
    let Some(news) = detail.news() else { return Ok(()) };
    for email in detail.mail.recipients() {
        if news.condemns {
            let mark = Undeliverable::new(email.mailbox(), news.code.clone(), app.clock.now());
            app.store.mark_undeliverable(&email.key(), &mark).await?;
        }
        note(app, &email, &LetterId::of(id), &news).await?;
    }
    Ok(())
}

/// Notes on the letter what became of it, and counts it once.
async fn note(app: &App, email: &Email, id: &LetterId, news: &Report) -> Result<(), Error> {
    let Some(letter) = app.store.read_letter(&email.key(), id).await? else { return Ok(()) };
    let state = if news.is_complaint { State::Complained } else { State::Bounced };
    if app.store.settle_letter(&letter, state, (None, Some(&news.code)), app.clock.now()).await? {
        count(&letter, state, &news.code);
    }
    Ok(())
}

fn count(letter: &Letter, state: State, code: &str) {
    metric::LETTERS.add(&[letter.kind.as_str(), state.as_str()], 1);
    tracing::warn!(
        letter.id = %letter.id,
        letter.kind = letter.kind.as_str(),
        letter.outcome = state.as_str(),
        letter.problem = code,
        request.id = letter.request_id,
        "a letter came back"
    );
}
