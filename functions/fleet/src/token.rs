//! Who may read the metrics: whoever has the token of the secret. On a developer's machine everybody may.

use http::HeaderMap;
use ring::digest::{SHA256, digest};
use tokio::sync::Mutex;
use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::config::Environment;
use user_core::error::Error;
use user_core::http::extract::bearer;

/// How often the secret is read again because of a token that is not the known one.
const UNKNOWN_SECONDS: i64 = 10;

/// The token, as this instance last read it.
#[derive(Default)]
pub(crate) struct Token(Mutex<Known>);

#[derive(Default)]
struct Known {
    token: Option<String>,
    sought_at: Option<Timestamp>,
}

impl Token {
    /// Goes on when the request bears the token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`]; [`Error::Unavailable`] when the secret cannot be read.
    pub(crate) async fn check(&self, app: &App, headers: &HeaderMap) -> Result<(), Error> {
        if app.config.environment == Environment::Development {
            return Ok(());
        }
        let presented = bearer(headers).ok_or(Error::Unauthenticated)?;
        let mut known = self.0.lock().await;
        let now = app.clock.now();
        let due = known.sought_at.is_none_or(|sought_at| now.since(sought_at) >= UNKNOWN_SECONDS);
        if due && known.token.as_deref().is_none_or(|token| !same(token, presented)) {
            known.sought_at = Some(now);
            known.token = Some(app.store.read_metrics_token().await?);
        }
        match &known.token {
            Some(token) if same(token, presented) => Ok(()),
            Some(_) => Err(Error::Unauthenticated),
            None => Err(Error::Unavailable),
        }
    }
}

/// How far two digests agree tells nothing of the token.
fn same(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}
