//! What every handler receives.

mod breach;
pub mod ended;
pub mod keyring;
pub mod limiter;
pub mod new_passwords;

use std::ops::Deref;
use std::sync::Arc;

use crate::app::ended::Ended;
use crate::app::keyring::Present;
use crate::app::limiter::Limiter;
use crate::app::new_passwords::NewPasswords;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::password::hasher::Hasher;
use crate::signing::Keys;
use crate::store::Store;

/// The service's parts, shared by all requests of an instance.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// See [`App`].
#[expect(missing_docs, reason = "each part is documented at its type")]
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub new_passwords: NewPasswords,
    pub hasher: Hasher,
    pub limiter: Limiter,
    pub ended: Ended,
    present: Present,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 does not take the configured parameters or a key cannot be read.
    pub fn new(config: Config, clock: Clock, store: Store, keys: Keys) -> Result<Self, Error> {
        Ok(Self(Arc::new(Parts {
            hasher: Hasher::new(config.argon2_memory_kib, config.argon2_iterations)?,
            new_passwords: NewPasswords::new(&config),
            limiter: Limiter::new(&config),
            ended: Ended::default(),
            present: Present::new(&config, keys, clock.now())?,
            config,
            clock,
            store,
        })))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
