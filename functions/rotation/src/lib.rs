//! Rotates the signing keys in the four steps in which Secrets Manager calls a rotation function ("Rotation by Lambda function"). Each step
//! can be repeated. No step waits: the times in the secret say that a new key signs only after everybody can know it.

use aws_lambda_events::event::secretsmanager::SecretsManagerSecretRotationEvent;
use user_app::App;
use user_app::keyring::KeyUse;
use user_config::Config;
use user_core::clock::Timestamp;
use user_core::error::{Error, Unmet};
use user_core::id;
use user_core::signing::Keys;
use user_core::token::Tokens;
use user_store::Store;

/// What this function needs the signing keys for.
pub const KEY_USE: KeyUse = KeyUse::Sign;

/// How long instances may use outdated keys, and how far clocks may differ, in seconds.
const SLACK_SECONDS: i64 = 5;

/// Executes one step of a rotation.
///
/// # Errors
/// [`Error::Internal`] for another secret or an unknown step; [`Unmet::Changed`] if another rotation came first; [`Error::Unavailable`] if
/// the secret or the mark of the last rotation cannot be read.
pub async fn handle(app: &App, event: SecretsManagerSecretRotationEvent) -> Result<(), Error> {
    if event.secret_id != app.config.signing_secret_id {
        return Err(Error::internal("this is not the secret of the signing keys"));
    }
    let (store, now, version) = (&app.store, app.clock.now(), event.client_request_token.as_str());
    match event.step.as_str() {
        "createSecret" => create(app, version, now).await,
        // The keys exist only in the secret, so there is nowhere else to set them.
        "setSecret" => Ok(()),
        "testSecret" => test(&app.config, &staged(store, version).await?),
        "finishSecret" => finish(store, version).await,
        _ => Err(Error::internal("rotation has no such step")),
    }
}

/// `createSecret`: adds the next key in a version that is not in force yet.
async fn create(app: &App, version: &str, now: Timestamp) -> Result<(), Error> {
    let (store, config) = (&app.store, &app.config);
    if store.read_keys_version(version).await?.is_some() {
        return Ok(());
    }
    let wait = config.jwks_cache_seconds + SLACK_SECONDS;
    let keys = store.read_keys().await?;
    if keys.emergency() < store.read_key_mark().await?.emergency {
        // Secrets Manager may still return a version that an emergency made void: its keys must not come back.
        return Err(Error::Unavailable);
    }
    let keys = keys.rotated(config.jwt_algorithm, now, wait, config.longest_token_seconds())?;
    store.stage_keys(version, &keys).await
}

/// `testSecret`: each key signs tokens that can be read.
fn test(config: &Config, keys: &Keys) -> Result<(), Error> {
    let tokens = Tokens::new(config.token_settings(), keys)?;
    keys.iter().try_for_each(|key| tokens.check(key.signs_from))
}

/// `finishSecret`: puts the keys into force, for verifiers too, and announces them to every instance.
async fn finish(store: &Store, version: &str) -> Result<(), Error> {
    let keys = staged(store, version).await?;
    store.promote_keys(version, &keys).await?;
    // Verifiers can read the new keys before somebody signs with them.
    store.publish_keys().await?;
    store.announce_keys(&keys).await?;
    note(&keys, "ordinary");
    Ok(())
}

fn note(keys: &Keys, urgency: &str) {
    tracing::info!(event.name = "keys-rotated", keys.generation = keys.generation(), keys.urgency = urgency);
}

async fn staged(store: &Store, version: &str) -> Result<Keys, Error> {
    store.read_keys_version(version).await?.ok_or(Error::Unmet(Unmet::Changed))
}

/// Replaces all keys by a new one with the algorithm of the last key, since somebody else may have the keys. Everything that was signed
/// before is void at once.
///
/// # Errors
/// [`Unmet::Changed`] if another rotation came first; [`Error::Internal`] if the secret cannot be read or written.
pub async fn emergency(store: &Store, now: Timestamp) -> Result<Keys, Error> {
    let version = id::version()?;
    let announced = store.read_key_mark().await?.generation;
    let keys = store.read_keys().await?.replaced(announced, now)?;
    store.stage_keys(&version, &keys).await?;
    store.promote_keys(&version, &keys).await?;
    // From here on nobody accepts the former keys, whatever becomes of the rest.
    store.announce_keys(&keys).await?;
    store.publish_keys().await?;
    note(&keys, "emergency");
    Ok(keys)
}
