//! `local`: the whole service in one process, built from `template.yaml`, for development and for the tests.
//!
//! - [`database`]: the tables, in an embedded database that speaks `DynamoDB`'s protocol.
//! - [`secrets`]: the secrets, with their versions.
//! - [`aws`]: the AWS services, as the SDK calls them; [`tokens`]: transactions that are sent again.
//! - [`function`]: the functions, invoked as Lambda invokes them.
//! - [`role`]: the roles, which are enforced for the functions.
//! - [`gateway`]: the routes and CORS, as API Gateway serves them.
//! - [`authorizer`]: API Gateway's JWT authorizers, which other services may have.
//! - [`stream`]: the stream mappings.
//! - [`inbox`]: the emails that were sent.
//! - [`service`]: all of them together.
//! - [`ses`], [`cloudwatch`]: Amazon SES and `CloudWatch`.
//! - [`dead_letters`]: Amazon SQS.
//! - [`drill`]: restores a backup into a copy and checks it.
//! - [`hosts`]: the requests that are answered, by host and origin.
//! - [`server`]: the service on a port, and what exists only locally.

pub mod authorizer;
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
