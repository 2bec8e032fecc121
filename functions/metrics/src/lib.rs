//! The metrics of all functions, as Prometheus reads them. An instance does not know the counts of others, and most instances end before a
//! scrape, so the numbers come from `CloudWatch`, to which all functions write.

mod cloudwatch;
mod read;
mod text;
mod token;

use std::sync::Arc;

use axum::{Extension, Router};
use tokio::sync::Mutex;
use user_app::App;
use user_app::keyring::KeyUse;
use user_core::clock::Timestamp;
use user_web::problem::Problem;

pub use cloudwatch::Source;

use token::Token;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Nothing;

/// How long a text is reused, in seconds; every query to `CloudWatch` is charged.
const CACHE_SECONDS: i64 = 60;

/// The state that an instance keeps between two scrapes.
struct Metrics {
    source: Source,
    token: Token,
    /// The last text and when it was made. It is locked while a new one is made, so that two concurrent scrapes make one text.
    shown: Mutex<Option<(Timestamp, String)>>,
}

user_web::calls! {
    App;
    any query: read;
}

/// The function's routes.
pub fn router(app: App, source: Source) -> Router {
    let metrics = Metrics { source, token: Token::default(), shown: Mutex::default() };
    user_web::serve(routes().layer(Extension(Arc::new(metrics))), app)
}

impl Metrics {
    async fn text(&self, app: &App) -> Result<String, Problem> {
        let now = app.clock.now();
        let mut shown = self.shown.lock().await;
        if let Some((_, text)) = shown.as_ref().filter(|(made_at, _)| now.since(*made_at) < CACHE_SECONDS) {
            return Ok(text.clone());
        }
        let text = text::write(&self.source.samples(&app.config, now).await?);
        *shown = Some((now, text.clone()));
        Ok(text)
    }
}
