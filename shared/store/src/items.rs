//! The parts of items, for operators' commands, which read and write many at once and in any form. Handlers use the methods of
//! [`Store`](crate::Store).

pub use crate::batch::{READS, WRITES};
pub use crate::claim::{end_of, is_reserved};
pub use crate::failure::failed;
pub use crate::transaction::{Expression, Transaction, if_met, unless_contended};
pub use crate::user::{SCHEMA, login_item, user_item};
pub use crate::{Item, at, from_item, n, s, to_item};
