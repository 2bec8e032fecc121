//! The records of the tables as operators' commands read and write them: many at once, in any form.
//!
//! - [`census`]: every user, login and session; [`backup`]: every item.
//! - [`export`], [`import`]: users out and in.
//! - [`migration`]: items of former releases.

pub mod backup;
pub mod census;
pub mod export;
pub mod import;
pub mod migration;

use user_store::Store;

/// The records of a store.
#[derive(Clone, Copy)]
pub struct Records<'a>(pub &'a Store);
