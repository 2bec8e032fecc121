//! The records of the tables for operators' commands: many at once, in any schema version.
//!
//! - [`census`]: every user, login and session; [`backup`]: every item.
//! - [`export`], [`import`]: export and import of users.
//! - [`migration`]: the migration of items of former releases.

pub mod backup;
pub mod census;
pub mod export;
pub mod import;
pub mod migration;

use user_store::Store;

/// The records of a store.
#[derive(Clone, Copy)]
pub struct Records<'a>(pub &'a Store);
