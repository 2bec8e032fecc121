//! What every handler receives.

pub mod limiter;

use std::ops::Deref;
use std::sync::Arc;

use crate::app::limiter::Limiter;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::password::hasher::Hasher;
use crate::signing::{self, Keys};
use crate::store::Store;
use crate::token::Tokens;

/// The service's parts, shared by all requests of an instance.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// See [`App`].
#[expect(missing_docs, reason = "each part is documented at its type")]
pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub tokens: Tokens,
    pub hasher: Hasher,
    pub limiter: Limiter,
    cursor_keys: Vec<Vec<u8>>,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Errors
    /// [`Error::Internal`] when argon2 does not take the configured parameters.
    pub fn new(config: Config, clock: Clock, store: Store, keys: &Keys) -> Result<Self, Error> {
        let mut cursor_keys = keys.derive("cursor");
        let active = cursor_keys.remove(keys.active());
        Ok(Self(Arc::new(Parts {
            tokens: Tokens::new(&config, keys),
            hasher: Hasher::new(config.argon2_memory_kib, config.argon2_iterations)?,
            limiter: Limiter::new(&config),
            cursor_keys: active.into_iter().chain(cursor_keys.into_values()).collect(),
            config,
            clock,
            store,
        })))
    }

    /// Authenticates a cursor: the tag that `holds_cursor` takes.
    #[must_use]
    pub fn sign_cursor(&self, message: &[u8]) -> Vec<u8> {
        self.cursor_keys.first().map_or_else(Vec::new, |key| signing::mac(key, message))
    }

    /// Whether this service made the tag of `message`.
    #[must_use]
    pub fn holds_cursor(&self, message: &[u8], tag: &[u8]) -> bool {
        self.cursor_keys.iter().any(|key| signing::mac_holds(key, message, tag))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
