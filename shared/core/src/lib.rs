//! `user-core`: values and rules, without I/O. The time and all stored data are arguments.
//!
//! - [`user`], [`login`], [`session`]: what is stored of an account.
//! - [`proof`], [`client`], [`principal`]: who makes a request, proven how, by which client; [`access`]: who may do what.
//! - [`email`], [`password`], [`language`], [`id`], [`clock`]: values with rules of their own.
//! - [`token`], [`ticket`], [`signing`]: what is signed, and the keys.
//! - [`message`], [`event`], [`limit`]: emails to be sent, what happened to accounts, and rate limits.
//! - [`error`]: errors; [`words`]: sets of words that may grow.

pub mod access;
pub mod client;
pub mod clock;
pub mod email;
pub mod error;
pub mod event;
pub mod id;
pub mod language;
pub mod limit;
pub mod login;
pub mod message;
pub mod password;
pub mod principal;
pub mod proof;
pub mod session;
pub mod signing;
pub mod ticket;
pub mod token;
pub mod user;
pub mod words;
