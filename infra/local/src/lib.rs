//! `local`: the whole service in one process, built from `template.yaml`, for development and for the tests.
//!
//! - [`template`]: the template, evaluated.
//! - [`database`]: its tables, in an embedded database that speaks `DynamoDB`'s protocol.
//! - [`secrets`]: its secrets, with their versions.
//! - [`aws`]: both, as the SDK calls them; [`tokens`]: a transaction that is sent again.
//! - [`function`]: its functions, called as Lambda calls them.
//! - [`role`]: its roles, which functions are held to.
//! - [`gateway`]: its routes and CORS, as API Gateway serves them.
//! - [`stream`]: its stream mappings.
//! - [`openapi`]: the description of its API.
//! - [`inbox`]: the mails that were sent, kept.
//! - [`service`]: all of them together.
//! - [`ses`], [`cloudwatch`]: Amazon SES and `CloudWatch`.
//! - [`dead_letters`]: Amazon SQS.
//! - [`folder`]: the data folder and its files.
//! - [`hosts`]: whom it answers.
//! - [`server`]: the service on a port, with what exists only locally.

pub mod aws;
pub mod cloudwatch;
pub mod database;
pub mod dead_letters;
pub mod folder;
pub mod function;
pub mod gateway;
pub mod hosts;
pub mod inbox;
pub mod openapi;
pub mod role;
pub mod secrets;
pub mod server;
pub mod service;
pub mod ses;
pub mod stream;
pub mod template;
pub mod tokens;

/// What went wrong, in words for the person who started the service.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// The environment's variables: settings over the template's. Those that are no UTF-8 are nobody's settings.
#[must_use]
pub fn settings() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
