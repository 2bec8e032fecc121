//! Access to the metrics: a caller needs the token in the secret. On a developer's machine everybody has access.

use http::HeaderMap;
use ring::digest::{SHA256, digest};
use tokio::sync::Mutex;
use user_app::App;
use user_config::Environment;
use user_core::clock::Timestamp;
use user_web::extract::bearer;
use user_web::problem::Problem;

/// How long to wait before an unknown token makes an instance read the secret again, in seconds.
const UNKNOWN_SECONDS: i64 = 10;

/// The token that this instance read last.
#[derive(Default)]
pub(crate) struct Token(Mutex<Known>);

#[derive(Default)]
struct Known {
    token: Option<String>,
    sought_at: Option<Timestamp>,
}

impl Token {
    /// Succeeds if the request has the token.
    ///
    /// # Errors
    /// [`Problem::Unauthenticated`]; [`Problem::Unavailable`] if the secret cannot be read.
    pub(crate) async fn check(&self, app: &App, headers: &HeaderMap) -> Result<(), Problem> {
        if app.config.environment == Environment::Development {
            return Ok(());
        }
        let presented = bearer(headers).ok_or(Problem::Unauthenticated)?;
        let mut known = self.0.lock().await;
        let now = app.clock.now();
        let due = known.sought_at.is_none_or(|sought_at| now.since(sought_at) >= UNKNOWN_SECONDS);
        if due && known.token.as_deref().is_none_or(|token| !same(token, presented)) {
            known.sought_at = Some(now);
            known.token = Some(app.store.read_metrics_token().await?);
        }
        match &known.token {
            Some(token) if same(token, presented) => Ok(()),
            Some(_) => Err(Problem::Unauthenticated),
            None => Err(Problem::Unavailable),
        }
    }
}

/// Compares digests, since the time of that comparison reveals nothing about the token.
fn same(one: &str, other: &str) -> bool {
    digest(&SHA256, one.as_bytes()).as_ref() == digest(&SHA256, other.as_bytes()).as_ref()
}
