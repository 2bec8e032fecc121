//! Where a command works: the tables of the local stack or those of a deployed one.

use std::collections::BTreeMap;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::region::Region;
use template::{Fault, REGION, Template};
use user_app::hasher::Hasher;
use user_app::new_passwords::NewPasswords;
use user_app::start::sdk_config;
use user_config::Config;
use user_core::clock::Clock;
use user_store::Store;

use crate::records::Records;

/// The dependencies of a command.
pub struct Stage {
    /// The configuration: variables of the environment override those of the template.
    pub config: Config,
    /// The tables and the secret.
    pub store: Store,
    /// Accepts or refuses new passwords as the service does.
    pub new_passwords: NewPasswords,
    /// Hashes passwords as the service does.
    pub hasher: Hasher,
    /// The source of the current time.
    pub clock: Clock,
    /// The configuration for AWS services that the store does not use.
    pub sdk: SdkConfig,
    /// The URL of the queue of events that functions gave up, if it is known.
    pub dead_letters: Option<String>,
}

impl Stage {
    /// The stage at `endpoint`, or without one on AWS, with the standard credential chain. On AWS the names of the tables and of the secret
    /// must be in the environment, since CloudFormation chose them.
    ///
    /// # Errors
    /// If variables are missing or malformed.
    pub async fn open(endpoint: Option<String>, environment: BTreeMap<String, String>) -> Result<Self, Fault> {
        match endpoint {
            Some(endpoint) => Self::of(remote_config(&endpoint), &environment, false),
            None => {
                let chain = aws_config::defaults(BehaviorVersion::latest()).http_client(https::client());
                Self::of(chain.load().await, &environment, true)
            }
        }
    }

    /// The stage whose resources have the template's names, at the services that `sdk` reaches.
    ///
    /// # Errors
    /// If variables are malformed.
    pub fn local(sdk: SdkConfig, environment: &BTreeMap<String, String>) -> Result<Self, Fault> {
        Self::of(sdk, environment, false)
    }

    /// The records of its tables.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records(&self.store)
    }

    fn of(sdk: SdkConfig, environment: &BTreeMap<String, String>, deployed: bool) -> Result<Self, Fault> {
        let template = Template::evaluate(|name| environment.get(name).cloned())?;
        let known =
            template.functions().next().map(|(_, _, function)| template.environment(function)).unwrap_or_default();
        let config = Config::read(|name| {
            let given = environment.get(name).cloned();
            given.or_else(|| known.get(name).filter(|_| !(deployed && is_resource(name))).cloned())
        })?;
        let queue = || template.queues().next().filter(|_| !deployed).map(str::to_owned);
        let dead_letters = environment.get("DEAD_LETTERS_URL").cloned().or_else(queue);
        Self::with(sdk, config, Clock::System, dead_letters)
    }

    /// The same stage with another users table, such as a copy.
    ///
    /// # Errors
    /// As [`Stage::open`].
    pub fn on_users(&self, table: &str) -> Result<Self, Fault> {
        let config = Config { users_table: table.to_owned(), ..self.config.clone() };
        Self::with(self.sdk.clone(), config, self.clock.clone(), self.dead_letters.clone())
    }

    fn with(sdk: SdkConfig, config: Config, clock: Clock, dead_letters: Option<String>) -> Result<Self, Fault> {
        let hasher = Hasher::new(config.argon2_memory_kib, config.argon2_iterations)?;
        let new_passwords = NewPasswords::new(&config);
        Ok(Self { store: Store::connect(&sdk, &config), config, new_passwords, hasher, clock, sdk, dead_letters })
    }
}

/// The configuration of SDK clients that call a local stack in another process, at a URL such as `http://127.0.0.1:8000/_local/aws`.
#[must_use]
pub fn remote_config(endpoint: &str) -> SdkConfig {
    local_config(https::client(), endpoint)
}

/// The same with another HTTP client.
#[must_use]
pub fn local_config(http: SharedHttpClient, endpoint: &str) -> SdkConfig {
    let credentials = SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "local"));
    sdk_config(http, credentials, Region::new(REGION), Some(endpoint.to_owned()))
}

/// Whether a variable names a resource of the stack.
fn is_resource(name: &str) -> bool {
    name.ends_with("_TABLE") || ["SIGNING_SECRET_ID", "VERIFICATION_SECRET_ID"].contains(&name)
}
