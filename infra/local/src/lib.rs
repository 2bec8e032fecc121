//! `local`: the whole service in one process, built from `template.yaml`, for development and for the tests.
//!
//! - [`database`]: its tables, in an embedded database that speaks `DynamoDB`'s protocol.
//! - [`secrets`]: its secrets, with their versions.
//! - [`aws`]: both, as the SDK calls them; [`tokens`]: a transaction that is sent again.
//! - [`function`]: its functions, called as Lambda calls them.
//! - [`role`]: its roles, which functions are held to.
//! - [`gateway`]: its routes and CORS, as API Gateway serves them.
//! - [`stream`]: its stream mappings.
//! - [`inbox`]: the mails that were sent, kept.
//! - [`service`]: all of them together.
//! - [`ses`], [`cloudwatch`]: Amazon SES and `CloudWatch`.
//! - [`dead_letters`]: Amazon SQS.
//! - [`drill`]: a backup, restored into a copy and checked.
//! - [`hosts`]: whom it answers.
//! - [`server`]: the service on a port, with what exists only locally.

pub mod aws;
pub mod cloudwatch;
pub mod database;
pub mod dead_letters;
pub mod drill;
pub mod function;
pub mod gateway;
pub mod hosts;
pub mod inbox;
pub mod role;
pub mod secrets;
pub mod server;
pub mod service;
pub mod ses;
pub mod stream;
pub mod tokens;
