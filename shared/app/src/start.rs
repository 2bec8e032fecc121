//! The start of a function that uses data: configuration, clients and keys. Every error in them is reported before the first event.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use axum::Router;
use futures::future::{LocalBoxFuture, join};
use user_config::Hidden;
use user_core::clock::Clock;
use user_core::error::Error;
use user_runtime::begin;
use user_store::Store;

use crate::App;
use crate::keyring::KeyUse;

/// The configuration that clients of all AWS services share: three attempts with back-off, at most 2 s for each and 5 s in all.
#[must_use]
pub fn sdk_config(
    http: SharedHttpClient,
    credentials: SharedCredentialsProvider,
    region: Region,
    endpoint: Option<String>,
) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .credentials_provider(credentials)
        .region(region)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts);
    config.set_endpoint_url(endpoint);
    config.build()
}

/// Region, credentials and endpoint from the environment, as Lambda sets them. `AWS_ENDPOINT_URL` sends calls elsewhere, such as to
/// a database on this machine.
#[expect(clippy::disallowed_methods, reason = "these variables belong to Lambda, not to the configuration")]
fn sdk_config_from_env() -> Result<SdkConfig, Error> {
    let required = |name| std::env::var(name).map_err(|_| Error::internal(format!("{name} is missing")));
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        std::env::var("AWS_SESSION_TOKEN").ok(),
        None,
        "environment",
    );
    Ok(sdk_config(
        https::client(),
        SharedCredentialsProvider::new(credentials),
        Region::new(required("AWS_REGION")?),
        std::env::var("AWS_ENDPOINT_URL").ok(),
    ))
}

/// Loads everything that a function of the service needs; returns also the SDK configuration, for further clients.
///
/// # Errors
/// [`Error::Internal`] for missing and malformed settings; the errors of [`KeyUse::read`].
pub async fn load(key_use: KeyUse) -> Result<(App, SdkConfig), Error> {
    load_beside(key_use, async |_| ()).await.map(|(app, sdk, ())| (app, sdk))
}

/// As [`load`], and reads the password of the mail server at the same time.
///
/// # Errors
/// As [`load`].
pub async fn load_for_mail(key_use: KeyUse) -> Result<(App, SdkConfig, Hidden), Error> {
    let (app, sdk, password) = load_beside(key_use, async |store| store.read_mail_password().await).await?;
    Ok((app, sdk, password?))
}

/// As [`load`], and runs `work` with the store while the secret is read.
async fn load_beside<T>(key_use: KeyUse, work: impl AsyncFnOnce(&Store) -> T) -> Result<(App, SdkConfig, T), Error> {
    let config = begin().map_err(Error::internal)?;
    let sdk = sdk_config_from_env()?;
    let store = Store::connect(&sdk, &config);
    let (keys, done) = join(key_use.read(&store), work(&store)).await;
    Ok((App::new(config, Clock::System, store, (key_use, keys?))?, sdk, done))
}

/// Serves API Gateway's events with `router` until Lambda ends the instance.
///
/// # Errors
/// As [`load`]; failures of the Lambda runtime.
pub fn serve(router: fn(App) -> Router, key_use: KeyUse) -> Serving {
    Box::pin(async move {
        // The first request then has an open connection to the database, and keys that no emergency has voided.
        let (app, _, mark) = load_beside(key_use, async |store| store.read_key_mark().await).await?;
        if let Ok(mark) = mark {
            app.heed(mark).await;
        }
        user_runtime::run(router(app)).await
    })
}

/// A running function. It is boxed so that it is compiled here, for size, and not in the program.
pub type Serving = LocalBoxFuture<'static, Result<(), lambda_http::Error>>;
