//! The signing keys: versions of the secret, and the item that tells every instance of a rotation.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;
use user_core::error::{Error, Unmet};
use user_core::signing::Keys;

use super::failure::failed;
use super::{Store, from_item, key, n};
use crate::transaction::{if_met, unless_contended};

/// The staging labels that rotation uses (Secrets Manager, "Rotation by Lambda function").
const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

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

    /// Stores keys as a version of both secrets that is not in force yet. It may be repeated.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a secret cannot be written.
    pub async fn stage_keys(&self, version: &str, keys: &Keys) -> Result<(), Error> {
        self.stage(&self.signing_secret_id, version, keys).await?;
        self.stage_verification_keys(version, keys).await
    }

    /// The second half of [`Store::stage_keys`], for a version that the signing secret has.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the secret cannot be written.
    pub async fn stage_verification_keys(&self, version: &str, keys: &Keys) -> Result<(), Error> {
        self.stage(&self.verification_secret_id, version, &keys.for_verifiers()).await
    }

    async fn stage(&self, secret: &str, version: &str, keys: &Keys) -> Result<(), Error> {
        let put = self.secrets.put_secret_value().secret_id(secret).client_request_token(version);
        let put = put.secret_string(keys.to_secret()?).version_stages(PENDING).send().await;
        put.map(|_| ()).map_err(failed)
    }

    /// Brings a version into force instead of the present one, in both secrets, unless it already is: the signing secret decides which of
    /// two rotations comes first, so that the other secret never has keys of the one that lost. It may be repeated.
    ///
    /// # Errors
    /// [`Unmet::Changed`] when the version is not staged, or another one came into force meanwhile.
    pub async fn promote_keys(&self, version: &str) -> Result<(), Error> {
        self.promote(&self.signing_secret_id, version).await?;
        self.promote(&self.verification_secret_id, version).await
    }

    async fn promote(&self, secret: &str, version: &str) -> Result<(), Error> {
        let described = self.secrets.describe_secret().secret_id(secret).send().await;
        let versions = described.map_err(failed)?.version_ids_to_stages.unwrap_or_default();
        let has = |id: &str, stage: &str| versions.get(id).is_some_and(|stages| stages.iter().any(|s| s == stage));
        if has(version, CURRENT) {
            return Ok(());
        }
        let current = versions.keys().find(|id| has(id, CURRENT)).filter(|_| has(version, PENDING));
        let current = current.ok_or(Unmet::Changed)?;
        let moved = self
            .secrets
            .update_secret_version_stage()
            .secret_id(secret)
            .version_stage(CURRENT)
            .move_to_version_id(version)
            .remove_from_version_id(current)
            .send();
        moved.await.map(|_| ()).map_err(|error| match error.code() {
            Some("InvalidParameterException") => Unmet::Changed.into(),
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
