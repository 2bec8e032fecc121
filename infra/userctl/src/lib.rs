//! `userctl`: the operator's command line. It keeps the rules of the API: the password policy, the last administrator.
//!
//! - [`command`]: what each command does.
//! - [`check`]: whether a whole store holds together.
//! - [`cost`]: what the service costs on AWS.
//! - [`mail`]: what became of emails.
//! - [`directory`]: who there is: lists and counts.
//! - [`migrate`]: items of former releases.
//! - [`drill`]: whether the data comes back; [`dead_letters`]: what functions gave up.
//! - [`transfer`]: users and whole tables in files.
//! - [`routes`]: the routes for `cargo lambda watch`.
//! - [`outcome`]: how it is shown.
//! - [`stage`]: where it does it: the local stack or AWS.

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
