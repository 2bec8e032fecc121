//! The signing keys as an instance holds them, and when it looks at the secret again: from time to time, when a token names a key
//! that it does not know, and when a rotation says that its keys are not in force any more.
//!
//! After an ordinary rotation the keys before stay valid, so a secret that cannot be read costs nobody anything. After an emergency they
//! are void, whoever cannot read the new ones: an instance that has seen the mark of one reads and signs nothing until it holds keys that
//! descend from it. It answers [`Error::Unavailable`] rather than that a token is not valid, since it cannot tell.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::sync::Mutex;
use user_config::Config;
use user_core::clock::Timestamp;
use user_core::error::Error;
use user_core::signing::{CURSOR, JwtAlgorithm, Keys, active, mac, mac_holds};
use user_core::token::{AccessClaims, TokenKind, Tokens};
use user_store::Store;
use user_store::keys::Mark;
use user_telemetry::metric;

use crate::App;
use crate::verified::Verified;

/// How long an instance uses keys without reading the secret again, in seconds.
const REFRESH_SECONDS: i64 = 300;
/// How long an instance may not know that its keys are not in force any more, in seconds.
pub const CONFIRM_SECONDS: i64 = 2;
/// For how long neither an unknown key nor void ones make an instance read the secret again, in seconds.
const UNKNOWN_SECONDS: i64 = 1;
/// For how long the keys of a rotation are not looked for again after they were not found, in seconds.
const MISSED_SECONDS: i64 = 1;

/// What a function needs the keys for, and so where it reads them. Its role allows no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// To sign tokens: it reads the private keys.
    Sign,
    /// To verify access tokens, or to publish the public keys: it reads the copy without private keys.
    Verify,
    /// For nothing: it reads none.
    Nothing,
}

impl KeyUse {
    /// Reads the keys that are in force.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when their secret cannot be read.
    pub async fn read(self, store: &Store) -> Result<Keys, Error> {
        match self {
            Self::Sign => store.read_keys().await,
            Self::Verify => store.read_verification_keys().await,
            Self::Nothing => Ok(Keys::none()),
        }
    }
}

/// Everything that is made from the keys.
pub struct Keyring {
    /// Issues and reads tokens.
    pub tokens: Tokens,
    keys: Keys,
    verified: Verified,
}

impl Keyring {
    fn new(config: &Config, keys: Keys) -> Result<Self, Error> {
        Ok(Self { tokens: Tokens::new(config.token_settings(), &keys)?, keys, verified: Verified::default() })
    }

    /// The public keys that are valid at `now`, those that do not sign yet among them.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> Vec<Value> {
        self.keys.iter().filter(|key| key.is_valid(now)).filter_map(user_core::signing::Key::jwk).collect()
    }

    /// The algorithms of the public keys, each once, oldest key first.
    #[must_use]
    pub fn public_algorithms(&self, now: Timestamp) -> Vec<JwtAlgorithm> {
        let public = self.keys.iter().filter(|key| key.is_valid(now) && key.jwk().is_some());
        let mut algorithms: Vec<_> = public.map(|key| key.algorithm).collect();
        algorithms.dedup();
        algorithms
    }

    /// The claims of a valid access token, as [`Tokens::read`] reads them; its signature is checked the first time only.
    pub(crate) fn read_access(&self, token: &str, now: Timestamp) -> Option<AccessClaims> {
        self.verified.get_or(token, now, || self.tokens.read_until(TokenKind::Access, token, now))
    }

    /// Authenticates a cursor: the tag that `holds_cursor` takes.
    pub(crate) fn sign_cursor(&self, message: &[u8], now: Timestamp) -> Vec<u8> {
        let keys: Vec<_> = self.keys.iter().filter_map(|key| Some((key.signs_from, key.derive(CURSOR)?))).collect();
        active(&keys, |(signs_from, _)| *signs_from, now).map_or_else(Vec::new, |(_, key)| mac(key, message))
    }

    /// Whether this service made the tag of `message`.
    pub(crate) fn holds_cursor(&self, message: &[u8], tag: &[u8], now: Timestamp) -> bool {
        let mut valid = self.keys.iter().filter(|key| key.is_valid(now)).filter_map(|key| key.derive(CURSOR));
        valid.any(|key| mac_holds(&key, message, tag))
    }
}

/// The keyring that is valid now, and when it was looked after.
pub(super) struct Present {
    key_use: KeyUse,
    keyring: RwLock<Arc<Keyring>>,
    read_at: AtomicI64,
    sought_at: AtomicI64,
    confirmed_at: AtomicI64,
    missed_at: AtomicI64,
    /// The generation of the last emergency that was seen: keys that do not descend from it are void.
    emergency: AtomicU64,
    /// One reader at a time; the others take what it found.
    turn: Mutex<()>,
}

impl Present {
    pub(super) fn new(config: &Config, key_use: KeyUse, keys: Keys, now: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            key_use,
            keyring: RwLock::new(Arc::new(Keyring::new(config, keys)?)),
            read_at: AtomicI64::new(now.0),
            sought_at: AtomicI64::new(0),
            confirmed_at: AtomicI64::new(0),
            missed_at: AtomicI64::new(0),
            emergency: AtomicU64::new(0),
            turn: Mutex::default(),
        })
    }
}

impl App {
    fn held(&self) -> Arc<Keyring> {
        self.present.keyring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys as this instance holds them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while they are void and newer ones cannot be read, and while there are none.
    pub fn keyring(&self) -> Result<Arc<Keyring>, Error> {
        let held = self.held();
        let void = held.keys.is_none() || held.keys.emergency() < self.present.emergency.load(Ordering::SeqCst);
        if void { Err(Error::Unavailable) } else { Ok(held) }
    }

    /// Whether the key that `token` names is among these keys, and they are not void.
    #[must_use]
    pub fn knows_key_of(&self, token: &str) -> bool {
        let known = self.keyring().is_ok_and(|keyring| keyring.tokens.knows(token));
        let outcome = if known { "hit" } else { "miss" };
        metric::CACHE_LOOKUPS.add(&["keys", outcome], 1);
        known
    }

    /// Reads the secret again for a key that is not known, at most once a second.
    pub async fn seek_keys(&self) {
        self.once_in(UNKNOWN_SECONDS, &self.present.sought_at, async || self.read_keys().await).await;
    }

    /// The keys that are in force: those of the last rotation, a few seconds after it at most. Asks the database when it did not for
    /// that long.
    ///
    /// # Errors
    /// As [`App::keyring`].
    pub async fn keyring_in_force(&self) -> Result<Arc<Keyring>, Error> {
        self.once_in(CONFIRM_SECONDS, &self.present.confirmed_at, async || self.follow_rotation().await).await;
        self.keyring()
    }

    /// The keys that are in force at this very moment: for what is signed for a long time, and for links, which change an account.
    ///
    /// # Errors
    /// As [`App::keyring`].
    pub async fn newest_keyring(&self) -> Result<Arc<Keyring>, Error> {
        self.once_in(0, &self.present.confirmed_at, async || self.follow_rotation().await).await;
        self.keyring()
    }

    async fn follow_rotation(&self) {
        match self.store.read_key_mark().await {
            Ok(mark) => self.heed(mark).await,
            Err(error) => tracing::warn!(error.cause = %error, "whether the keys are in force is not known"),
        }
    }

    /// Does what a mark says: after an emergency the keys before it are void from here on, and after any rotation the new ones are
    /// looked for.
    pub(crate) async fn heed(&self, mark: Mark) {
        self.present.emergency.fetch_max(mark.emergency, Ordering::SeqCst);
        let missing = || mark.generation > self.held().keys.generation();
        let (now, missed_at) = (self.clock.now(), &self.present.missed_at);
        if missing() && now.since(Timestamp(missed_at.load(Ordering::SeqCst))) >= MISSED_SECONDS {
            self.read_keys().await;
            if missing() {
                missed_at.store(now.0, Ordering::SeqCst);
            }
        }
    }

    /// Reads the secret again when that was long ago.
    pub async fn refresh_keys(&self) {
        if self.present.key_use == KeyUse::Nothing {
            return;
        }
        self.once_in(REFRESH_SECONDS, &self.present.read_at, async || self.read_keys().await).await;
    }

    /// Does `work` when it was last done so many seconds ago. Who comes while it is done waits for it.
    async fn once_in(&self, seconds: i64, done_at: &AtomicI64, work: impl AsyncFnOnce()) {
        let now = self.clock.now();
        let due = || now.since(Timestamp(done_at.load(Ordering::SeqCst))) >= seconds;
        if due() {
            let in_turn = async {
                let _turn = self.present.turn.lock().await;
                if due() {
                    work().await;
                    done_at.store(now.0, Ordering::SeqCst);
                }
            };
            // Hardly any request comes here: its future need not have room for this.
            Box::pin(in_turn).await;
        }
    }

    /// A secret that cannot be read leaves the keys as they are, valid or void.
    async fn read_keys(&self) {
        self.present.read_at.store(self.clock.now().0, Ordering::SeqCst);
        let read = self.present.key_use.read(&self.store).await.and_then(|keys| Keyring::new(&self.config, keys));
        match read {
            // Secrets Manager may still show a version that is not in force any more.
            Ok(keyring) if keyring.keys.generation() < self.held().keys.generation() => {}
            Ok(keyring) => {
                *self.present.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
            }
            Err(error) => tracing::error!(error.cause = %error, "the signing keys were not read again"),
        }
    }
}
