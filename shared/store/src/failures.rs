//! Wrong passwords in a row, in the ephemeral table. They are counted for each network of an account, for all sign-ins of the account, and
//! for its signed-in callers. So a network that guesses has to wait for its own failures, and delays nobody elsewhere.

use futures::future::try_join3;
use serde::{Deserialize, Serialize};
use user_core::clock::Timestamp;
use user_core::email::EmailKey;
use user_core::error::Error;

use super::transaction::{failure, if_met, unless_contended};
use super::{Item, Store, at, from_item, key, n, to_item};

/// How long a row is kept, and a network is known after a reset, in seconds.
const KEEP_SECONDS: i64 = 86_400;

/// The wrong password from which the lifetime of a row is counted.
#[derive(Clone, Copy)]
enum Lives {
    /// The first one: a row that many networks add to would otherwise never expire.
    FromFirst,
    /// The last one.
    FromLast,
}

/// Where a password was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// At a sign-in, by anybody who knows the address.
    AtSignIn,
    /// By a signed-in caller, in an epoch: what a thief gave in an epoch that has ended delays nobody.
    SignedIn {
        /// The account's epoch.
        epoch: u64,
    },
}

/// Wrong passwords in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Their number.
    pub count: u64,
    /// When the last one came.
    pub last_at: Timestamp,
}

/// A row as stored.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Stored {
    count: u64,
    last_at: Timestamp,
    expires_at: Timestamp,
    /// The last reset of the password from the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset: Option<Reset>,
}

/// A reset of a password, and the epoch that it began.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Reset {
    epoch: u64,
    at: Timestamp,
}

/// The wrong passwords that count against a password for an account from a network, and the last reset from that network.
#[derive(Debug, Clone, Copy)]
pub struct Failures {
    given: Given,
    everywhere: Option<Stored>,
    network: Option<Stored>,
}

impl Failures {
    /// Reads the items at [`Failures::keys`]; expired ones are ignored.
    pub(super) fn of(given: Given, items: [Option<Item>; 2], now: Timestamp) -> Result<Self, Error> {
        let read = |item: Option<Item>| -> Result<Option<Stored>, Error> {
            Ok(item.map(from_item::<Stored>).transpose()?.filter(|row| now < row.expires_at))
        };
        let [everywhere, network] = items;
        Ok(Self { given, everywhere: read(everywhere)?, network: read(network)? })
    }

    pub(super) fn keys(given: Given, account: &EmailKey, network: &str) -> [Item; 2] {
        [key::failures(account, &everywhere(given)), key::failures(account, &of_network(network))]
    }

    /// The wrong passwords from this network.
    #[must_use]
    pub fn from_here(&self) -> Row {
        row(self.network)
    }

    /// The wrong passwords from everywhere: at sign-ins, or by signed-in callers, whose count no stranger can add to.
    #[must_use]
    pub fn from_everywhere(&self) -> Row {
        row(self.everywhere)
    }

    /// Whether the account's password was reset from this network in the last day, and that reset began `epoch`.
    #[must_use]
    pub fn is_reset_from_here(&self, epoch: u64, now: Timestamp) -> bool {
        let reset = self.network.and_then(|row| row.reset);
        reset.is_some_and(|reset| reset.epoch == epoch && now.since(reset.at) < KEEP_SECONDS)
    }
}

fn row(stored: Option<Stored>) -> Row {
    let Stored { count, last_at, .. } = stored.unwrap_or_default();
    Row { count, last_at }
}

fn everywhere(given: Given) -> String {
    match given {
        Given::AtSignIn => "SIGN-IN".to_owned(),
        Given::SignedIn { epoch } => format!("SIGNED-IN#{epoch}"),
    }
}

fn of_network(network: &str) -> String {
    format!("NETWORK#{network}")
}

impl Store {
    /// Counts one more wrong password for an account, from a network that has `free` in a row before it waits. Only these also count for
    /// the sign-ins from everywhere: for later ones the network itself has to wait.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn count_failure(
        &self,
        account: &EmailKey,
        network: &str,
        (known, free): (&Failures, u64),
        now: Timestamp,
    ) -> Result<(), Error> {
        let at_sign_in = async {
            let counts = known.from_here().count < free;
            let key = key::failures(account, &everywhere(Given::AtSignIn));
            if counts { self.count_row(key, Lives::FromFirst, now).await } else { Ok(()) }
        };
        let signed_in = async {
            let key = key::failures(account, &everywhere(known.given));
            if known.given == Given::AtSignIn { Ok(()) } else { self.count_row(key, Lives::FromLast, now).await }
        };
        let here = self.count_failure_here(account, network, now);
        Box::pin(try_join3(here, at_sign_in, signed_in)).await.map(|_| ())
    }

    /// Counts one more password of a sign-in that has to wait, against its network alone.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn count_failure_here(&self, account: &EmailKey, network: &str, now: Timestamp) -> Result<(), Error> {
        self.count_row(key::failures(account, &of_network(network)), Lives::FromLast, now).await
    }

    /// Increments a row. An expired row starts again.
    async fn count_row(&self, key: Item, lives: Lives, now: Timestamp) -> Result<(), Error> {
        let update = match lives {
            Lives::FromFirst => "ADD #count :one SET last_at = :now, expires_at = if_not_exists(expires_at, :end)",
            Lives::FromLast => "ADD #count :one SET last_at = :now, expires_at = :end",
        };
        let expires_at = now.plus(KEEP_SECONDS);
        let counted = unless_contended(|| {
            self.client
                .update_item()
                .table_name(&self.ephemeral)
                .set_key(Some(key.clone()))
                .update_expression(update)
                .condition_expression("attribute_not_exists(expires_at) OR expires_at > :now")
                .expression_attribute_names("#count", "count")
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":now", at(now))
                .expression_attribute_values(":end", at(expires_at))
                .send()
        });
        match if_met(counted.await)? {
            Some(_) => Ok(()),
            None => self.put_row(key, &Stored { count: 1, last_at: now, expires_at, reset: None }).await,
        }
    }

    /// Removes the wrong passwords of an account that are in `known`: those from this network and those of signed-in callers. The count of
    /// all sign-ins stays, since its end would tell strangers that the owner signed in. A reset from the network stays recorded.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn forget_failures(&self, account: &EmailKey, network: &str, known: &Failures) -> Result<(), Error> {
        let key = key::failures(account, &of_network(network));
        match known.network {
            Some(Stored { reset: Some(reset), count: 1.., .. }) => self.put_row(key, &after(reset)).await?,
            Some(Stored { reset: None, .. }) => self.delete_at(key).await?,
            _ => {}
        }
        match (known.given, known.everywhere) {
            (Given::SignedIn { .. }, Some(_)) => self.delete_at(key::failures(account, &everywhere(known.given))).await,
            _ => Ok(()),
        }
    }

    /// Records for a day that an account's password was reset from `network`, which began `epoch`: the network is known in that epoch,
    /// in which there is no session yet. Wrong passwords from the network are removed.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Unavailable`] when the database does not answer.
    pub async fn note_reset(&self, account: &EmailKey, network: &str, epoch: u64, now: Timestamp) -> Result<(), Error> {
        self.put_row(key::failures(account, &of_network(network)), &after(Reset { epoch, at: now })).await
    }

    async fn put_row(&self, key: Item, row: &Stored) -> Result<(), Error> {
        let item = to_item(row, key)?;
        let put =
            unless_contended(|| self.client.put_item().table_name(&self.ephemeral).set_item(Some(item.clone())).send());
        put.await.map(|_| ()).map_err(failure)
    }
}

/// The row of a network after a reset from it.
fn after(reset: Reset) -> Stored {
    Stored { expires_at: reset.at.plus(KEEP_SECONDS), reset: Some(reset), ..Stored::default() }
}
