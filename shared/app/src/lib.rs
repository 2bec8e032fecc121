//! `user-app`: what every handler receives, and how a function begins.
//!
//! - [`App`]: the parts: [`hasher`], [`keyring`], [`limiter`], [`new_passwords`], [`ended`], and the store.
//! - [`caller`], [`limits`]: who makes a request, and how often; arguments of handlers. [`presented`]: the tokens that they read.
//! - [`cursor`]: where the next page of a list begins.
//! - [`start`]: how a function that touches data begins.

mod breach;
pub mod caller;
mod cores;
pub mod cursor;
pub mod ended;
pub mod hasher;
pub mod keyring;
pub mod limiter;
pub mod limits;
pub mod new_passwords;
pub mod presented;
pub mod start;
mod verified;

use std::ops::Deref;
use std::sync::Arc;

use user_config::Config;
use user_core::clock::Clock;
use user_core::error::Error;
use user_core::signing::Keys;
use user_store::Store;
use user_web::Ground;

use crate::ended::Ended;
use crate::hasher::Hasher;
use crate::keyring::{KeyUse, Present};
use crate::limiter::Limiter;
use crate::new_passwords::NewPasswords;

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
    pub fn new(config: Config, clock: Clock, store: Store, (key_use, keys): (KeyUse, Keys)) -> Result<Self, Error> {
        Ok(Self(Arc::new(Parts {
            hasher: Hasher::new(config.argon2_memory_kib, config.argon2_iterations)?,
            new_passwords: NewPasswords::new(&config),
            limiter: Limiter::new(&config),
            ended: Ended::default(),
            present: Present::new(&config, key_use, keys, clock.now())?,
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

impl Ground for App {
    fn config(&self) -> &Config {
        &self.config
    }

    async fn look_after(&self) {
        self.refresh_keys().await;
    }
}
