//! Whether mail would go out, remembered for a while: everybody may ask, and the mail service counts those who do.

use tokio::sync::Mutex;
use transport::Transport;
use user_core::clock::Timestamp;
use user_core::error::Error;

/// How long the outcome of a probe is told again, in seconds.
const KEPT_SECONDS: i64 = 30;

/// The transport, and what the last probe of it found.
pub(crate) struct Mail {
    transport: Transport,
    found: Mutex<Option<(Timestamp, bool)>>,
}

impl Mail {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport, found: Mutex::default() }
    }

    /// Goes on when mail would go out, by a probe that is not old.
    pub(crate) async fn probe(&self, now: Timestamp) -> Result<(), Error> {
        let mut found = self.found.lock().await;
        match *found {
            Some((at, well)) if now.since(at) < KEPT_SECONDS => {
                if well {
                    Ok(())
                } else {
                    Err(Error::internal("the mail service was not well a moment ago"))
                }
            }
            _ => {
                // Noted before: a probe that takes too long is broken off.
                *found = Some((now, false));
                self.transport.probe().await?;
                *found = Some((now, true));
                Ok(())
            }
        }
    }
}
