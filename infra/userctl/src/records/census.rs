//! A census: every user, login and session, page by page, for the operator's check of the whole store. An unreadable item does not end the
//! census; it is reported as such.

use aws_sdk_dynamodb::types::AttributeValue;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::Error;
use user_core::id::UserId;
use user_core::login::Login;
use user_core::session::Session;
use user_core::user::User;
use user_store::items::{Item, failed, from_item, is_reserved, s, user_item};
use user_store::key;

use super::Records;

/// How many items one page reads, so that a page takes little memory.
const PAGE: i32 = 500;

/// The attributes of a user's item that are not part of the user: its key, and its places in the indexes and for TTL.
const INDEXED: [&str; 5] = ["pk", "dir_shard", "created_key", "expiry_shard", "purge_after"];

/// The tables that a census reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Users and logins.
    Users,
    /// Sessions.
    Ephemeral,
}

/// Where an item is stored; it has no `Debug`, since a key may contain an address.
#[derive(Clone)]
pub struct Place {
    table: Table,
    key: Item,
}

impl Place {
    /// Where the user with this identifier is stored.
    #[must_use]
    pub fn of_user(id: &UserId) -> Self {
        Self { table: Table::Users, key: key::user(id) }
    }

    /// Where the login of this address is stored.
    #[must_use]
    pub fn of_login(email: &EmailKey) -> Self {
        Self { table: Table::Users, key: key::login(email) }
    }

    fn of_item(table: Table, item: &Item) -> Self {
        let part = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
        Self { table, key: ["pk", "sk"].into_iter().filter_map(part).collect() }
    }

    /// The owner of the item, as a report may name it: never by the address itself.
    #[must_use]
    pub fn owner(&self) -> String {
        let partition = text(&self.key, "pk");
        match (partition.strip_prefix("USER#"), partition.strip_prefix("EMAIL#")) {
            (Some(id), _) => format!("user:{id}"),
            (_, Some(address)) => address_name(address),
            _ => "unknown".to_owned(),
        }
    }
}

/// A name for the key of an address: the first 16 hexadecimal digits of its SHA-256.
#[must_use]
pub fn address_name(address: &str) -> String {
    let hash = digest(&SHA256, address.as_bytes());
    let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("address:{hash}")
}

/// What is stored at a place; it has no `Debug`, since it may contain an address.
pub enum Record {
    /// A user.
    User {
        /// The record.
        user: Box<User>,
        /// Whether the item has the attributes that the indexes and TTL need for such a user.
        indexed: bool,
    },
    /// A login with a password.
    Login {
        /// The key of its address.
        address: String,
        /// The login.
        login: Login,
    },
    /// An address that is only reserved for a user.
    Reservation {
        /// The key of the address.
        address: String,
        /// The user for whom it is reserved.
        user_id: UserId,
        /// When the reservation ends.
        expires_at: Timestamp,
    },
    /// A session.
    Session(Session),
    /// An item whose content does not match its key.
    Unreadable,
    /// An item that the census does not check.
    Other,
    /// No item.
    Absent,
}

impl Records<'_> {
    /// A page of records, read consistently, and where the next page begins. A page can be empty although more follow.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn records_page(
        &self,
        table: Table,
        after: Option<Place>,
    ) -> Result<(Vec<(Place, Record)>, Option<Place>), Error> {
        let scan = self.0.client().scan().table_name(self.name_of(table)).consistent_read(true).limit(PAGE);
        let scan = match table {
            Table::Users => scan
                .filter_expression("sk = :profile OR sk = :login")
                .expression_attribute_values(":profile", s("PROFILE"))
                .expression_attribute_values(":login", s("LOGIN")),
            Table::Ephemeral => scan
                .filter_expression("begins_with(sk, :session)")
                .expression_attribute_values(":session", s("SESSION#")),
        };
        let answer = scan.set_exclusive_start_key(after.map(|place| place.key)).send().await.map_err(failed)?;
        let items = answer.items.unwrap_or_default().into_iter();
        let records = items.map(|item| (Place::of_item(table, &item), self.record(item))).collect();
        Ok((records, answer.last_evaluated_key.map(|key| Place { table, key })))
    }

    /// What is stored at a place now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database does not answer.
    pub async fn record_at(&self, place: &Place) -> Result<Record, Error> {
        let answer = self
            .0
            .client()
            .get_item()
            .table_name(self.name_of(place.table))
            .set_key(Some(place.key.clone()))
            .consistent_read(true)
            .send();
        Ok(answer.await.map_err(failed)?.item.map_or(Record::Absent, |item| self.record(item)))
    }

    fn name_of(&self, table: Table) -> &str {
        match table {
            Table::Users => self.0.users_table(),
            Table::Ephemeral => self.0.ephemeral_table(),
        }
    }

    fn record(&self, item: Item) -> Record {
        let partition = text(&item, "pk");
        let address = partition.strip_prefix("EMAIL#").unwrap_or(partition).to_owned();
        let read = match text(&item, "sk") {
            "PROFILE" => user(&item),
            "LOGIN" if is_reserved(&item) => from_item(item)
                .map(|Reserved { user_id, expires_at }| Record::Reservation { address, user_id, expires_at }),
            "LOGIN" => from_item(item).map(|login| Record::Login { address, login }),
            key if key.starts_with("SESSION#") => self.0.session_of(item).map(Record::Session),
            _ => Ok(Record::Other),
        };
        read.unwrap_or(Record::Unreadable)
    }
}

#[derive(Deserialize)]
struct Reserved {
    user_id: UserId,
    expires_at: Timestamp,
}

/// A user, and whether its item has the key, index and TTL attributes that would be written for it now.
fn user(item: &Item) -> Result<Record, Error> {
    let user: User = from_item(item.clone())?;
    let written = user_item(&user)?;
    let indexed = INDEXED.iter().all(|name| item.get(*name) == written.get(*name));
    Ok(Record::User { user: Box::new(user), indexed })
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value: &AttributeValue| value.as_s().ok()).map_or("", String::as_str)
}
