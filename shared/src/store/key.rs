//! Keys of items and index rows.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;
use crate::clock::Timestamp;
use crate::email::EmailKey;
use crate::id::{EventId, LetterId, SessionId, UserId};

/// Over how many partitions an index spreads: one takes 1,000 writes a second, which would throttle the whole service.
pub(super) const SHARDS: u64 = 8;

fn item(pk: String, sk: &str) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk.to_owned()))])
}

pub(super) fn user(id: &UserId) -> Item {
    item(user_partition(id), "PROFILE")
}

pub(super) fn user_partition(id: &UserId) -> String {
    format!("USER#{id}")
}

pub(super) fn event(user: &UserId, id: &EventId) -> Item {
    item(user_partition(user), &format!("EVENT#{id}"))
}

/// Where an event lies that is about nobody.
pub(super) fn no_event(id: &EventId) -> Item {
    item(format!("NOBODY#{id}"), "EVENT#")
}

pub(super) fn login(email: &EmailKey) -> Item {
    item(format!("EMAIL#{}", email.as_str()), "LOGIN")
}

pub(super) fn admins() -> Item {
    item("META#ADMINS".to_owned(), "COUNT")
}

pub(super) fn cleanup() -> Item {
    item("META#CLEANUP".to_owned(), "LAST")
}

pub(super) fn keys() -> Item {
    item("META#KEYS".to_owned(), "GENERATION")
}

pub(super) fn session(user: &UserId, id: &SessionId) -> Item {
    item(user_partition(user), &format!("SESSION#{id}"))
}

pub(super) fn limit(class: &str, subject: &str, window: &str) -> Item {
    item(format!("LIMIT#{class}#{subject}"), window)
}

pub(super) fn failures(account: &EmailKey) -> Item {
    limit("failures", account.as_str(), "ROW")
}

pub(super) fn probe(name: &str) -> Item {
    item(format!("PROBE#{name}"), "PROBE")
}

pub(super) fn letter(id: &LetterId) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(format!("LETTER#{id}")))])
}

/// The partition of `by_created` that a user is listed in.
pub(super) fn directory_shard(shard: u64) -> String {
    format!("U#{shard}")
}

/// The partition of `by_expiry` that an unverified user waits in.
pub(super) fn expiry_shard(shard: u64) -> String {
    format!("E#{shard}")
}

/// A number from 0 up to and without [`SHARDS`], the same for the same user (FNV-1a).
pub(super) fn shard(id: &UserId) -> u64 {
    id.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        % SHARDS
}

/// The place of a user in the list: by time, then by identifier.
pub(super) fn created(at: Timestamp, id: &UserId) -> String {
    format!("{:012}#{id}", at.0)
}
