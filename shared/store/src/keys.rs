//! The signing keys: versions of the secret, and the item that tells every instance of a rotation.

use std::collections::HashMap;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;
use futures::future::try_join;
use user_core::error::{Error, Unmet};
use user_core::signing::Keys;

use super::failure::failed;
use super::{Store, from_item, key, n};
use crate::transaction::{if_met, unless_contended};

/// The staging labels that rotation uses (Secrets Manager, "Rotation by Lambda function").
const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// How often the keys are published again because others changed them meanwhile.
const PUBLICATIONS: usize = 8;

/// The mark by which every instance learns of rotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
pub struct Mark {
    /// The generation of the keys that are in force; 0 before the first rotation.
    pub generation: u64,
    /// The generation of the last emergency, which voided all keys before it; 0 before the first emergency.
    #[serde(default)]
    pub emergency: u64,
}

impl Store {
    /// The keys that are in force.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be read.
    pub async fn read_keys(&self) -> Result<Keys, Error> {
        let keys = read(self.secrets.get_secret_value().secret_id(&self.signing_secret_id)).await?;
        keys.ok_or_else(|| Error::internal("there is no secret"))
    }

    /// The keys in force as verifiers have them; none before the first rotation has written them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be read.
    pub async fn read_verification_keys(&self) -> Result<Keys, Error> {
        let keys = read(self.secrets.get_secret_value().secret_id(&self.verification_secret_id)).await?;
        Ok(keys.unwrap_or_else(Keys::none))
    }

    /// The keys of a version, in force or not; `None` if there is no such version.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be read.
    pub async fn read_keys_version(&self, version: &str) -> Result<Option<Keys>, Error> {
        read(self.secrets.get_secret_value().secret_id(&self.signing_secret_id).version_id(version)).await
    }

    /// Stores keys as a version that is not in force yet. It may be repeated.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be written.
    pub async fn stage_keys(&self, version: &str, keys: &Keys) -> Result<(), Error> {
        self.put_keys(&self.signing_secret_id, version, keys, PENDING).await
    }

    /// Brings a version, which holds `keys`, into force instead of the present one, unless it already is.
    ///
    /// # Errors
    /// [`Unmet::Changed`] when the version is not staged, or another one came into force meanwhile that it may not follow.
    pub async fn promote_keys(&self, version: &str, keys: &Keys) -> Result<(), Error> {
        let versions = self.versions(&self.signing_secret_id).await?;
        if versions.has(version, CURRENT) {
            return Ok(());
        }
        let current = versions.current().filter(|_| versions.has(version, PENDING)).ok_or(Unmet::Changed)?;
        if !self.read_keys_version(current).await?.is_some_and(|before| keys.may_follow(&before)) {
            return Err(Unmet::Changed.into());
        }
        self.make_current(&self.signing_secret_id, version, Some(current)).await
    }

    /// Writes what verifiers need of the keys in force into their secret. Of several that do so at the same time each goes on until the
    /// two secrets have the same version in force.
    ///
    /// # Errors
    /// [`Error::Busy`] when others change them all the time; [`Error::Unavailable`] when a secret cannot be read or written.
    pub async fn publish_keys(&self) -> Result<(), Error> {
        let secret = &self.verification_secret_id;
        for _ in 0..PUBLICATIONS {
            let (signing, verification) =
                try_join(self.versions(&self.signing_secret_id), self.versions(secret)).await?;
            let version =
                signing.current().ok_or_else(|| Error::internal("the signing secret has no version in force"))?;
            if verification.has(version, CURRENT) {
                return Ok(());
            }
            let Some(keys) = self.read_keys_version(version).await? else { continue };
            // A version that exists stays as it is, and the first one is in force at once (API reference, PutSecretValue).
            self.put_keys(secret, version, &keys.for_verifiers(), PENDING).await?;
            let verification = self.versions(secret).await?;
            if !verification.has(version, CURRENT) {
                match self.make_current(secret, version, verification.current()).await {
                    Ok(()) | Err(Error::Unmet(Unmet::Changed)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Err(Error::Busy)
    }

    async fn put_keys(&self, secret: &str, version: &str, keys: &Keys, stage: &str) -> Result<(), Error> {
        let put = self.secrets.put_secret_value().secret_id(secret).client_request_token(version);
        let put = put.secret_string(keys.to_secret()?).version_stages(stage).send().await;
        put.map(|_| ()).map_err(failed)
    }

    async fn versions(&self, secret: &str) -> Result<Versions, Error> {
        let described = self.secrets.describe_secret().secret_id(secret).send().await;
        Ok(Versions(described.map_err(failed)?.version_ids_to_stages.unwrap_or_default()))
    }

    async fn make_current(&self, secret: &str, version: &str, instead_of: Option<&str>) -> Result<(), Error> {
        let moved = self
            .secrets
            .update_secret_version_stage()
            .secret_id(secret)
            .version_stage(CURRENT)
            .move_to_version_id(version)
            .set_remove_from_version_id(instead_of.map(str::to_owned))
            .send();
        moved.await.map(|_| ()).map_err(|error| match error.code() {
            Some("InvalidParameterException" | "ResourceNotFoundException") => Unmet::Changed.into(),
            _ => failed(error),
        })
    }

    /// Asks Secrets Manager for a rotation by the stack's own function, which has the stack's settings. The rotation may take a while.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no rotation schedule, or a rotation is under way.
    pub async fn ask_for_rotation(&self) -> Result<(), Error> {
        let asked = self.secrets.rotate_secret().secret_id(&self.signing_secret_id).send().await;
        asked.map(|_| ()).map_err(failed)
    }

    /// The mark of the last finished rotation.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn read_key_mark(&self) -> Result<Mark, Error> {
        let answer =
            self.client.get_item().table_name(&self.users).set_key(Some(key::keys())).consistent_read(true).send();
        let item = answer.await.map_err(failed)?.item;
        Ok(item.map(from_item).transpose()?.unwrap_or_default())
    }

    /// Announces to every instance that these keys are in force, and the last emergency that they record. The generation never goes back.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn announce_keys(&self, keys: &Keys) -> Result<(), Error> {
        // Keys without an emergency leave an earlier one in the mark.
        let emergency = Some(keys.emergency()).filter(|emergency| *emergency > 0);
        let update = if emergency.is_some() { ", emergency = :emergency" } else { "" };
        let told = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.users)
                .set_key(Some(key::keys()))
                .update_expression(format!("SET generation = :generation{update}"))
                .condition_expression("attribute_not_exists(pk) OR generation < :generation")
                .set_expression_attribute_values(Some(
                    [(":generation", Some(keys.generation())), (":emergency", emergency)]
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), n(value?))))
                        .collect(),
                ))
                .send()
        });
        if_met(told.await).map(|_| ())
    }
}

async fn read(request: GetSecretValueFluentBuilder) -> Result<Option<Keys>, Error> {
    match request.send().await {
        Ok(answer) => Keys::from_secret(answer.secret_string().unwrap_or_default()).map(Some),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// The stages of a secret's versions.
struct Versions(HashMap<String, Vec<String>>);

impl Versions {
    fn has(&self, version: &str, stage: &str) -> bool {
        self.0.get(version).is_some_and(|stages| stages.iter().any(|has| has == stage))
    }

    fn current(&self) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|version| self.has(version, CURRENT))
    }
}
