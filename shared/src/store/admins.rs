//! The count of administrators who can work: the guard of the last one.

use super::transaction::{Expression, Transaction};
use super::{Store, key, n};
use crate::error::Error;

impl Store {
    pub(super) fn one_admin_more(&self, writes: Transaction) -> Result<Transaction, Error> {
        let add = Expression::new("ADD working :one", [(":one", n(1)), (":none", n(0))]);
        writes.update(&self.users, key::admins(), add, "attribute_not_exists(pk) OR working >= :none", || {
            Error::internal("the count of administrators is below zero")
        })
    }

    pub(super) fn one_admin_less(&self, writes: Transaction) -> Result<Transaction, Error> {
        let subtract = Expression::new("ADD working :minus", [(":minus", n(-1)), (":one", n(1))]);
        writes.update(&self.users, key::admins(), subtract, "working > :one", || Error::LastAdmin)
    }
}
