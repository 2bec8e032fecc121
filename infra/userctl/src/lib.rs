//! `userctl`: the operator's command line. It keeps the rules of the API: the password policy, the last administrator.
//!
//! - [`command`]: what each command does.
//! - [`check`]: whether a whole store holds together.
//! - [`mail`]: what became of letters.
//! - [`outcome`]: how it is shown.
//! - [`routes`]: the routes for `cargo lambda watch`.
//! - [`stage`]: where it does it: the local stack or AWS.

pub mod check;
pub mod command;
pub mod mail;
pub mod outcome;
pub mod routes;
pub mod stage;
