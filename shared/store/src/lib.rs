//! The store: three `DynamoDB` tables and the secrets. No other crate of `shared/` calls them. It has one file for each kind of item.

pub mod admins;
mod batch;
mod beside;
pub mod claim;
pub mod delivery;
pub mod directory;
mod email;
mod event;
pub mod expiry;
mod failure;
pub mod failures;
pub mod items;
pub mod key;
pub mod keys;
pub mod limit;
pub mod login;
mod mail;
pub mod mailbox;
mod meter;
pub mod outbox;
pub mod probe;
mod scrape;
pub mod session;
pub mod sweep;
mod transaction;
pub mod user;

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use user_config::Config;
use user_core::clock::Timestamp;
use user_core::error::Error;

use crate::failure::Repeatable;
use crate::meter::Meter;

/// How many times a batch is sent while part of it stays unprocessed.
const BATCH_ATTEMPTS: usize = 8;

/// The longest identifier, in bytes: a partition key has at most 2,048 bytes, a sort key 1,024.
const MAX_ID_BYTES: usize = 512;

/// An item, by the names of its attributes.
pub type Item = HashMap<String, AttributeValue>;

/// The tables of the service, and its secrets.
#[derive(Clone)]
pub struct Store {
    client: Client,
    secrets: aws_sdk_secretsmanager::Client,
    signing_secret_id: String,
    verification_secret_id: String,
    metrics_secret_id: String,
    mail_secret_id: Option<String>,
    users: String,
    ephemeral: String,
    outbox: String,
    /// How long after its sign-in a session ends, even if its item has a later end.
    session_max_seconds: i64,
}

impl Store {
    /// The tables and secrets that the configuration names, called as `sdk` configures.
    #[must_use]
    pub fn connect(sdk: &SdkConfig, config: &Config) -> Self {
        let (client, secrets) = (Client::new(sdk), aws_sdk_secretsmanager::Client::new(sdk));
        let tables =
            [(&config.users_table, "users"), (&config.ephemeral_table, "ephemeral"), (&config.outbox_table, "outbox")];
        let meter = Meter(tables.map(|(name, label)| (name.clone(), label)));
        let metered = client.config().to_builder().interceptor(meter).retry_classifier(Repeatable).build();
        Self {
            client: Client::from_conf(metered),
            secrets,
            signing_secret_id: config.signing_secret_id.clone(),
            verification_secret_id: config.verification_secret_id.clone(),
            metrics_secret_id: config.metrics_secret_id.clone(),
            mail_secret_id: config.mail_secret().map(str::to_owned),
            users: config.users_table.clone(),
            ephemeral: config.ephemeral_table.clone(),
            outbox: config.outbox_table.clone(),
            session_max_seconds: config.session_max_seconds(),
        }
    }
}

impl Store {
    /// The client of the tables, whose calls are measured.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The name of the table of record.
    #[must_use]
    pub fn users_table(&self) -> &str {
        &self.users
    }

    /// The name of the ephemeral table.
    #[must_use]
    pub fn ephemeral_table(&self) -> &str {
        &self.ephemeral
    }
}

/// The item of a value, with this key.
///
/// # Errors
/// [`Error::Internal`] when the value cannot be an item.
pub fn to_item(value: &impl Serialize, key: Item) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(Error::internal)?;
    item.extend(key);
    Ok(item)
}

/// The value in an item.
///
/// # Errors
/// [`Error::Internal`] when the item is of another form.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    serde_dynamo::from_item(item).map_err(Error::internal)
}

/// A string attribute.
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
pub fn n(number: impl Display) -> AttributeValue {
    AttributeValue::N(format!("{number}"))
}

/// A moment as a number attribute: seconds since 1970.
#[must_use]
pub fn at(moment: Timestamp) -> AttributeValue {
    n(moment.0)
}
