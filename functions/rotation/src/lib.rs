//! Rotates the signing keys, by the four steps in which Secrets Manager calls a rotation function ("Rotation by Lambda function").
//! Each step can be repeated. The times in the secret do the waiting: a new key signs once everybody can know it.

use aws_lambda_events::event::secretsmanager::SecretsManagerSecretRotationEvent;
use user_core::app::App;
use user_core::clock::Timestamp;
use user_core::config::Config;
use user_core::error::Error;
use user_core::id;
use user_core::signing::Keys;
use user_core::store::Store;
use user_core::token::{Tokens, longest_life_seconds};

/// For how long instances may go on with the keys they have, and clocks differ, in seconds.
const SLACK_SECONDS: i64 = 5;

/// What becomes of the keys that are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// They sign until the next one is known, and what they signed stays good for its time.
    Ordinary,
    /// They are void at once, and so is whatever they signed: somebody else may have them.
    Emergency,
}

/// One step of a rotation, as Secrets Manager calls for it.
///
/// # Errors
/// [`Error::Internal`] for another secret or an unknown step; [`Error::Stale`] when another rotation went before.
pub async fn handle(app: &App, event: SecretsManagerSecretRotationEvent) -> Result<(), Error> {
    if event.secret_id != app.config.signing_secret_id {
        return Err(Error::internal("this is not the secret of the signing keys"));
    }
    let rotation = Rotation {
        store: &app.store,
        config: &app.config,
        now: app.clock.now(),
        version: event.client_request_token,
        urgency: Urgency::Ordinary,
    };
    match event.step.as_str() {
        "createSecret" => rotation.create().await,
        // Nobody else keeps the keys: there is nowhere to set them.
        "setSecret" => Ok(()),
        "testSecret" => rotation.test().await,
        "finishSecret" => rotation.finish().await.map(|_| ()),
        _ => Err(Error::internal("rotation has no such step")),
    }
}

/// A whole rotation, by hand; the keys that are in force after it.
///
/// # Errors
/// [`Error::Stale`] when another rotation went before; [`Error::Internal`] when the secret cannot be read or written.
pub async fn rotate(store: &Store, config: &Config, now: Timestamp, urgency: Urgency) -> Result<Keys, Error> {
    let rotation = Rotation { store, config, now, version: id::version()?, urgency };
    rotation.create().await?;
    rotation.test().await?;
    rotation.finish().await
}

struct Rotation<'a> {
    store: &'a Store,
    config: &'a Config,
    now: Timestamp,
    /// The new version of the secret.
    version: String,
    urgency: Urgency,
}

impl Rotation<'_> {
    /// `createSecret`: the new version, not in force yet.
    async fn create(&self) -> Result<(), Error> {
        if self.store.read_keys_version(&self.version).await?.is_some() {
            return Ok(());
        }
        let (keys, algorithm) = (self.store.read_keys().await?, self.config.jwt_algorithm);
        let next = match self.urgency {
            Urgency::Ordinary => {
                let wait = self.config.jwks_cache_seconds + SLACK_SECONDS;
                keys.rotated(algorithm, self.now, wait, longest_life_seconds(self.config))?
            }
            Urgency::Emergency => keys.replaced(algorithm, self.now)?,
        };
        self.store.stage_keys(&self.version, &next).await
    }

    /// `testSecret`: each of its keys signs what can be read.
    async fn test(&self) -> Result<(), Error> {
        let keys = self.new_keys().await?;
        let tokens = Tokens::new(self.config, &keys)?;
        keys.iter().try_for_each(|key| tokens.check(key.signs_from))
    }

    /// `finishSecret`: brings it into force, and tells every instance.
    async fn finish(&self) -> Result<Keys, Error> {
        let keys = self.new_keys().await?;
        self.store.promote_keys(&self.version).await?;
        self.store.announce_keys(keys.generation()).await?;
        let urgency = if self.urgency == Urgency::Emergency { "emergency" } else { "ordinary" };
        tracing::info!(event.name = "keys-rotated", keys.generation = keys.generation(), keys.urgency = urgency);
        Ok(keys)
    }

    async fn new_keys(&self) -> Result<Keys, Error> {
        self.store.read_keys_version(&self.version).await?.ok_or(Error::Stale)
    }
}
