//! `userctl`: the operator's command line. It applies the rules of the API, such as the password policy and the last administrator.
//!
//! - [`command`]: what each command does.
//! - [`check`]: whether the items of a store are consistent.
//! - [`cost`]: what the service costs on AWS.
//! - [`mail`]: the outcome of emails.
//! - [`directory`]: lists and counts of users.
//! - [`migrate`]: the migration of items of former releases.
//! - [`drill`]: tests of recovery; [`dead_letters`]: the events that functions gave up.
//! - [`transfer`]: users and whole tables in files.
//! - [`routes`]: the routes for `cargo lambda watch`.
//! - [`outcome`]: how commands show their results.
//! - [`stage`]: where commands work: the local stack or AWS.

pub mod check;
pub mod command;
pub mod cost;
pub mod dead_letters;
pub mod directory;
pub mod drill;
pub mod mail;
pub mod migrate;
pub mod openapi;
pub mod outcome;
pub mod records;
pub mod routes;
mod signed;
pub mod stage;
pub mod transfer;
