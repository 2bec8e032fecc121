//! `user-core`: what all functions share. Floors, from low to high; imports only go down:
//!
//! 1. Values and rules, without I/O: [`error`], [`config`], [`clock`], [`id`], [`json`], [`email`], [`password`], [`signing`], [`token`],
//!    [`ticket`], [`user`], [`language`], [`login`], [`session`], [`letter`], [`event`], [`limit`], [`access`],
//!    [`metric`], [`log`], [`usage`].
//! 2. [`https`]: the client of other services; [`store`]: `DynamoDB`, one file for each kind of item.
//! 3. [`app`]: what every handler receives.
//! 4. [`http`]: requests in, answers and problem documents out.
//! 5. [`lambda`]: how a function starts on AWS.

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod email;
pub mod error;
pub mod event;
pub mod http;
pub mod https;
pub mod id;
pub mod json;
pub mod lambda;
pub mod language;
pub mod letter;
pub mod limit;
pub mod log;
pub mod login;
pub mod metric;
pub mod password;
pub mod session;
pub mod signing;
pub mod store;
pub mod ticket;
pub mod token;
pub mod usage;
pub mod user;
