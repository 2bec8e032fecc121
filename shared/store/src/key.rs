//! Keys of items and index rows.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use user_core::clock::Timestamp;
use user_core::email::{EmailKey, Mailbox};
use user_core::id::{EventId, MessageId, SessionId, UserId};

use super::Item;

/// How many partitions an index is spread over: one takes 1,000 writes per second, which would throttle the whole service.
pub const SHARDS: u64 = 8;

fn item(pk: String, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk.to_owned()))])
}

/// The key of a user.
#[must_use]
pub fn user(id: &UserId) -> Item {
    item(user_partition(id), "PROFILE")
}

/// The partition of a user, in the table of record and in the ephemeral table.
#[must_use]
pub fn user_partition(id: &UserId) -> String {
    format!("USER#{id}")
}

pub(crate) fn event(user: &UserId, id: &EventId) -> Item {
    item(user_partition(user), &format!("EVENT#{id}"))
}

/// The key of an event that is about no user.
pub(crate) fn no_event(id: &EventId) -> Item {
    item(format!("NOBODY#{id}"), "EVENT#")
}

/// The partition of an address, in the table of record and in the outbox.
#[must_use]
pub fn address(email: &EmailKey) -> String {
    format!("EMAIL#{}", email.as_str())
}

/// The key of the login of an address.
#[must_use]
pub fn login(email: &EmailKey) -> Item {
    item(address(email), "LOGIN")
}

/// The prefix of the sort keys of marks.
pub(crate) const DELIVERY: &str = "DELIVERY";

/// The mark of a mailbox of an address; former releases had one for all of them.
pub(crate) fn delivery(email: &EmailKey, mailbox: Option<&Mailbox>) -> Item {
    let sk = mailbox.map_or_else(|| DELIVERY.to_owned(), |mailbox| format!("{DELIVERY}#{}", mailbox.as_str()));
    item(address(email), &sk)
}

/// The key of the count of administrators.
#[must_use]
pub fn admins() -> Item {
    item("META#ADMINS".to_owned(), "COUNT")
}

pub(crate) fn cleanup() -> Item {
    item("META#CLEANUP".to_owned(), "LAST")
}

/// The key of the progress of the last migration.
#[must_use]
pub fn migration() -> Item {
    item("META#MIGRATION".to_owned(), "LAST")
}

/// The key of the mark of the last rotation.
#[must_use]
pub fn keys() -> Item {
    item("META#KEYS".to_owned(), "GENERATION")
}

pub(crate) fn session(user: &UserId, id: &SessionId) -> Item {
    item(user_partition(user), &format!("SESSION#{id}"))
}

/// The partition of the sweeps of removed users' sessions.
pub const SWEEPS: &str = "SWEEPS";

pub(crate) fn sweep(user: &UserId) -> Item {
    item(SWEEPS.to_owned(), &user_partition(user))
}

pub(crate) fn limit(class: &str, subject: &str, window: &str) -> Item {
    item(format!("LIMIT#{class}#{subject}"), window)
}

/// The key of a row that counts wrong passwords of an account.
pub(crate) fn failures(account: &EmailKey, row: &str) -> Item {
    limit("failures", account.as_str(), row)
}

/// The key of a mailbox's allowance of emails for a purpose; one for each account if an account asks for them.
pub(crate) fn messages(mailbox: &EmailKey, asked: &str, account: &str) -> Item {
    limit(&format!("messages-{asked}"), mailbox.as_str(), &format!("LEFT#{account}"))
}

pub(crate) fn probe(name: &str) -> Item {
    item(format!("PROBE#{name}"), "PROBE")
}

pub(crate) fn message(to: &EmailKey, id: &MessageId) -> Item {
    item(address(to), &format!("LETTER#{id}"))
}

/// The partition of `by_retry` that holds the messages that were given up.
pub(crate) const FAILED_SHARD: &str = "FAILED";

/// A partition of `by_retry`.
pub(crate) fn retry_shard_of(shard: u64) -> String {
    format!("R#{shard}")
}

/// The partition of `by_retry` that a message waits in.
pub(crate) fn retry_shard(id: &MessageId) -> String {
    retry_shard_of(shard_of(id.as_str()))
}

/// The partition of `by_created` that a user is listed in.
#[must_use]
pub fn directory_shard(shard: u64) -> String {
    format!("U#{shard}")
}

/// The partition of `by_expiry` that an unverified user waits in.
pub(crate) fn expiry_shard(shard: u64) -> String {
    format!("E#{shard}")
}

/// A number from 0 to [`SHARDS`] - 1, the same for the same user (FNV-1a).
pub(crate) fn shard(id: &UserId) -> u64 {
    shard_of(id.as_str())
}

fn shard_of(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        % SHARDS
}

/// The sort key of a user in the list: by time, then by identifier.
pub(crate) fn created(at: Timestamp, id: &UserId) -> String {
    format!("{:012}#{id}", at.0)
}
