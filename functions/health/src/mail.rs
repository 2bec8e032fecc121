//! Whether the mail service would accept an email, remembered for a while: anybody may ask, and the mail service limits the requests.

use tokio::sync::Mutex;
use transport::Transport;
use user_core::clock::Timestamp;
use user_core::error::Error;

/// How long the outcome of a probe is reused, in seconds.
const KEPT_SECONDS: i64 = 30;

/// The transport, and the outcome of its last probe.
pub(crate) struct Mail {
    transport: Transport,
    found: Mutex<Option<(Timestamp, bool)>>,
}

impl Mail {
    pub(crate) fn new(transport: Transport) -> Self {
        Self { transport, found: Mutex::default() }
    }

    /// Succeeds if the mail service would accept an email, by a recent probe.
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
                // The failure is recorded first, since a probe that takes too long is cancelled.
                *found = Some((now, false));
                self.transport.probe().await?;
                *found = Some((now, true));
                Ok(())
            }
        }
    }
}
